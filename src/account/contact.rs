//! Moving to another phone number or e-mail address, with a way back for whoever is robbed of theirs.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Accounts, Parts, Required, rules};
use crate::{
    caller::Caller,
    clock::Timestamp,
    contact::{Contact, ContactKind},
    delivery::{ContactChanged, Notice, Order, notices},
    fault::Fault,
    ids::{ContactChangeId, DeliveryId, SessionId},
    purpose::Purpose,
    quota::{Act, Refused},
    secret::Secret,
    session::{
        gate::SignedIn,
        ways_in::{self, SecurityAct, Subject},
    },
    store::{
        Ending, Held, Tx,
        entity::{account::Model, contact_change},
    },
    telemetry::audit::{self, Event},
    verification::{self, ProofToken, Rejection},
};

/// What became of a change of contact.
pub enum ContactChange {
    Changed(Box<Model>),
    ProofRejected(Rejection),
    /// Another account has it.
    Taken,
    /// The account has it already.
    Unchanged,
    ReauthenticationRequired(Required),
    Quota(Refused),
}

impl ContactChange {
    fn outcome(&self) -> &'static str {
        match self {
            ContactChange::Changed(_) => audit::OK,
            ContactChange::ProofRejected(_) => "proof_rejected",
            ContactChange::Taken => "contact_taken",
            ContactChange::Unchanged => "contact_unchanged",
            ContactChange::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            ContactChange::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

enum Written {
    Changed { account: Box<Model>, ended: Vec<SessionId>, told: Vec<DeliveryId> },
    Refused(ContactChange),
}

/// One change, with everything that it writes.
struct Moving {
    accounts: Accounts,
    new: Contact,
    token_hash: String,
    purpose: Purpose,
    signed_in: SignedIn,
    entry: Event,
    now: Timestamp,
}

impl Accounts {
    /// Gives the account that is signed in the contact that was proved. Its other sessions are ended, and so are the
    /// codes and proofs of before; the old contact is told how to undo the change, and the other one that it was made.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn change_contact(
        &self,
        caller: &Caller,
        signed_in: &SignedIn,
        kind: ContactKind,
        token: Option<ProofToken>,
    ) -> Result<ContactChange, Fault> {
        let parts = &self.0;
        let (act, purpose) = match kind {
            ContactKind::Phone => (audit::Act::ChangePhone, Purpose::PhoneChange),
            ContactKind::Email => (audit::Act::ChangeEmail, Purpose::EmailChange),
        };
        let event = parts.event(caller, act).account(signed_in.account.clone());
        let refused = |refusal: ContactChange| {
            let event = event.clone();
            async move { parts.ended(event, refusal.outcome(), refusal).await }
        };
        if let Err(why) = parts.quotas.charge(Act::SpendProof, caller).await {
            return refused(ContactChange::Quota(why)).await;
        }
        // Before the proof is looked at: a refused act does not spend it.
        if let Some(required) = parts.required(signed_in).await? {
            return refused(ContactChange::ReauthenticationRequired(required)).await;
        }
        let rejected = |reason| refused(ContactChange::ProofRejected(reason));
        let Some(token_hash) = token.map(|token| token.hash()) else { return rejected(Rejection::Unknown).await };
        let proof = match parts.verifications.look_at_proof(&token_hash, purpose).await? {
            Ok(proof) => proof,
            Err(Rejection::Spent) if self.has_proved(signed_in, &token_hash).await? => {
                return refused(ContactChange::Unchanged).await;
            }
            Err(reason) => return rejected(reason).await,
        };
        let account = self.get(&signed_in.account).await?;
        // A proof that another account asked for is none.
        if account.is_none_or(|account| proof.account_id.as_ref() != Some(&account.id)) {
            return rejected(Rejection::Unknown).await;
        }
        let Some(new) = Contact::from_stored(proof.contact_kind, &proof.contact).filter(|new| new.kind() == kind)
        else {
            return rejected(Rejection::WrongPurpose).await;
        };
        let event = event.clone().contact(new.masked());
        let now = parts.clock.now();
        let (accounts, signed_in, entry) = (self.clone(), signed_in.clone(), event.clone());
        let moving = Moving { accounts, new, token_hash, purpose, signed_in, entry, now };
        match parts.store.write(move |tx| Box::pin(async move { moving.write(tx).await })).await? {
            Written::Refused(refusal) => parts.ended(event, refusal.outcome(), refusal).await,
            Written::Changed { account, ended, told } => {
                event.log();
                parts.sessions.announce_ended(&ended, now);
                parts.dispatch(told);
                Ok(ContactChange::Changed(account))
            }
        }
    }
}

impl Accounts {
    /// Whether a spent proof was this account's, for a contact that the account has by now: the change that it was for
    /// was made, with this proof or with another one.
    async fn has_proved(&self, signed_in: &SignedIn, token_hash: &str) -> Result<bool, Fault> {
        let Some(proof) = self.0.store.proof(token_hash).await? else { return Ok(false) };
        let account = self.get(&signed_in.account).await?;
        let is_theirs = proof.account_id.as_ref() == Some(&signed_in.account);
        Ok(is_theirs && account.is_some_and(|account| rules::holds_proved(&account, &proof)))
    }
}

impl Parts {
    /// The change as it is written, and the notices of it. One of them has the undo token: that to the replaced
    /// contact, or else to the other one.
    ///
    /// A contact that was brought by a change that can still be undone gets no token. Otherwise a thief whose contact
    /// the owner has replaced could undo that. If neither contact may have it, no notice has one.
    ///
    /// `open`: the changes of the account that can be undone, oldest first.
    fn undoable(
        &self,
        account: &Model,
        new: &Contact,
        open: &[contact_change::Model],
        now: Timestamp,
    ) -> (contact_change::Model, Vec<Order>) {
        let (kind, undo) = (new.kind(), self.settings.contact_undo);
        let key = self.keys.current();
        let id = ContactChangeId::new(&self.entropy);
        let old = rules::restored_by(account, open, kind);
        let proved = notices::proved(account);
        let replaced = proved.iter().find(|contact| contact.kind() == kind);
        let (old_contact, old_contact_key) = old.contact.unzip();
        let change = contact_change::Model {
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
        let brought = |contact: &Contact| open.iter().any(|change| change.contact_kind == contact.kind());
        let with_token = replaced.into_iter().chain(&proved).find(|contact| !brought(contact));
        let changed = ContactChanged::new(id, key.id(), new, undo);
        let told = proved.iter().map(|contact| {
            let changed = if Some(contact) == with_token { changed.clone() } else { changed.clone().without_undo() };
            let notice = Notice::ContactChanged(changed);
            // It can be read as long as it can be used.
            Order { expires_at: now + undo, ..notices::to(contact.clone(), account, notice, &self.entropy, now) }
        });
        (change, told.collect())
    }
}

/// What the store knows an undo token by.
pub(super) fn token_hash(token: &Secret) -> String {
    hex::encode(Sha256::digest(token.expose()))
}

impl Moving {
    async fn write(self, tx: &Tx) -> Result<Ending<Written>, Fault> {
        let refused = |refusal| Ok(Ending::Rollback(Written::Refused(refusal)));
        let id = &self.signed_in.account;
        let new = &self.new;
        let subject = Subject::new(id.clone()).session(self.signed_in.session.clone());
        let subject = subject.contacts([new.key().to_owned()]).spending(Some(self.token_hash.clone()));
        let ended = ways_in::end(tx, SecurityAct::ContactChange, &subject, self.now).await?;
        // Whoever undid a change, or reset the password, ended this session, and its proofs with it.
        let lives = tx.is_live(&self.signed_in.session, self.now).await?;
        let Some(account) = ended.account.as_ref().filter(|_| lives) else {
            return refused(ContactChange::ProofRejected(Rejection::Unknown));
        };
        let spending = tx.spend_proof(&self.token_hash, self.purpose, self.now).await?;
        if let Err(reason) = verification::spent(spending, self.purpose, self.now) {
            return refused(ContactChange::ProofRejected(reason));
        }
        let held: BTreeSet<_> = notices::proved(account).iter().map(|held| held.key().to_owned()).collect();
        if held.contains(new.key()) {
            return refused(ContactChange::Unchanged);
        }
        // Read after the account was locked: before that, the contact might be one that a thief has brought.
        let open = tx.undoable_changes(id, self.now).await?;
        let (change, told) = self.accounts.0.undoable(account, new, &open, self.now);
        tx.give_up_unproved(&rules::identifier(new)).await?;
        let held = Held {
            kind: new.kind(),
            contact: Some((new.as_str().to_owned(), new.key().to_owned())),
            verified_at: Some(self.now),
        };
        let account = match tx.set_contact(id, &held, self.now).await? {
            Ok(Some(account)) => account,
            Ok(None) => return refused(ContactChange::ProofRejected(Rejection::Unknown)),
            Err(_) => return refused(ContactChange::Taken),
        };
        tx.insert_contact_change(change).await?;
        tx.insert_audit(&self.entry).await?;
        let told = notices::owe(tx, id, told, self.now).await?;
        Ok(Ending::Commit(Written::Changed { account: Box::new(account), ended: ended.session_ids(), told }))
    }
}
