//! A new password for somebody who knows the old one; and asking for the password again before what can't be undone.

use super::{Accounts, Parts, owe, words};
use crate::{
    caller::Caller,
    delivery::{Notice, notices},
    fault::Fault,
    password::{PasswordHash, Violation},
    quota::{Act, Quota, Refused},
    secret::Secret,
    session::{Counted, Subjects, gate::SignedIn},
    store::{Ending, Identifier, entity::account::Model},
    telemetry::audit,
};

/// What became of a change of password.
pub enum PasswordChange {
    Changed {
        sessions_ended: usize,
    },
    CredentialsRejected,
    PasswordRejected(Vec<Violation>),
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

impl Accounts {
    /// Changes a password. Every other session is ended, unless they are kept; the account's contacts are told.
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
        let parts = &self.0;
        let event = parts.event(caller, audit::Act::ChangePassword).account(signed_in.account.clone());
        let refused = |refusal: PasswordChange| {
            let event = event.clone();
            async move { parts.ended(event, refusal.outcome(), refusal).await }
        };
        let account = match parts.confirm_password(caller, signed_in, current).await? {
            Confirmed::Known(account) => *account,
            Confirmed::Wrong => return refused(PasswordChange::CredentialsRejected).await,
            Confirmed::Gone => return refused(PasswordChange::Gone).await,
            Confirmed::Quota(why) => return refused(PasswordChange::Quota(why)).await,
        };
        let mut violations = parts.policy.judge(new, &words(&account)).await?;
        if violations.is_empty() && current.expose() == new.expose() {
            violations.push(Violation::SameAsCurrent);
        }
        if !violations.is_empty() {
            return refused(PasswordChange::PasswordRejected(violations)).await;
        }
        let hash = parts.hasher.hash(new).await?;
        let now = parts.clock.now();
        let told = notices::to_all(&account, &Notice::PasswordChanged, &parts.entropy, now);
        let asking = signed_in.clone();
        let entry = event.clone();
        let written = parts
            .store
            .write(move |tx| {
                Box::pin(async move {
                    // A reset that came between wins: it ended this session too.
                    let unchanged = tx.lock_account(&account.id).await?;
                    if unchanged.is_none_or(|unchanged| unchanged.password_hash != account.password_hash) {
                        return Ok(Ending::Rollback(None));
                    }
                    if !tx.is_live(&asking.session, now).await? {
                        return Ok(Ending::Rollback(None));
                    }
                    tx.set_password(&account.id, hash.as_str(), now).await?;
                    let ended = match keep_others {
                        true => Vec::new(),
                        false => tx.end_sessions(&account.id, Some(&asking.session), now).await?,
                    };
                    tx.insert_audit(&entry).await?;
                    Ok(Ending::Commit(Some((ended, owe(tx, told, now).await?))))
                })
            })
            .await?;
        let Some((ended, told)) = written else { return refused(PasswordChange::CredentialsRejected).await };
        event.log();
        parts.sessions.announce_ended(&ended, now);
        parts.dispatch(told);
        Ok(PasswordChange::Changed { sessions_ended: ended.len() })
    }
}

impl Parts {
    /// Judges the password of somebody who is signed in. A wrong one counts like one at sign-in (PW-05), for this
    /// account and whichever session asks.
    pub(super) async fn confirm_password(
        &self,
        caller: &Caller,
        signed_in: &SignedIn,
        password: &Secret,
    ) -> Result<Confirmed, Fault> {
        let id = &signed_in.account;
        if let Err(refused) = self.quotas.charge(Act::ConfirmPassword { account: id }, caller).await {
            return Ok(Confirmed::Quota(refused));
        }
        let subjects = Subjects::confirming(id);
        if let Counted::Locked { until } = self.sessions.count_try(&subjects).await? {
            return Ok(Confirmed::Quota(Refused { quota: Quota::Account, retry_at: until }));
        }
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
            Some(_) => Ok(Confirmed::Wrong),
            None => Ok(Confirmed::Gone),
        }
    }
}
