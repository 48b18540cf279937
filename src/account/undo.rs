//! Undoing changes of contact, with the token that the old contact was sent.

use super::{Accounts, contact::token_hash, rules};
use crate::{
    caller::Caller,
    clock::Instant,
    contact::Contact,
    delivery::{Notice, notices},
    fault::Fault,
    ids::{AccountId, DeliveryId, SessionId},
    purpose::Purpose,
    quota::{Act, Refused},
    secret::Secret,
    session::ways_in::{self, SecurityAct, Subject},
    store::{Ending, Held, Identifier, Tx, entity::contact_change},
    telemetry::audit::{self, Event},
    verification::{self, Audience, ProofToken, Recipient, Rejection, Start, Started, Verification, rules as codes},
};

/// The token of a change of contact: 64 hex digits.
#[derive(Clone, Debug)]
pub struct UndoToken(Secret);

impl UndoToken {
    /// The token that a client sent. None: it can be none of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(hex)).then(|| Self(Secret::new(text)))
    }
}

/// What a client sends to undo a change.
pub struct Undo {
    /// None: it can be none of ours.
    pub token: Option<UndoToken>,
    /// Of a CONTACT_UNDO verification. The inner one is none where it can be none of ours.
    pub proof: Option<Option<ProofToken>>,
}

/// Result of undoing a change.
pub enum Undone {
    Undone {
        sessions_ended: usize,
    },
    /// A contact that was not changed was sent a code, to be confirmed first.
    ConfirmationRequired(Box<Verification>),
    /// The undo token is not accepted.
    Rejected(Rejection),
    /// The proof of the other contact is not accepted.
    ProofRejected(Rejection),
    /// Other accounts have the old contacts by now, and the account has no other proved contact.
    ContactTaken,
    Quota(Refused),
}

impl Undone {
    fn outcome(&self) -> &'static str {
        match self {
            Undone::Undone { .. } => audit::OK,
            Undone::ConfirmationRequired(_) => "undo_confirmation_required",
            Undone::Rejected(_) | Undone::ProofRejected(_) => "proof_rejected",
            Undone::ContactTaken => "contact_taken",
            Undone::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

enum Written {
    Undone { account: AccountId, ended: Vec<SessionId>, told: Vec<DeliveryId> },
    Unconfirmed { account: AccountId, contact: Contact },
    Refused(Undone),
}

/// One undo, with everything that it writes.
struct Undoing {
    accounts: Accounts,
    token_hash: String,
    proof_hash: Option<String>,
    entry: Event,
    now: Instant,
}

impl Accounts {
    /// Restores the contacts from before the oldest change that can still be undone, whichever change the token is of:
    /// whoever made the one made the others. Ends everything that leads into the account and takes the password away,
    /// since a thief may know it: the owner chooses a new one by a code to the contact that is theirs again.
    ///
    /// Where the account has a contact that none of the changes touched, a code to it is confirmed first: an undo token
    /// goes to an old contact, and a lost SIM card has an old number in it.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn undo_contact_change(&self, caller: &Caller, undo: Undo) -> Result<Undone, Fault> {
        let parts = &self.0;
        let event = parts.event(caller, audit::Act::UndoContactChange);
        let undone = self.undo(caller, undo, &event).await?;
        match &undone {
            // It was written with what it changed.
            Undone::Undone { .. } => Ok(undone),
            refused => parts.ended(event, refused.outcome(), ()).await.map(|()| undone),
        }
    }

    async fn undo(&self, caller: &Caller, undo: Undo, event: &Event) -> Result<Undone, Fault> {
        let parts = &self.0;
        if let Err(refused) = parts.quotas.charge(Act::SpendProof, caller).await {
            return Ok(Undone::Quota(refused));
        }
        let Some(token) = undo.token else { return Ok(Undone::Rejected(Rejection::Unknown)) };
        let proof_hash = match undo.proof {
            Some(Some(proof)) => Some(proof.hash()),
            Some(None) => return Ok(Undone::ProofRejected(Rejection::Unknown)),
            None => None,
        };
        let now = parts.clock.now();
        let (accounts, entry) = (self.clone(), event.clone());
        let undoing = Undoing { accounts, token_hash: token_hash(&token.0), proof_hash, entry, now };
        match parts.store.write(move |tx| Box::pin(async move { undoing.write(tx).await })).await? {
            Written::Undone { account, ended, told } => {
                event.clone().account(account).log();
                parts.sessions.announce_ended(&ended, now);
                parts.dispatch(told);
                Ok(Undone::Undone { sessions_ended: ended.len() })
            }
            Written::Unconfirmed { account, contact } => self.ask_for_confirmation(caller, account, contact).await,
            Written::Refused(refusal) => Ok(refusal),
        }
    }

    /// Sends a code to the contact that no change touched.
    async fn ask_for_confirmation(
        &self,
        caller: &Caller,
        account: AccountId,
        contact: Contact,
    ) -> Result<Undone, Fault> {
        let Some(channel) = codes::channel(None, contact.kind()) else {
            return Err(Fault::internal("no channel leads to a contact"));
        };
        let to = contact.clone();
        let audience: Audience<()> = Audience::Account {
            identifier: Identifier::Id(account),
            judge: Box::new(move |holder| match holder {
                Some(holder) => Ok(Recipient::Holder { account: Some(holder.id.clone()), to: Some(to) }),
                None => Err(()),
            }),
        };
        let start = Start {
            purpose: Purpose::ContactUndo,
            to: contact,
            channel,
            locale: caller.locale,
            idempotency_key: None,
            audience,
            known_client: false,
            act: audit::Act::SendVerificationCode,
        };
        Ok(match self.0.verifications.start(caller, start).await? {
            Started::Sent(verification) => Undone::ConfirmationRequired(Box::new(verification)),
            Started::Quota(refused) => Undone::Quota(refused),
            // The account was erased meanwhile.
            Started::Refused(()) => Undone::Rejected(Rejection::Unknown),
        })
    }
}

impl Undoing {
    async fn write(self, tx: &Tx) -> Result<Ending<Written>, Fault> {
        let refused = |refusal| Ok(Ending::Rollback(Written::Refused(refusal)));
        let rejected = |reason| refused(Undone::Rejected(reason));
        let Some(change) = tx.contact_change(&self.token_hash).await? else { return rejected(Rejection::Unknown) };
        if change.expires_at <= self.now {
            return rejected(Rejection::Expired);
        }
        let id = change.account_id.clone();
        let changes = tx.undoable_changes(&id, self.now).await?;
        let subject = Subject::new(id.clone()).spending(self.proof_hash.clone());
        let subject = subject.contacts(changes.into_iter().filter_map(|change| change.old_contact_key));
        let ended = ways_in::end(tx, SecurityAct::ContactUndo, &subject, self.now).await?;
        let sessions = ended.session_ids();
        let (Some(account), undone) = (ended.account, ended.undone) else { return rejected(Rejection::Unknown) };
        // The account is locked: a change that is not among these was undone before.
        if !undone.iter().any(|undone| undone.id == change.id) {
            return rejected(Rejection::Spent);
        }
        if let Some(contact) = rules::untouched(&account, &undone) {
            match self.spend_confirmation(tx, &id, &contact).await? {
                Some(Ok(())) => {}
                Some(Err(reason)) => return refused(Undone::ProofRejected(reason)),
                None => return Ok(Ending::Rollback(Written::Unconfirmed { account: id, contact })),
            }
        }
        if !self.restore(tx, &id, &undone).await? {
            return refused(Undone::ContactTaken);
        }
        let to = |contact| {
            let entropy = &self.accounts.0.entropy;
            notices::to(contact, &account, Notice::ContactChangeUndone, entropy, self.now)
        };
        let orders = rules::all_contacts(&account, &undone).into_iter().map(to).collect();
        let told = notices::owe(tx, &id, orders, self.now).await?;
        tx.insert_audit(&self.entry.clone().account(id.clone())).await?;
        Ok(Ending::Commit(Written::Undone { account: id, ended: sessions, told }))
    }

    /// Spends the proof that a contact of the account was confirmed. None: there was no proof.
    async fn spend_confirmation(
        &self,
        tx: &Tx,
        account: &AccountId,
        contact: &Contact,
    ) -> Result<Option<Result<(), Rejection>>, Fault> {
        let Some(hash) = &self.proof_hash else { return Ok(None) };
        let spending = tx.spend_proof(hash, Purpose::ContactUndo, self.now).await?;
        Ok(Some(match verification::spent(spending, Purpose::ContactUndo, self.now) {
            Ok(proof) if proof.account_id.as_ref() == Some(account) && proof.contact_key == contact.key() => Ok(()),
            Ok(_) => Err(Rejection::Unknown),
            Err(reason) => Err(reason),
        }))
    }

    /// Gives the account its contacts back and takes its password away. A contact that another account has by now is
    /// left out. False: the account would have no proved contact then.
    async fn restore(&self, tx: &Tx, id: &AccountId, undone: &[contact_change::Model]) -> Result<bool, Fault> {
        let mut account = None;
        for mut held in rules::restored(undone) {
            if let Some(contact) = held.identifier() {
                // An account that never proved the contact gives it up.
                tx.give_up_unproved(&contact).await?;
                if tx.account(&contact).await?.is_some_and(|holder| holder.id != *id) {
                    held = Held { contact: None, verified_at: None, ..held };
                }
            }
            match tx.set_contact(id, &held, self.now).await? {
                Ok(changed) => account = changed,
                // It was taken since it was looked up.
                Err(_) => return Ok(false),
            }
        }
        if account.is_none_or(|account| notices::proved(&account).is_empty()) {
            return Ok(false);
        }
        tx.drop_password(id, self.now).await?;
        self.accounts.0.sessions.unlock(tx, id).await?;
        Ok(true)
    }
}
