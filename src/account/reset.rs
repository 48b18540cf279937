//! Resetting a lost password.

use super::{Accounts, password_context, send::SendOutcome};
use crate::{
    delivery::{OutgoingMessage, notices},
    quota::Operation,
    session::{
        OpaqueToken, Sessions,
        access_revocation::{self, ActSubject, SecurityAct},
    },
    verification::{self, ProofToken, RecipientSource, Rejection, Start},
};
use domain::{
    Timestamp,
    account::{
        Account, Identifier,
        rules::{self, SendRejection},
    },
    caller::RequestInfo,
    channel::Channel,
    contact::{BirthDate, Contact, PersonName, PhoneNumber},
    ids::{AccountId, DeliveryId, SessionId},
    locale::Locale,
    notice::Notice,
    purpose::Purpose,
    quota::Refused,
};
use platform::{
    fault::Fault,
    password::{PasswordHash, Violation},
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxOutcome};

/// How the account to reset is identified.
#[derive(Clone, Debug)]
pub enum ResetClaim {
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

impl ResetClaim {
    /// The contact that the code would be sent to.
    pub fn contact(&self) -> Contact {
        match self {
            ResetClaim::Identity(identity) => Contact::Phone(identity.phone.clone()),
            ResetClaim::Contact(contact) => contact.clone(),
        }
    }
}

/// Result of a password reset.
pub enum ResetPasswordOutcome {
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

impl ResetPasswordOutcome {
    fn outcome(&self) -> &'static str {
        match self {
            ResetPasswordOutcome::Reset { .. } => audit::OK,
            ResetPasswordOutcome::ProofRejected(_) => "proof_rejected",
            ResetPasswordOutcome::PasswordRejected(_) => "password_rejected",
            ResetPasswordOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
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
        caller: &RequestInfo,
        claim: ResetClaim,
        channel: Channel,
        locale: Locale,
        device: Option<OpaqueToken>,
    ) -> Result<SendOutcome, Fault> {
        let act = audit::Act::RequestPasswordReset;
        let known_client = self.is_known_client(None, device.as_ref(), channel, &claim.contact()).await?;
        let disclosed = self.0.settings.discloses_accounts;
        let to = claim.contact();
        let kind = to.kind();
        let recipient_source: RecipientSource<SendRejection> = RecipientSource::Account {
            identifier: rules::identifier(&to),
            resolve: Box::new(move |account| match claim {
                ResetClaim::Identity(Identity { name, birth_date, .. }) => {
                    rules::recipient_for_identity(account, &name, birth_date, disclosed)
                }
                ResetClaim::Contact(_) => rules::recipient_for_sign_in(account, kind, disclosed),
            }),
        };
        let start = Start {
            purpose: Purpose::PasswordReset,
            to,
            channel,
            locale,
            idempotency_key: None,
            recipient_source,
            known_client,
            act,
        };
        let sent = SendOutcome::from(self.0.verifications.start(caller, start).await?);
        self.record_rejection(caller, act, &sent).await;
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
        caller: &RequestInfo,
        token: Option<ProofToken>,
        password: &Secret,
    ) -> Result<ResetPasswordOutcome, Fault> {
        let event = self.0.event(caller, audit::Act::ResetPassword);
        let reset = self.reset(caller, token, password, &event).await?;
        match &reset {
            // Already in the audit trail.
            ResetPasswordOutcome::Reset { .. } => Ok(reset),
            refused => self.0.record_outcome(event, refused.outcome(), ()).await.map(|()| reset),
        }
    }

    async fn reset(
        &self,
        caller: &RequestInfo,
        token: Option<ProofToken>,
        password: &Secret,
        event: &Event,
    ) -> Result<ResetPasswordOutcome, Fault> {
        let deps = &self.0;
        if let Err(refused) = deps.quotas.charge(Operation::SpendProof, caller).await {
            return Ok(ResetPasswordOutcome::Quota(refused));
        }
        let Some(token_hash) = token.map(|token| token.hash()) else {
            return Ok(ResetPasswordOutcome::ProofRejected(Rejection::Unknown));
        };
        let now = deps.clock.now();
        let account = match deps.verifications.check_proof(&token_hash, Purpose::PasswordReset).await? {
            Err(reason) => return Ok(ResetPasswordOutcome::ProofRejected(reason)),
            Ok(proof) => match proof.account_id {
                Some(id) => deps.store.account(&Identifier::Id(id)).await?,
                None => None,
            },
        };
        // The account was deleted in the meantime.
        let Some(account) = account else { return Ok(ResetPasswordOutcome::ProofRejected(Rejection::Unknown)) };
        let violations = self.violations(password, &account).await?;
        if !violations.is_empty() {
            return Ok(ResetPasswordOutcome::PasswordRejected(violations));
        }
        let hash = deps.hasher.hash(password).await?;
        let messages = notices::to_all_contacts(&account, &Notice::PasswordChanged, &deps.entropy, now);
        let device = OpaqueToken::new(&deps.entropy);
        let change = Change {
            sessions: deps.sessions.clone(),
            account: account.id.clone(),
            token_hash,
            hash,
            messages,
            device: device.clone(),
            entry: event.clone().account(account.id),
            now,
        };
        let written = deps.store.write(move |tx| Box::pin(async move { change.write(tx).await })).await?;
        match written {
            WriteResult::Rejected(reason) => Ok(ResetPasswordOutcome::ProofRejected(reason)),
            WriteResult::Changed { account, ended, notices } => {
                event.clone().account(account).log();
                deps.sessions.publish_ended(&ended, now);
                let notification_queued = !notices.is_empty();
                deps.dispatch(notices);
                let device = device.secret().clone();
                Ok(ResetPasswordOutcome::Reset { sessions_ended: ended.len(), notification_queued, device })
            }
        }
    }

    /// All policy violations of a new password of this account.
    async fn violations(&self, password: &Secret, account: &Account) -> Result<Vec<Violation>, Fault> {
        let deps = &self.0;
        let mut violations = deps.policy.check(password, &password_context(account)).await?;
        // Compared with the current password only if nothing else is wrong: the comparison costs a hash.
        if violations.is_empty()
            && let Some(hash) = account.password_hash.as_deref().and_then(PasswordHash::from_stored)
            && deps.hasher.verify(password, Some(&hash), account.id.as_str()).await?.is_correct()
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
    messages: Vec<OutgoingMessage>,
    device: OpaqueToken,
    entry: Event,
    now: Timestamp,
}

impl Change {
    async fn write(self, tx: &Tx) -> Result<TxOutcome<WriteResult>, Fault> {
        let Self { sessions, account: id, token_hash, hash, messages, device, entry, now } = self;
        let rejected = |reason| Ok(TxOutcome::Rollback(WriteResult::Rejected(reason)));
        let subject = ActSubject::new(id.clone()).spending(Some(token_hash.clone()));
        let ended = access_revocation::revoke_access(tx, SecurityAct::PasswordReset, &subject, now).await?;
        let spending = tx.spend_proof(&token_hash, Purpose::PasswordReset, now).await?;
        let proof = match verification::spent_proof(spending, Purpose::PasswordReset, now) {
            Ok(proof) => proof,
            Err(reason) => return rejected(reason),
        };
        // The verified contact may have been removed from the account in the meantime.
        let holds = ended.account.as_ref().is_some_and(|account| rules::has_proof_contact(account, &proof));
        if !holds || proof.account_id.as_ref() != Some(&id) {
            return rejected(Rejection::Unknown);
        }
        tx.set_password(&id, hash.as_str(), now).await?;
        sessions.clear_lockouts(tx, &id).await?;
        access_revocation::register_device(tx, &id, None, &device, now).await?;
        tx.insert_audit(&entry).await?;
        let notices = notices::enqueue(tx, &id, messages, now).await?;
        Ok(TxOutcome::Commit(WriteResult::Changed { account: id, ended: ended.session_ids(), notices }))
    }
}
