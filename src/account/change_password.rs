//! Changing the password with the current one, and checking the current password before irreversible operations.

use super::{Accounts, Deps, RequiredReauthentication, password_context};
use crate::{
    delivery::{OutgoingMessage, notices},
    quota::Operation,
    session::{
        AttemptDecision, LockoutKeys, OpaqueToken, Sessions,
        access_revocation::{self, ActSubject, SecurityAct},
        access_token_verifier::SignedIn,
        established,
    },
};
use domain::{
    Timestamp,
    account::{Account, Identifier},
    caller::RequestInfo,
    ids::{DeliveryId, SessionId},
    notice::Notice,
    quota::{Quota, Refused},
};
use platform::{
    fault::Fault,
    password::{PasswordHash, Violation},
    secret::Secret,
    telemetry::audit::{self, Event},
};
use store::{Tx, TxOutcome};

/// Result of changing the password.
pub enum ChangePasswordOutcome {
    Changed {
        sessions_ended: usize,
        /// The new device token of the client. None: known devices were kept.
        device: Option<Secret>,
    },
    CredentialsRejected,
    PasswordRejected(Vec<Violation>),
    /// The password is correct but does not count as an authentication ([`Established`](crate::session::Established)),
    /// and the access token has no recent one.
    ReauthenticationRequired(RequiredReauthentication),
    /// The account was deleted in the meantime.
    AccountDeleted,
    Quota(Refused),
}

impl ChangePasswordOutcome {
    fn outcome(&self) -> &'static str {
        match self {
            ChangePasswordOutcome::Changed { .. } => audit::OK,
            ChangePasswordOutcome::CredentialsRejected => "credentials_rejected",
            ChangePasswordOutcome::PasswordRejected(_) => "password_rejected",
            ChangePasswordOutcome::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            ChangePasswordOutcome::AccountDeleted => audit::UNAUTHENTICATED,
            ChangePasswordOutcome::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

/// Result of checking the password of a signed-in user.
pub(super) enum PasswordCheck {
    Correct(Box<Account>),
    Wrong,
    /// The account was deleted in the meantime.
    AccountDeleted,
    Quota(Refused),
}

enum WriteResult {
    Changed {
        ended: Vec<SessionId>,
        messages: Vec<DeliveryId>,
    },
    /// The password was reset or the session ended in the meantime.
    Conflict,
    NotRecent,
}

/// A password change and its inputs.
struct Change {
    sessions: Sessions,
    account: Account,
    signed_in: SignedIn,
    /// The access token has a recent authentication.
    recently_authenticated: bool,
    hash: PasswordHash,
    /// None: other sessions and devices are kept.
    device: Option<OpaqueToken>,
    messages: Vec<OutgoingMessage>,
    entry: Event,
    now: Timestamp,
}

impl Accounts {
    /// Changes the password and revokes the account's earlier codes and proofs. Ends every other session and removes
    /// every known device, unless `keep_others` is set. Resets the failed-login counter and notifies the account's
    /// contacts.
    ///
    /// The current password is an authentication of its own, if it counts; otherwise the access token must have a
    /// recent one.
    ///
    /// # Errors
    /// A fault of the store, the quotas or the password hasher.
    pub async fn change_password(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        current: &Secret,
        new: &Secret,
        keep_others: bool,
    ) -> Result<ChangePasswordOutcome, Fault> {
        let event = self.0.event(caller, audit::Act::ChangePassword).account(signed_in.account.clone());
        let changed = match self.0.confirm_password(caller, signed_in, current).await? {
            PasswordCheck::Correct(account) => match self.new_password(&account, current, new).await? {
                Ok(hash) => self.set_new_password(*account, signed_in, hash, keep_others, event.clone()).await?,
                Err(violations) => ChangePasswordOutcome::PasswordRejected(violations),
            },
            PasswordCheck::Wrong => ChangePasswordOutcome::CredentialsRejected,
            PasswordCheck::AccountDeleted => ChangePasswordOutcome::AccountDeleted,
            PasswordCheck::Quota(reason) => ChangePasswordOutcome::Quota(reason),
        };
        match changed {
            // Already in the audit trail.
            ChangePasswordOutcome::Changed { .. } => Ok(changed),
            refusal => self.0.record_outcome(event, refusal.outcome(), refusal).await,
        }
    }

    async fn new_password(
        &self,
        account: &Account,
        current: &Secret,
        new: &Secret,
    ) -> Result<Result<PasswordHash, Vec<Violation>>, Fault> {
        let mut violations = self.0.policy.check(new, &password_context(account)).await?;
        if violations.is_empty() && current.expose() == new.expose() {
            violations.push(Violation::SameAsCurrent);
        }
        Ok(match violations.is_empty() {
            true => Ok(self.0.hasher.hash(new).await?),
            false => Err(violations),
        })
    }

    async fn set_new_password(
        &self,
        account: Account,
        signed_in: &SignedIn,
        hash: PasswordHash,
        keep_others: bool,
        event: Event,
    ) -> Result<ChangePasswordOutcome, Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let device = (!keep_others).then(|| OpaqueToken::new(&deps.entropy));
        let change = Change {
            sessions: deps.sessions.clone(),
            messages: notices::to_all_contacts(&account, &Notice::PasswordChanged, &deps.entropy, now),
            account,
            signed_in: signed_in.clone(),
            recently_authenticated: deps.sessions.is_recently_authenticated(signed_in),
            hash,
            device: device.clone(),
            entry: event.clone(),
            now,
        };
        Ok(match deps.store.write(move |tx| Box::pin(async move { change.write(tx).await })).await? {
            WriteResult::Changed { ended, messages } => {
                event.log();
                deps.sessions.publish_ended(&ended, now);
                deps.dispatch(messages);
                let device = device.map(|device| device.secret().clone());
                ChangePasswordOutcome::Changed { sessions_ended: ended.len(), device }
            }
            WriteResult::Conflict => ChangePasswordOutcome::CredentialsRejected,
            WriteResult::NotRecent => ChangePasswordOutcome::ReauthenticationRequired(
                deps.required_reauthentication(&signed_in.account).await?,
            ),
        })
    }
}

impl Change {
    async fn write(self, tx: &Tx) -> Result<TxOutcome<WriteResult>, Fault> {
        let Self { account, signed_in, now, .. } = self;
        let act = match self.device {
            Some(_) => SecurityAct::PasswordChange,
            None => SecurityAct::PasswordChangeKeepingSessions,
        };
        let subject = ActSubject::new(account.id.clone()).session(signed_in.session.clone());
        let ended = access_revocation::revoke_access(tx, act, &subject, now).await?;
        // A concurrent reset wins: it also ended this session.
        let unchanged = |locked: &&Account| locked.password_hash == account.password_hash;
        let Some(locked) = ended.account.as_ref().filter(unchanged) else {
            return Ok(TxOutcome::Rollback(WriteResult::Conflict));
        };
        if !tx.is_live(&signed_in.session, now).await? {
            return Ok(TxOutcome::Rollback(WriteResult::Conflict));
        }
        if !(self.recently_authenticated || established::of(tx, locked, now).await?.password) {
            return Ok(TxOutcome::Rollback(WriteResult::NotRecent));
        }
        tx.set_password(&account.id, self.hash.as_str(), now).await?;
        self.sessions.clear_lockouts(tx, &account.id).await?;
        if let Some(device) = &self.device {
            access_revocation::register_device(tx, &account.id, Some(&signed_in.session), device, now).await?;
        }
        tx.insert_audit(&self.entry).await?;
        let messages = notices::enqueue(tx, &account.id, self.messages, now).await?;
        Ok(TxOutcome::Commit(WriteResult::Changed { ended: ended.session_ids(), messages }))
    }
}

impl Deps {
    /// Checks the password of a signed-in user. A wrong one counts like one at sign-in (PW-05), against the session of
    /// the request.
    pub(super) async fn confirm_password(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        password: &Secret,
    ) -> Result<PasswordCheck, Fault> {
        let id = &signed_in.account;
        // A token whose session has ended must not distinguish a correct password from a wrong one, nor use up the
        // account's quota.
        if !self.is_live(signed_in).await? {
            return Ok(PasswordCheck::AccountDeleted);
        }
        let act = Operation::ConfirmPassword { account: id, session: &signed_in.session };
        if let Err(refused) = self.quotas.charge(act, caller).await {
            return Ok(PasswordCheck::Quota(refused));
        }
        let subjects = LockoutKeys::for_session(signed_in);
        let locks = match self.sessions.count_attempt(&subjects).await? {
            AttemptDecision::Locked { until } => {
                return Ok(PasswordCheck::Quota(Refused { quota: Quota::Account, retry_at: until }));
            }
            AttemptDecision::Allowed { locks } | AttemptDecision::HiddenLock { locks } => locks,
        };
        let account = self.store.account(&Identifier::Id(id.clone())).await?;
        let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
        let stored = stored.and_then(PasswordHash::from_stored);
        let check = match self.hasher.verify(password, stored.as_ref(), id.as_str()).await {
            Ok(check) => check,
            Err(fault) => {
                self.sessions.uncount_attempt(&subjects).await?;
                return Err(fault);
            }
        };
        match account {
            Some(account) if check.is_correct() => {
                self.sessions.reset_attempts(&subjects).await?;
                Ok(PasswordCheck::Correct(Box::new(account)))
            }
            Some(account) => {
                if locks {
                    self.sessions.notify_of_lock(account);
                }
                Ok(PasswordCheck::Wrong)
            }
            None => Ok(PasswordCheck::AccountDeleted),
        }
    }
}
