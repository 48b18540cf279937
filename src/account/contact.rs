//! Changing the phone number or e-mail address of an account, with an undo token for the previous contact.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Accounts, Deps, RequiredReauthentication};
use crate::{
    delivery::{OutgoingMessage, notices},
    quota::Operation,
    session::{
        access_revocation::{self, ActSubject, SecurityAct},
        access_token_verifier::SignedIn,
    },
    verification::{self, ProofToken, Rejection},
};
use domain::{
    Timestamp,
    account::{Account, AccountContact, rules},
    caller::RequestInfo,
    contact::{Contact, ContactKind},
    contact_change::ContactChange,
    ids::{ContactChangeId, DeliveryId, SessionId},
    notice::{ContactChanged, Notice},
    purpose::Purpose,
    quota::Refused,
};
use platform::{
    fault::Fault,
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxOutcome};

/// Result of a contact change.
pub enum ContactChangeOutcome {
    Changed(Box<Account>),
    ProofRejected(Rejection),
    /// Another account uses it.
    Taken,
    /// It is already this account's contact.
    Unchanged,
    ReauthenticationRequired(RequiredReauthentication),
    Quota(Refused),
}

impl ContactChangeOutcome {
    fn outcome(&self) -> &'static str {
        match self {
            ContactChangeOutcome::Changed(_) => audit::OK,
            ContactChangeOutcome::ProofRejected(_) => "proof_rejected",
            ContactChangeOutcome::Taken => "contact_taken",
            ContactChangeOutcome::Unchanged => "contact_unchanged",
            ContactChangeOutcome::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            ContactChangeOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

enum WriteResult {
    Changed { account: Box<Account>, ended: Vec<SessionId>, messages: Vec<DeliveryId> },
    Refused(ContactChangeOutcome),
}

/// A contact change and its inputs.
struct Change {
    accounts: Accounts,
    new: Contact,
    token_hash: String,
    purpose: Purpose,
    signed_in: SignedIn,
    entry: Event,
    now: Timestamp,
}

impl Accounts {
    /// Replaces a contact of the signed-in account with a verified one. Ends the other sessions and revokes earlier
    /// codes and proofs. Sends an undo token to the old contact, and a notice to the other one.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn change_contact(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        kind: ContactKind,
        token: Option<ProofToken>,
    ) -> Result<ContactChangeOutcome, Fault> {
        let deps = &self.0;
        let (act, purpose) = match kind {
            ContactKind::Phone => (audit::Act::ChangePhone, Purpose::PhoneChange),
            ContactKind::Email => (audit::Act::ChangeEmail, Purpose::EmailChange),
        };
        let event = deps.event(caller, act).account(signed_in.account.clone());
        let refused = |refusal: ContactChangeOutcome| {
            let event = event.clone();
            async move { deps.record_outcome(event, refusal.outcome(), refusal).await }
        };
        if let Err(why) = deps.quotas.charge(Operation::SpendProof, caller).await {
            return refused(ContactChangeOutcome::Quota(why)).await;
        }
        // Checked before the proof: a rejected request does not spend it.
        if let Some(required) = deps.check_recent_authentication(signed_in).await? {
            return refused(ContactChangeOutcome::ReauthenticationRequired(required)).await;
        }
        let rejected = |reason| refused(ContactChangeOutcome::ProofRejected(reason));
        let Some(token_hash) = token.map(|token| token.hash()) else { return rejected(Rejection::Unknown).await };
        let proof = match deps.verifications.check_proof(&token_hash, purpose).await? {
            Ok(proof) => proof,
            Err(Rejection::Spent) if self.has_proved(signed_in, &token_hash).await? => {
                return refused(ContactChangeOutcome::Unchanged).await;
            }
            Err(reason) => return rejected(reason).await,
        };
        let account = self.get(&signed_in.account).await?;
        // A proof that another account requested is treated as unknown.
        if account.is_none_or(|account| proof.account_id.as_ref() != Some(&account.id)) {
            return rejected(Rejection::Unknown).await;
        }
        let Some(new) = Contact::from_stored(proof.contact_kind, &proof.contact).filter(|new| new.kind() == kind)
        else {
            return rejected(Rejection::WrongPurpose).await;
        };
        let event = event.clone().contact(new.masked());
        let now = deps.clock.now();
        let (accounts, signed_in, entry) = (self.clone(), signed_in.clone(), event.clone());
        let pending = Change { accounts, new, token_hash, purpose, signed_in, entry, now };
        match deps.store.write(move |tx| Box::pin(async move { pending.write(tx).await })).await? {
            WriteResult::Refused(refusal) => deps.record_outcome(event, refusal.outcome(), refusal).await,
            WriteResult::Changed { account, ended, messages } => {
                event.log();
                deps.sessions.publish_ended(&ended, now);
                deps.dispatch(messages);
                Ok(ContactChangeOutcome::Changed(account))
            }
        }
    }
}

impl Accounts {
    /// Whether a spent proof belongs to this account, and the account now has its contact: then the change was already
    /// made, with this proof or another one.
    async fn has_proved(&self, signed_in: &SignedIn, token_hash: &str) -> Result<bool, Fault> {
        let Some(proof) = self.0.store.proof(token_hash).await? else { return Ok(false) };
        let account = self.get(&signed_in.account).await?;
        let is_own = proof.account_id.as_ref() == Some(&signed_in.account);
        Ok(is_own && account.is_some_and(|account| rules::has_proof_contact(&account, &proof)))
    }
}

impl Deps {
    /// Builds the change record and its notices. One notice carries the undo token: the one to the replaced contact,
    /// otherwise the one to the other contact.
    ///
    /// A contact that was set by a change that can still be undone gets no token. Otherwise an attacker whose contact
    /// the owner has replaced could undo the replacement. If neither contact qualifies, no notice has a token.
    ///
    /// `open`: the changes of the account that can be undone, oldest first.
    fn undoable(
        &self,
        account: &Account,
        new: &Contact,
        open: &[ContactChange],
        now: Timestamp,
    ) -> (ContactChange, Vec<OutgoingMessage>) {
        let (kind, undo) = (new.kind(), self.settings.contact_undo);
        let key = self.keys.current();
        let id = ContactChangeId::new(&self.entropy);
        let old = rules::restored_by(account, open, kind);
        let proved = rules::verified_contacts(account);
        let replaced = proved.iter().find(|contact| contact.kind() == kind);
        let (old_contact, old_contact_key) = old.contact.unzip();
        let change = ContactChange {
            token_hash: token_hash(&notices::undo_token(&id, key)),
            id: id.clone(),
            account_id: account.id.clone(),
            contact_kind: kind,
            replaced_contact: replaced
                .filter(|replaced| old_contact_key.as_deref() != Some(replaced.key()))
                .map(|replaced| replaced.as_str().to_owned()),
            old_contact,
            old_contact_key,
            old_verified_at: old.verified_at,
            created_at: now,
            expires_at: now + undo,
            undone_at: None,
            password_changed_at: account.password_changed_at,
        };
        let set_by_open_change = |contact: &Contact| open.iter().any(|change| change.contact_kind == contact.kind());
        let with_token = replaced.into_iter().chain(&proved).find(|contact| !set_by_open_change(contact));
        let changed =
            ContactChanged { final_change: with_token.is_none(), ..ContactChanged::new(id, key.id(), new, undo) };
        let messages = proved.iter().map(|contact| {
            let changed = if Some(contact) == with_token { changed.clone() } else { changed.clone().without_undo() };
            let notice = Notice::ContactChanged(changed);
            // Valid for as long as the token can be used.
            OutgoingMessage {
                expires_at: now + undo,
                ..notices::message_to(contact.clone(), account, notice, &self.entropy, now)
            }
        });
        (change, messages.collect())
    }
}

/// The hash under which the store looks up an undo token.
pub(super) fn token_hash(token: &Secret) -> String {
    hex::encode(Sha256::digest(token.expose()))
}

impl Change {
    async fn write(self, tx: &Tx) -> Result<TxOutcome<WriteResult>, Fault> {
        let refused = |refusal| Ok(TxOutcome::Rollback(WriteResult::Refused(refusal)));
        let id = &self.signed_in.account;
        let new = &self.new;
        let subject = ActSubject::new(id.clone()).session(self.signed_in.session.clone());
        let subject = subject.contacts([new.key().to_owned()]).spending(Some(self.token_hash.clone()));
        let ended = access_revocation::revoke_access(tx, SecurityAct::ContactChange, &subject, self.now).await?;
        // An undo or a password reset in the meantime ended this session and revoked its proofs.
        let is_live = tx.is_live(&self.signed_in.session, self.now).await?;
        let Some(account) = ended.account.as_ref().filter(|_| is_live) else {
            return refused(ContactChangeOutcome::ProofRejected(Rejection::Unknown));
        };
        let spending = tx.spend_proof(&self.token_hash, self.purpose, self.now).await?;
        if let Err(reason) = verification::spent_proof(spending, self.purpose, self.now) {
            return refused(ContactChangeOutcome::ProofRejected(reason));
        }
        let own_contacts: BTreeSet<_> =
            rules::verified_contacts(account).iter().map(|own_contacts| own_contacts.key().to_owned()).collect();
        if own_contacts.contains(new.key()) {
            return refused(ContactChangeOutcome::Unchanged);
        }
        // Read after the account was locked: before that, the contact could be one that an attacker has set.
        let open = tx.undoable_changes(id, self.now).await?;
        let (change, messages) = self.accounts.0.undoable(account, new, &open, self.now);
        tx.delete_unverified_account(&rules::identifier(new)).await?;
        let own_contacts = AccountContact {
            kind: new.kind(),
            contact: Some((new.as_str().to_owned(), new.key().to_owned())),
            verified_at: Some(self.now),
        };
        let account = match tx.set_contact(id, &own_contacts, self.now).await? {
            Ok(Some(account)) => account,
            Ok(None) => return refused(ContactChangeOutcome::ProofRejected(Rejection::Unknown)),
            Err(_) => return refused(ContactChangeOutcome::Taken),
        };
        tx.insert_contact_change(change).await?;
        tx.insert_audit(&self.entry).await?;
        let messages = notices::enqueue(tx, id, messages, self.now).await?;
        Ok(TxOutcome::Commit(WriteResult::Changed { account: Box::new(account), ended: ended.session_ids(), messages }))
    }
}
