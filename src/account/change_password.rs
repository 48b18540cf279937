//! A new password for somebody who knows the old one; and asking for the password again before what can't be undone.

use super::{Accounts, Parts, Required, words};
use crate::{
    caller::Caller,
    clock::Timestamp,
    delivery::{Notice, Order, notices},
    fault::Fault,
    ids::{DeliveryId, SessionId},
    password::{PasswordHash, Violation},
    quota::{Act, Quota, Refused},
    secret::Secret,
    session::{
        Counted, Opaque, Sessions, Subjects, established,
        gate::SignedIn,
        ways_in::{self, SecurityAct, Subject},
    },
    store::{Ending, Identifier, Tx, entity::account::Model},
    telemetry::audit::{self, Event},
};

/// What became of a change of password.
pub enum PasswordChange {
    Changed {
        sessions_ended: usize,
        /// What the device that did it is known by from now on. None: the devices stay known as they were.
        device: Option<Secret>,
    },
    CredentialsRejected,
    PasswordRejected(Vec<Violation>),
    /// The password was right, and does not count; nor does the token tell of a recent authentication.
    ReauthenticationRequired(Required),
    /// The account was erased meanwhile.
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

/// Whether somebody who is signed in knows the password.
pub(super) enum Confirmed {
    Known(Box<Model>),
    Wrong,
    /// The account was erased meanwhile.
    Gone,
    Quota(Refused),
}

enum Written {
    Changed {
        ended: Vec<SessionId>,
        told: Vec<DeliveryId>,
    },
    /// A reset or a sign-out came between.
    Overtaken,
    NotRecent,
}

/// One change, with everything that it is decided by and that it writes.
struct Changing {
    sessions: Sessions,
    account: Model,
    signed_in: SignedIn,
    /// The token tells of a recent authentication.
    fresh: bool,
    hash: PasswordHash,
    /// None: the other sessions and devices are kept.
    device: Option<Opaque>,
    told: Vec<Order>,
    entry: Event,
    now: Timestamp,
}

impl Accounts {
    /// Changes a password. Codes and proofs of before are worth nothing then. Every other session is ended and every
    /// device forgotten, unless they are kept; the account is unlocked, and its contacts are told.
    ///
    /// The present password is an authentication of its own, if it counts; else the token's must be recent.
    ///
    /// # Errors
    /// A fault of the rooms below.
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
            // It stands in the trail already.
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
        let changing = Changing {
            sessions: parts.sessions.clone(),
            told: notices::to_all(&account, &Notice::PasswordChanged, &parts.entropy, now),
            account,
            signed_in: signed_in.clone(),
            fresh: parts.sessions.is_fresh(signed_in),
            hash,
            device: device.clone(),
            entry: event.clone(),
            now,
        };
        Ok(match parts.store.write(move |tx| Box::pin(async move { changing.write(tx).await })).await? {
            Written::Changed { ended, told } => {
                event.log();
                parts.sessions.announce_ended(&ended, now);
                parts.dispatch(told);
                let device = device.map(|device| device.secret().clone());
                PasswordChange::Changed { sessions_ended: ended.len(), device }
            }
            Written::Overtaken => PasswordChange::CredentialsRejected,
            Written::NotRecent => {
                PasswordChange::ReauthenticationRequired(parts.required_of(&signed_in.account).await?)
            }
        })
    }
}

impl Changing {
    async fn write(self, tx: &Tx) -> Result<Ending<Written>, Fault> {
        let Self { account, signed_in, now, .. } = self;
        let act = match self.device {
            Some(_) => SecurityAct::PasswordChange,
            None => SecurityAct::PasswordChangeKeepingSessions,
        };
        let subject = Subject::new(account.id.clone()).session(signed_in.session.clone());
        let ended = ways_in::end(tx, act, &subject, now).await?;
        // A reset that came between wins: it ended this session too.
        let unchanged = |locked: &&Model| locked.password_hash == account.password_hash;
        let Some(locked) = ended.account.as_ref().filter(unchanged) else {
            return Ok(Ending::Rollback(Written::Overtaken));
        };
        if !tx.is_live(&signed_in.session, now).await? {
            return Ok(Ending::Rollback(Written::Overtaken));
        }
        if !(self.fresh || established::of(tx, locked, now).await?.password) {
            return Ok(Ending::Rollback(Written::NotRecent));
        }
        tx.set_password(&account.id, self.hash.as_str(), now).await?;
        self.sessions.unlock(tx, &account.id).await?;
        if let Some(device) = &self.device {
            ways_in::know_device(tx, &account.id, Some(&signed_in.session), device, now).await?;
        }
        tx.insert_audit(&self.entry).await?;
        let told = notices::owe(tx, &account.id, self.told, now).await?;
        Ok(Ending::Commit(Written::Changed { ended: ended.session_ids(), told }))
    }
}

impl Parts {
    /// Judges the password of somebody who is signed in. A wrong one counts like one at sign-in (PW-05), for the session
    /// that asks.
    pub(super) async fn confirm_password(
        &self,
        caller: &Caller,
        signed_in: &SignedIn,
        password: &Secret,
    ) -> Result<Confirmed, Fault> {
        let id = &signed_in.account;
        let act = Act::ConfirmPassword { account: id, session: &signed_in.session };
        if let Err(refused) = self.quotas.charge(act, caller).await {
            return Ok(Confirmed::Quota(refused));
        }
        // A token whose session has ended must not tell a right password from a wrong one.
        if !self.is_live(signed_in).await? {
            return Ok(Confirmed::Gone);
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
