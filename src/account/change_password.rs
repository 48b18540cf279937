//! Changing the password with the current one, and checking the current password before irreversible operations.

use super::{Accounts, Parts, Required, words};
use crate::{
    delivery::{Notice, Order, notices},
    quota::{Act, Quota, Refused},
    session::{
        Counted, Opaque, Sessions, Subjects, established,
        gate::SignedIn,
        ways_in::{self, SecurityAct, Subject},
    },
    store::{Ending, Identifier, Tx, entity::account::Model},
};
use domain::{
    Timestamp,
    caller::Caller,
    ids::{DeliveryId, SessionId},
};
use platform::{
    fault::Fault,
    password::{PasswordHash, Violation},
    secret::Secret,
    telemetry::audit::{self, Event},
};

/// Result of changing the password.
pub enum PasswordChange {
    Changed {
        sessions_ended: usize,
        /// The new device token of the client. None: known devices were kept.
        device: Option<Secret>,
    },
    CredentialsRejected,
    PasswordRejected(Vec<Violation>),
    /// The password is correct but does not count as an authentication ([`Established`](crate::session::Established)),
    /// and the access token has no recent one.
    ReauthenticationRequired(Required),
    /// The account was deleted in the meantime.
    Gone,
    Quota(Refused),
}

impl PasswordChange {
    fn outcome(&self) -> &'static str {
        match self {
            PasswordChange::Changed { .. } => audit::OK,
            PasswordChange::CredentialsRejected => "credentials_rejected",
            PasswordChange::PasswordRejected(_) => "password_rejected",
            PasswordChange::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            PasswordChange::Gone => audit::UNAUTHENTICATED,
            PasswordChange::Quota(_) => audit::QUOTA_EXCEEDED,
        }
    }
}

/// Result of checking the password of a signed-in user.
pub(super) enum Confirmed {
    Known(Box<Model>),
    Wrong,
    /// The account was deleted in the meantime.
    Gone,
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
    account: Model,
    signed_in: SignedIn,
    /// The access token has a recent authentication.
    recently_authenticated: bool,
    hash: PasswordHash,
    /// None: other sessions and devices are kept.
    device: Option<Opaque>,
    messages: Vec<Order>,
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
        caller: &Caller,
        signed_in: &SignedIn,
        current: &Secret,
        new: &Secret,
        keep_others: bool,
    ) -> Result<PasswordChange, Fault> {
        let event = self.0.event(caller, audit::Act::ChangePassword).account(signed_in.account.clone());
        let changed = match self.0.confirm_password(caller, signed_in, current).await? {
            Confirmed::Known(account) => match self.new_password(&account, current, new).await? {
                Ok(hash) => self.set_new_password(*account, signed_in, hash, keep_others, event.clone()).await?,
                Err(violations) => PasswordChange::PasswordRejected(violations),
            },
            Confirmed::Wrong => PasswordChange::CredentialsRejected,
            Confirmed::Gone => PasswordChange::Gone,
            Confirmed::Quota(why) => PasswordChange::Quota(why),
        };
        match changed {
            // Already in the audit trail.
            PasswordChange::Changed { .. } => Ok(changed),
            refusal => self.0.ended(event, refusal.outcome(), refusal).await,
        }
    }

    async fn new_password(
        &self,
        account: &Model,
        current: &Secret,
        new: &Secret,
    ) -> Result<Result<PasswordHash, Vec<Violation>>, Fault> {
        let mut violations = self.0.policy.judge(new, &words(account)).await?;
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
        account: Model,
        signed_in: &SignedIn,
        hash: PasswordHash,
        keep_others: bool,
        event: Event,
    ) -> Result<PasswordChange, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let device = (!keep_others).then(|| Opaque::new(&parts.entropy));
        let change = Change {
            sessions: parts.sessions.clone(),
            messages: notices::to_all(&account, &Notice::PasswordChanged, &parts.entropy, now),
            account,
            signed_in: signed_in.clone(),
            recently_authenticated: parts.sessions.is_fresh(signed_in),
            hash,
            device: device.clone(),
            entry: event.clone(),
            now,
        };
        Ok(match parts.store.write(move |tx| Box::pin(async move { change.write(tx).await })).await? {
            WriteResult::Changed { ended, messages } => {
                event.log();
                parts.sessions.announce_ended(&ended, now);
                parts.dispatch(messages);
                let device = device.map(|device| device.secret().clone());
                PasswordChange::Changed { sessions_ended: ended.len(), device }
            }
            WriteResult::Conflict => PasswordChange::CredentialsRejected,
            WriteResult::NotRecent => {
                PasswordChange::ReauthenticationRequired(parts.required_of(&signed_in.account).await?)
            }
        })
    }
}

impl Change {
    async fn write(self, tx: &Tx) -> Result<Ending<WriteResult>, Fault> {
        let Self { account, signed_in, now, .. } = self;
        let act = match self.device {
            Some(_) => SecurityAct::PasswordChange,
            None => SecurityAct::PasswordChangeKeepingSessions,
        };
        let subject = Subject::new(account.id.clone()).session(signed_in.session.clone());
        let ended = ways_in::end(tx, act, &subject, now).await?;
        // A concurrent reset wins: it also ended this session.
        let unchanged = |locked: &&Model| locked.password_hash == account.password_hash;
        let Some(locked) = ended.account.as_ref().filter(unchanged) else {
            return Ok(Ending::Rollback(WriteResult::Conflict));
        };
        if !tx.is_live(&signed_in.session, now).await? {
            return Ok(Ending::Rollback(WriteResult::Conflict));
        }
        if !(self.recently_authenticated || established::of(tx, locked, now).await?.password) {
            return Ok(Ending::Rollback(WriteResult::NotRecent));
        }
        tx.set_password(&account.id, self.hash.as_str(), now).await?;
        self.sessions.unlock(tx, &account.id).await?;
        if let Some(device) = &self.device {
            ways_in::know_device(tx, &account.id, Some(&signed_in.session), device, now).await?;
        }
        tx.insert_audit(&self.entry).await?;
        let messages = notices::owe(tx, &account.id, self.messages, now).await?;
        Ok(Ending::Commit(WriteResult::Changed { ended: ended.session_ids(), messages }))
    }
}

impl Parts {
    /// Checks the password of a signed-in user. A wrong one counts like one at sign-in (PW-05), against the session of
    /// the request.
    pub(super) async fn confirm_password(
        &self,
        caller: &Caller,
        signed_in: &SignedIn,
        password: &Secret,
    ) -> Result<Confirmed, Fault> {
        let id = &signed_in.account;
        // A token whose session has ended must not distinguish a correct password from a wrong one, nor use up the
        // account's quota.
        if !self.is_live(signed_in).await? {
            return Ok(Confirmed::Gone);
        }
        let act = Act::ConfirmPassword { account: id, session: &signed_in.session };
        if let Err(refused) = self.quotas.charge(act, caller).await {
            return Ok(Confirmed::Quota(refused));
        }
        let subjects = Subjects::confirming(signed_in);
        let locks = match self.sessions.count_try(&subjects).await? {
            Counted::Locked { until } => {
                return Ok(Confirmed::Quota(Refused { quota: Quota::Account, retry_at: until }));
            }
            Counted::Granted { locks } | Counted::Barred { locks } => locks,
        };
        let account = self.store.account(&Identifier::Id(id.clone())).await?;
        let stored = account.as_ref().and_then(|account| account.password_hash.as_deref());
        let stored = stored.and_then(PasswordHash::from_stored);
        let verdict = match self.hasher.verify(password, stored.as_ref(), id.as_str()).await {
            Ok(verdict) => verdict,
            Err(fault) => {
                self.sessions.take_try_back(&subjects).await?;
                return Err(fault);
            }
        };
        match account {
            Some(account) if verdict.is_right() => {
                self.sessions.forget_tries(&subjects).await?;
                Ok(Confirmed::Known(Box::new(account)))
            }
            Some(account) => {
                if locks {
                    self.sessions.tell_of_lock(account);
                }
                Ok(Confirmed::Wrong)
            }
            None => Ok(Confirmed::Gone),
        }
    }
}
