//! Choosing a new password when the old one is lost.

use super::{
    Accounts,
    rules::{self, Turned},
    send::Sent,
    words,
};
use crate::{
    caller::Caller,
    channel::Channel,
    clock::Instant,
    contact::{BirthDate, Contact, PersonName, PhoneNumber},
    delivery::{Notice, Order, notices},
    fault::Fault,
    ids::{AccountId, DeliveryId, SessionId},
    password::{PasswordHash, Violation},
    purpose::Purpose,
    quota::{Act, Refused},
    secret::Secret,
    session::{
        Opaque, Sessions,
        ways_in::{self, SecurityAct, Subject},
    },
    store::{Ending, Identifier, Tx, entity},
    telemetry::audit::{self, Event},
    texts::Locale,
    verification::{self, Audience, ProofToken, Rejection, Start},
};

/// Who says that the account is theirs.
#[derive(Clone, Debug)]
pub enum Claim {
    Identity(Identity),
    Contact(Contact),
}

/// A person, as they say it.
#[derive(Clone, Debug)]
pub struct Identity {
    pub name: PersonName,
    pub birth_date: BirthDate,
    pub phone: PhoneNumber,
}

impl Claim {
    /// Where the code would go.
    pub fn contact(&self) -> Contact {
        match self {
            Claim::Identity(identity) => Contact::Phone(identity.phone.clone()),
            Claim::Contact(contact) => contact.clone(),
        }
    }
}

/// What became of a reset.
pub enum Reset {
    Reset {
        sessions_ended: usize,
        notification_queued: bool,
        /// What the device that did it is known by from now on.
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

enum Written {
    Changed { account: AccountId, ended: Vec<SessionId>, notices: Vec<DeliveryId> },
    Rejected(Rejection),
}

impl Accounts {
    /// Sends a code to choose a new password with, if the claim is an account's.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn request_password_reset(
        &self,
        caller: &Caller,
        claim: Claim,
        channel: Channel,
        locale: Locale,
        device: Option<Opaque>,
    ) -> Result<Sent, Fault> {
        let act = audit::Act::RequestPasswordReset;
        let known_client = self.knows(None, device.as_ref(), channel, &claim.contact()).await?;
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

    /// Sets a new password for the account that a proof was made for, ends everything else that leads into it, unlocks
    /// it and tells its contacts. The device that did it is the only one that is known from then on.
    ///
    /// The new password is judged before the proof is spent, so that a weak one costs nothing; and hashed before the
    /// transaction begins, since hashing takes long.
    ///
    /// # Errors
    /// A fault of the rooms below.
    pub async fn reset_password(
        &self,
        caller: &Caller,
        token: Option<ProofToken>,
        password: &Secret,
    ) -> Result<Reset, Fault> {
        let event = self.0.event(caller, audit::Act::ResetPassword);
        let reset = self.reset(caller, token, password, &event).await?;
        match &reset {
            // It stands in the trail with what it wrote.
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
        // The account was erased since.
        let Some(account) = account else { return Ok(Reset::ProofRejected(Rejection::Unknown)) };
        let violations = self.violations(password, &account).await?;
        if !violations.is_empty() {
            return Ok(Reset::PasswordRejected(violations));
        }
        let hash = parts.hasher.hash(password).await?;
        let told = notices::to_all(&account, &Notice::PasswordChanged, &parts.entropy, now);
        let device = Opaque::new(&parts.entropy);
        let change = Change {
            sessions: parts.sessions.clone(),
            account: account.id.clone(),
            token_hash,
            hash,
            told,
            device: device.clone(),
            entry: event.clone().account(account.id),
            now,
        };
        let written = parts.store.write(move |tx| Box::pin(async move { change.write(tx).await })).await?;
        match written {
            Written::Rejected(reason) => Ok(Reset::ProofRejected(reason)),
            Written::Changed { account, ended, notices } => {
                event.clone().account(account).log();
                parts.sessions.announce_ended(&ended, now);
                let notification_queued = !notices.is_empty();
                parts.dispatch(notices);
                let device = device.secret().clone();
                Ok(Reset::Reset { sessions_ended: ended.len(), notification_queued, device })
            }
        }
    }

    /// Everything that is wrong with a new password of this account.
    async fn violations(&self, password: &Secret, account: &entity::account::Model) -> Result<Vec<Violation>, Fault> {
        let parts = &self.0;
        let mut violations = parts.policy.judge(password, &words(account)).await?;
        // Only a password that would do is compared with the present one: comparing costs a hash.
        if violations.is_empty()
            && let Some(hash) = account.password_hash.as_deref().and_then(PasswordHash::from_stored)
            && parts.hasher.verify(password, Some(&hash), account.id.as_str()).await?.is_right()
        {
            violations.push(Violation::SameAsCurrent);
        }
        Ok(violations)
    }
}

/// One reset, with everything that it writes.
struct Change {
    sessions: Sessions,
    account: AccountId,
    token_hash: String,
    hash: PasswordHash,
    told: Vec<Order>,
    device: Opaque,
    entry: Event,
    now: Instant,
}

impl Change {
    async fn write(self, tx: &Tx) -> Result<Ending<Written>, Fault> {
        let Self { sessions, account: id, token_hash, hash, told, device, entry, now } = self;
        let rejected = |reason| Ok(Ending::Rollback(Written::Rejected(reason)));
        let subject = Subject::new(id.clone()).spending(Some(token_hash.clone()));
        let ended = ways_in::end(tx, SecurityAct::PasswordReset, &subject, now).await?;
        let spending = tx.spend_proof(&token_hash, Purpose::PasswordReset, now).await?;
        let proof = match verification::spent(spending, Purpose::PasswordReset, now) {
            Ok(proof) => proof,
            Err(reason) => return rejected(reason),
        };
        // The contact that was proved may have been given up since.
        let holds = ended.account.as_ref().is_some_and(|account| rules::holds_proved(account, &proof));
        if !holds || proof.account_id.as_ref() != Some(&id) {
            return rejected(Rejection::Unknown);
        }
        tx.set_password(&id, hash.as_str(), now).await?;
        sessions.unlock(tx, &id).await?;
        ways_in::know_device(tx, &id, None, &device, now).await?;
        tx.insert_audit(&entry).await?;
        let notices = notices::owe(tx, &id, told, now).await?;
        Ok(Ending::Commit(Written::Changed { account: id, ended: ended.session_ids(), notices }))
    }
}
