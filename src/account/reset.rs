//! Resetting a lost password.

use super::{
    Accounts,
    rules::{self, Turned},
    send::Sent,
    words,
};
use crate::{
    delivery::{Notice, Order, notices},
    quota::{Act, Refused},
    session::{
        Opaque, Sessions,
        ways_in::{self, SecurityAct, Subject},
    },
    store::{Ending, Identifier, Tx, entity},
    verification::{self, Audience, ProofToken, Rejection, Start},
};
use domain::{
    Timestamp,
    caller::Caller,
    channel::Channel,
    contact::{BirthDate, Contact, PersonName, PhoneNumber},
    ids::{AccountId, DeliveryId, SessionId},
    locale::Locale,
    purpose::Purpose,
};
use platform::{
    fault::Fault,
    password::{PasswordHash, Violation},
    secret::Secret,
    telemetry::audit::{self, Event},
};

/// How the account to reset is identified.
#[derive(Clone, Debug)]
pub enum Claim {
    Identity(Identity),
    Contact(Contact),
}

/// Personal data entered by the user.
#[derive(Clone, Debug)]
pub struct Identity {
    pub name: PersonName,
    pub birth_date: BirthDate,
    pub phone: PhoneNumber,
}

impl Claim {
    /// The contact that the code would be sent to.
    pub fn contact(&self) -> Contact {
        match self {
            Claim::Identity(identity) => Contact::Phone(identity.phone.clone()),
            Claim::Contact(contact) => contact.clone(),
        }
    }
}

/// Result of a password reset.
pub enum Reset {
    Reset {
        sessions_ended: usize,
        notification_queued: bool,
        /// The new device token of the client.
        device: Secret,
    },
    ProofRejected(Rejection),
    PasswordRejected(Vec<Violation>),
    Quota(Refused),
}

impl Reset {
    fn outcome(&self) -> &'static str {
        match self {
            Reset::Reset { .. } => audit::OK,
            Reset::ProofRejected(_) => "proof_rejected",
            Reset::PasswordRejected(_) => "password_rejected",
            Reset::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

enum WriteResult {
    Changed { account: AccountId, ended: Vec<SessionId>, notices: Vec<DeliveryId> },
    Rejected(Rejection),
}

impl Accounts {
    /// Sends a password reset code if the claim matches an account.
    ///
    /// # Errors
    /// A fault of the store or of the quotas.
    pub async fn request_password_reset(
        &self,
        caller: &Caller,
        claim: Claim,
        channel: Channel,
        locale: Locale,
        device: Option<Opaque>,
    ) -> Result<Sent, Fault> {
        let act = audit::Act::RequestPasswordReset;
        let known_client = self.is_known_client(None, device.as_ref(), channel, &claim.contact()).await?;
        let disclosed = self.0.settings.disclosed;
        let to = claim.contact();
        let kind = to.kind();
        let audience: Audience<Turned> = Audience::Account {
            identifier: rules::identifier(&to),
            judge: Box::new(move |account| match claim {
                Claim::Identity(Identity { name, birth_date, .. }) => {
                    rules::for_identity(account, &name, birth_date, disclosed)
                }
                Claim::Contact(_) => rules::for_holder(account, kind, disclosed),
            }),
        };
        let start = Start {
            purpose: Purpose::PasswordReset,
            to,
            channel,
            locale,
            idempotency_key: None,
            audience,
            known_client,
            act,
        };
        let sent = Sent::from(self.0.verifications.start(caller, start).await?);
        self.record_refused(caller, act, &sent).await;
        Ok(sent)
    }

    /// Sets a new password for the account of a proof, revokes all other access to it, resets its failed-login counter
    /// and notifies its contacts. The client's device is the only known device afterwards.
    ///
    /// The new password is validated before the proof is spent, so that a weak password does not use it up. It is
    /// hashed before the transaction begins, since hashing is slow.
    ///
    /// # Errors
    /// A fault of the store, the quotas or the password hasher.
    pub async fn reset_password(
        &self,
        caller: &Caller,
        token: Option<ProofToken>,
        password: &Secret,
    ) -> Result<Reset, Fault> {
        let event = self.0.event(caller, audit::Act::ResetPassword);
        let reset = self.reset(caller, token, password, &event).await?;
        match &reset {
            // Already in the audit trail.
            Reset::Reset { .. } => Ok(reset),
            refused => self.0.ended(event, refused.outcome(), ()).await.map(|()| reset),
        }
    }

    async fn reset(
        &self,
        caller: &Caller,
        token: Option<ProofToken>,
        password: &Secret,
        event: &Event,
    ) -> Result<Reset, Fault> {
        let parts = &self.0;
        if let Err(refused) = parts.quotas.charge(Act::SpendProof, caller).await {
            return Ok(Reset::Quota(refused));
        }
        let Some(token_hash) = token.map(|token| token.hash()) else {
            return Ok(Reset::ProofRejected(Rejection::Unknown));
        };
        let now = parts.clock.now();
        let account = match parts.verifications.look_at_proof(&token_hash, Purpose::PasswordReset).await? {
            Err(reason) => return Ok(Reset::ProofRejected(reason)),
            Ok(proof) => match proof.account_id {
                Some(id) => parts.store.account(&Identifier::Id(id)).await?,
                None => None,
            },
        };
        // The account was deleted in the meantime.
        let Some(account) = account else { return Ok(Reset::ProofRejected(Rejection::Unknown)) };
        let violations = self.violations(password, &account).await?;
        if !violations.is_empty() {
            return Ok(Reset::PasswordRejected(violations));
        }
        let hash = parts.hasher.hash(password).await?;
        let messages = notices::to_all(&account, &Notice::PasswordChanged, &parts.entropy, now);
        let device = Opaque::new(&parts.entropy);
        let change = Change {
            sessions: parts.sessions.clone(),
            account: account.id.clone(),
            token_hash,
            hash,
            messages,
            device: device.clone(),
            entry: event.clone().account(account.id),
            now,
        };
        let written = parts.store.write(move |tx| Box::pin(async move { change.write(tx).await })).await?;
        match written {
            WriteResult::Rejected(reason) => Ok(Reset::ProofRejected(reason)),
            WriteResult::Changed { account, ended, notices } => {
                event.clone().account(account).log();
                parts.sessions.announce_ended(&ended, now);
                let notification_queued = !notices.is_empty();
                parts.dispatch(notices);
                let device = device.secret().clone();
                Ok(Reset::Reset { sessions_ended: ended.len(), notification_queued, device })
            }
        }
    }

    /// All policy violations of a new password of this account.
    async fn violations(&self, password: &Secret, account: &entity::account::Model) -> Result<Vec<Violation>, Fault> {
        let parts = &self.0;
        let mut violations = parts.policy.judge(password, &words(account)).await?;
        // Compared with the current password only if nothing else is wrong: the comparison costs a hash.
        if violations.is_empty()
            && let Some(hash) = account.password_hash.as_deref().and_then(PasswordHash::from_stored)
            && parts.hasher.verify(password, Some(&hash), account.id.as_str()).await?.is_right()
        {
            violations.push(Violation::SameAsCurrent);
        }
        Ok(violations)
    }
}

/// A password reset and its inputs.
struct Change {
    sessions: Sessions,
    account: AccountId,
    token_hash: String,
    hash: PasswordHash,
    messages: Vec<Order>,
    device: Opaque,
    entry: Event,
    now: Timestamp,
}

impl Change {
    async fn write(self, tx: &Tx) -> Result<Ending<WriteResult>, Fault> {
        let Self { sessions, account: id, token_hash, hash, messages, device, entry, now } = self;
        let rejected = |reason| Ok(Ending::Rollback(WriteResult::Rejected(reason)));
        let subject = Subject::new(id.clone()).spending(Some(token_hash.clone()));
        let ended = ways_in::end(tx, SecurityAct::PasswordReset, &subject, now).await?;
        let spending = tx.spend_proof(&token_hash, Purpose::PasswordReset, now).await?;
        let proof = match verification::spent(spending, Purpose::PasswordReset, now) {
            Ok(proof) => proof,
            Err(reason) => return rejected(reason),
        };
        // The verified contact may have been removed from the account in the meantime.
        let holds = ended.account.as_ref().is_some_and(|account| rules::holds_proved(account, &proof));
        if !holds || proof.account_id.as_ref() != Some(&id) {
            return rejected(Rejection::Unknown);
        }
        tx.set_password(&id, hash.as_str(), now).await?;
        sessions.unlock(tx, &id).await?;
        ways_in::know_device(tx, &id, None, &device, now).await?;
        tx.insert_audit(&entry).await?;
        let notices = notices::owe(tx, &id, messages, now).await?;
        Ok(Ending::Commit(WriteResult::Changed { account: id, ended: ended.session_ids(), notices }))
    }
}
