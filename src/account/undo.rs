//! Undoing contact changes, with the token that was sent to the old contact.

use super::{Accounts, contact::token_hash};
use crate::{
    delivery::notices,
    quota::Operation,
    session::access_revocation::{self, ActSubject, SecurityAct},
    verification::{self, ProofToken, RecipientSource, Rejection, Start, StartOutcome, VerificationView},
};
use domain::{
    Timestamp,
    account::{AccountContact, Identifier, rules},
    caller::RequestInfo,
    contact::Contact,
    contact_change::ContactChange,
    ids::{AccountId, DeliveryId, SessionId},
    notice::Notice,
    purpose::Purpose,
    quota::Refused,
    verification::{Recipient, rules as codes},
};
use platform::{
    fault::Fault,
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxOutcome};

/// The undo token of a contact change: 64 hex digits.
#[derive(Clone, Debug)]
pub struct UndoToken(Secret);

impl UndoToken {
    /// Parses a token from a client. None: it does not have the format of an undo token.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(hex)).then(|| Self(Secret::new(text)))
    }
}

/// A request to undo a change.
pub struct UndoRequest {
    /// None: the text does not have the format of an undo token.
    pub token: Option<UndoToken>,
    /// Proof of a CONTACT_UNDO verification. Inner None: the text does not have the format of a proof.
    pub proof: Option<Option<ProofToken>>,
}

/// Result of undoing a change.
pub enum UndoOutcome {
    Undone {
        sessions_ended: usize,
    },
    /// A code was sent to a contact that was not changed; it has to be confirmed first.
    ConfirmationRequired(Box<VerificationView>),
    /// The undo token was rejected.
    Rejected(Rejection),
    /// The proof of the other contact was rejected.
    ProofRejected(Rejection),
    /// Other accounts now have the old contacts, and the account has no other verified contact.
    ContactTaken,
    Quota(Refused),
}

impl UndoOutcome {
    fn outcome(&self) -> &'static str {
        match self {
            UndoOutcome::Undone { .. } => audit::OK,
            UndoOutcome::ConfirmationRequired(_) => "undo_confirmation_required",
            UndoOutcome::Rejected(_) | UndoOutcome::ProofRejected(_) => "proof_rejected",
            UndoOutcome::ContactTaken => "contact_taken",
            UndoOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

enum WriteResult {
    Undone { account: AccountId, ended: Vec<SessionId>, messages: Vec<DeliveryId> },
    Unconfirmed { account: AccountId, contact: Contact },
    Refused(UndoOutcome),
}

/// An undo and its inputs.
struct UndoTx {
    accounts: Accounts,
    token_hash: String,
    proof_hash: Option<String>,
    entry: Event,
    now: Timestamp,
}

impl Accounts {
    /// Restores the contacts from before the oldest change that can still be undone, regardless of which change the
    /// token belongs to: they are all taken to be by the same person. Revokes all access to the account and removes the
    /// password, since an attacker may know it; the owner sets a new one with a code to the restored contact.
    ///
    /// If the account has a contact that none of the changes touched, a code to it has to be confirmed first: undo
    /// tokens are sent to old contacts, and an old phone number may be on a lost SIM card.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn undo_contact_change(&self, caller: &RequestInfo, undo: UndoRequest) -> Result<UndoOutcome, Fault> {
        let deps = &self.0;
        let event = deps.event(caller, audit::Act::UndoContactChange);
        let undone = self.undo(caller, undo, &event).await?;
        match &undone {
            // Already in the audit trail.
            UndoOutcome::Undone { .. } => Ok(undone),
            refused => deps.record_outcome(event, refused.outcome(), ()).await.map(|()| undone),
        }
    }

    async fn undo(&self, caller: &RequestInfo, undo: UndoRequest, event: &Event) -> Result<UndoOutcome, Fault> {
        let deps = &self.0;
        if let Err(refused) = deps.quotas.charge(Operation::SpendProof, caller).await {
            return Ok(UndoOutcome::Quota(refused));
        }
        let Some(token) = undo.token else { return Ok(UndoOutcome::Rejected(Rejection::Unknown)) };
        let proof_hash = match undo.proof {
            Some(Some(proof)) => Some(proof.hash()),
            Some(None) => return Ok(UndoOutcome::ProofRejected(Rejection::Unknown)),
            None => None,
        };
        let now = deps.clock.now();
        let (accounts, entry) = (self.clone(), event.clone());
        let undo_tx = UndoTx { accounts, token_hash: token_hash(&token.0), proof_hash, entry, now };
        match deps.store.write(move |tx| Box::pin(async move { undo_tx.write(tx).await })).await? {
            WriteResult::Undone { account, ended, messages } => {
                event.clone().account(account).log();
                deps.sessions.publish_ended(&ended, now);
                deps.dispatch(messages);
                Ok(UndoOutcome::Undone { sessions_ended: ended.len() })
            }
            WriteResult::Unconfirmed { account, contact } => self.request_confirmation(caller, account, contact).await,
            WriteResult::Refused(refusal) => Ok(refusal),
        }
    }

    /// Sends a code to the contact that no change touched.
    async fn request_confirmation(
        &self,
        caller: &RequestInfo,
        account: AccountId,
        contact: Contact,
    ) -> Result<UndoOutcome, Fault> {
        let Some(channel) = codes::channel(None, contact.kind()) else {
            return Err(Fault::internal("no channel for the kind of contact"));
        };
        let to = contact.clone();
        let recipient_source: RecipientSource<()> = RecipientSource::Account {
            identifier: Identifier::Id(account),
            resolve: Box::new(move |holder| match holder {
                Some(holder) => Ok(Recipient::Code { account: Some(holder.id.clone()), to: Some(to) }),
                None => Err(()),
            }),
        };
        let start = Start {
            purpose: Purpose::ContactUndo,
            to: contact,
            channel,
            locale: caller.locale,
            idempotency_key: None,
            recipient_source,
            known_client: false,
            act: audit::Act::SendVerificationCode,
        };
        Ok(match self.0.verifications.start(caller, start).await? {
            StartOutcome::Sent(verification) => UndoOutcome::ConfirmationRequired(Box::new(verification)),
            StartOutcome::Quota(refused) => UndoOutcome::Quota(refused),
            // The account was deleted in the meantime.
            StartOutcome::Refused(()) => UndoOutcome::Rejected(Rejection::Unknown),
        })
    }
}

impl UndoTx {
    async fn write(self, tx: &Tx) -> Result<TxOutcome<WriteResult>, Fault> {
        let refused = |refusal| Ok(TxOutcome::Rollback(WriteResult::Refused(refusal)));
        let rejected = |reason| refused(UndoOutcome::Rejected(reason));
        let Some(change) = tx.contact_change(&self.token_hash).await? else { return rejected(Rejection::Unknown) };
        if change.expires_at <= self.now {
            return rejected(Rejection::Expired);
        }
        let id = change.account_id.clone();
        let changes = tx.undoable_changes(&id, self.now).await?;
        let subject = ActSubject::new(id.clone()).spending(self.proof_hash.clone());
        let subject = subject.contacts(changes.into_iter().filter_map(|change| change.old_contact_key));
        let ended = access_revocation::revoke_access(tx, SecurityAct::ContactUndo, &subject, self.now).await?;
        let sessions = ended.session_ids();
        let (Some(account), undone) = (ended.account, ended.undone) else { return rejected(Rejection::Unknown) };
        // The account is locked, so a change that is not among these was already undone.
        if !undone.iter().any(|undone| undone.id == change.id) {
            return rejected(Rejection::Spent);
        }
        if let Some(contact) = rules::unchanged_contact(&account, &undone) {
            match self.spend_confirmation(tx, &id, &contact).await? {
                Some(Ok(())) => {}
                Some(Err(reason)) => return refused(UndoOutcome::ProofRejected(reason)),
                None => return Ok(TxOutcome::Rollback(WriteResult::Unconfirmed { account: id, contact })),
            }
        }
        if !self.restore(tx, &id, &undone).await? {
            return refused(UndoOutcome::ContactTaken);
        }
        let to = |contact| {
            let entropy = &self.accounts.0.entropy;
            notices::message_to(contact, &account, Notice::ContactChangeUndone, entropy, self.now)
        };
        let messages = rules::contacts_to_notify(&account, &undone).into_iter().map(to).collect();
        let messages = notices::enqueue(tx, &id, messages, self.now).await?;
        tx.insert_audit(&self.entry.clone().account(id.clone())).await?;
        Ok(TxOutcome::Commit(WriteResult::Undone { account: id, ended: sessions, messages }))
    }

    /// Spends the proof that a contact of the account was confirmed. None: no proof was sent.
    async fn spend_confirmation(
        &self,
        tx: &Tx,
        account: &AccountId,
        contact: &Contact,
    ) -> Result<Option<Result<(), Rejection>>, Fault> {
        let Some(hash) = &self.proof_hash else { return Ok(None) };
        let spending = tx.spend_proof(hash, Purpose::ContactUndo, self.now).await?;
        Ok(Some(match verification::spent_proof(spending, Purpose::ContactUndo, self.now) {
            Ok(proof) if proof.account_id.as_ref() == Some(account) && proof.contact_key == contact.key() => Ok(()),
            Ok(_) => Err(Rejection::Unknown),
            Err(reason) => Err(reason),
        }))
    }

    /// Restores the contacts of the account and removes its password. A contact that another account now has is left
    /// out. False: the account would have no verified contact.
    async fn restore(&self, tx: &Tx, id: &AccountId, undone: &[ContactChange]) -> Result<bool, Fault> {
        let mut account = None;
        for mut restored in rules::contacts_before(undone) {
            if let Some(contact) = restored.identifier() {
                // An account that never verified the contact loses it.
                tx.delete_unverified_account(&contact).await?;
                if tx.account(&contact).await?.is_some_and(|holder| holder.id != *id) {
                    restored = AccountContact { contact: None, verified_at: None, ..restored };
                }
            }
            match tx.set_contact(id, &restored, self.now).await? {
                Ok(changed) => account = changed,
                // Another account took it after the lookup.
                Err(_) => return Ok(false),
            }
        }
        if account.is_none_or(|account| rules::verified_contacts(&account).is_empty()) {
            return Ok(false);
        }
        tx.remove_password(id, self.now).await?;
        self.accounts.0.sessions.clear_lockouts(tx, id).await?;
        Ok(true)
    }
}
