//! Operations of administrators on other accounts.

use super::{Accounts, Administrator, RequiredReauthentication};
use crate::session::access_revocation::{self, ActSubject, RevokedAccess, SecurityAct};
use domain::{
    Timestamp,
    account::{
        Account, AccountStatus, Identifier,
        rules::{self, AdminRejection},
    },
    caller::RequestInfo,
    contact::PersonName,
    ids::{AccountId, DeliveryId, SessionId},
    notice::Notice,
};
use platform::{
    fault::Fault,
    telemetry::audit::{self, Event},
};
use store::{AccountSearch, Page, PageRequest, Tx, TxOutcome};

/// Result of setting an account's status.
pub enum SetStatusOutcome {
    Set(Box<Account>),
    NotFound,
    Forbidden(AdminRejection),
    ReauthenticationRequired(RequiredReauthentication),
    /// The caller lost the administrator role in the meantime.
    NotAdministrator,
}

/// Result of unlocking an account.
pub enum UnlockOutcome {
    Unlocked(Box<Account>),
    NotFound,
    ReauthenticationRequired(RequiredReauthentication),
    /// The caller lost the administrator role in the meantime.
    NotAdministrator,
}

impl SetStatusOutcome {
    fn outcome(&self) -> &'static str {
        match self {
            SetStatusOutcome::Set(_) => audit::OK,
            SetStatusOutcome::NotFound => "user_not_found",
            SetStatusOutcome::Forbidden(AdminRejection::LastAdministrator) => "last_administrator",
            SetStatusOutcome::Forbidden(AdminRejection::StatusNotAllowed) => audit::INVALID_INPUT,
            SetStatusOutcome::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            SetStatusOutcome::NotAdministrator => audit::FORBIDDEN,
        }
    }
}

impl UnlockOutcome {
    fn outcome(&self) -> &'static str {
        match self {
            UnlockOutcome::Unlocked(_) => audit::OK,
            UnlockOutcome::NotFound => "user_not_found",
            UnlockOutcome::ReauthenticationRequired(_) => audit::REAUTHENTICATION_REQUIRED,
            UnlockOutcome::NotAdministrator => audit::FORBIDDEN,
        }
    }
}

/// A status change and its inputs.
struct StatusChange {
    accounts: Accounts,
    administrator: Administrator,
    id: AccountId,
    status: AccountStatus,
    entry: Event,
    now: Timestamp,
}

impl Accounts {
    /// Accounts, newest first. `search` is a part of a username, nickname, name, phone number or e-mail address.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn users(
        &self,
        status: Option<AccountStatus>,
        search: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<Account>, Fault> {
        let search = search.map(normalised).filter(|search| !search.is_empty());
        // No name or address contains control characters, and databases handle them differently.
        if search.as_ref().is_some_and(|search| search.contains(char::is_control)) {
            return Ok(Page { rows: Vec::new(), more: false });
        }
        let name = search.as_ref().and_then(|text| PersonName::parse(text).ok()).map(|name| name.key());
        let search = search.map(|text| AccountSearch { text, name });
        self.0.store.users(status, search.as_ref(), page).await
    }

    /// Sets the status of an account. Any status but active ends the account's sessions and revokes its codes and
    /// proofs. An account whose e-mail address is not verified yet can only be activated: the administrator vouches for
    /// the address.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn set_status(
        &self,
        caller: &RequestInfo,
        administrator: &Administrator,
        id: Option<AccountId>,
        status: AccountStatus,
    ) -> Result<SetStatusOutcome, Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let event = deps.event(caller, audit::Act::SetAccountStatus).account_opt(id.clone());
        let event = event.actor(administrator.account().clone());
        if let Some(required) = deps.check_recent_authentication(administrator.signed_in()).await? {
            let refusal = SetStatusOutcome::ReauthenticationRequired(required);
            return deps.record_outcome(event, audit::REAUTHENTICATION_REQUIRED, refusal).await;
        }
        let Some(id) = id else {
            return deps.record_outcome(event, "user_not_found", SetStatusOutcome::NotFound).await;
        };
        let (accounts, administrator) = (self.clone(), administrator.clone());
        let change = StatusChange { accounts, administrator, id, status, entry: event.clone(), now };
        let written = deps.store.write(move |tx| Box::pin(async move { change.write(tx).await }));
        let WriteResult { set, ended, messages } = written.await?;
        deps.sessions.publish_ended(&ended, now);
        deps.dispatch(messages);
        match set {
            SetStatusOutcome::Set(_) => {
                event.log();
                Ok(set)
            }
            refusal => deps.record_outcome(event, refusal.outcome(), refusal).await,
        }
    }

    /// Resets the failed-login counter of an account.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn unlock(
        &self,
        caller: &RequestInfo,
        administrator: &Administrator,
        id: Option<AccountId>,
    ) -> Result<UnlockOutcome, Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let event = deps.event(caller, audit::Act::UnlockAccount).account_opt(id.clone());
        let event = event.actor(administrator.account().clone());
        if let Some(required) = deps.check_recent_authentication(administrator.signed_in()).await? {
            let refusal = UnlockOutcome::ReauthenticationRequired(required);
            return deps.record_outcome(event, audit::REAUTHENTICATION_REQUIRED, refusal).await;
        }
        let Some(id) = id else { return deps.record_outcome(event, "user_not_found", UnlockOutcome::NotFound).await };
        let (accounts, admin, entry) = (self.clone(), administrator.clone(), event.clone());
        let written = deps.store.write(move |tx| {
            Box::pin(async move {
                let locked = RevokedAccess::locked(tx, &id).await?;
                let allowed = admin.is_still_allowed(tx, &locked, now).await?;
                let Some(account) = locked.account else {
                    return Ok(TxOutcome::Rollback((UnlockOutcome::NotFound, Vec::new())));
                };
                if !allowed {
                    return Ok(TxOutcome::Rollback((UnlockOutcome::NotAdministrator, Vec::new())));
                }
                accounts.0.sessions.clear_lockouts(tx, &id).await?;
                tx.insert_audit(&entry).await?;
                let messages = accounts.0.queue_notice(tx, &account, Notice::AccountUnlocked, now).await?;
                Ok(TxOutcome::Commit((UnlockOutcome::Unlocked(Box::new(account)), messages)))
            })
        });
        let (written, messages) = written.await?;
        deps.dispatch(messages);
        match written {
            UnlockOutcome::Unlocked(_) => {
                event.log();
                Ok(written)
            }
            refusal => deps.record_outcome(event, refusal.outcome(), refusal).await,
        }
    }
}

struct WriteResult {
    set: SetStatusOutcome,
    ended: Vec<SessionId>,
    messages: Vec<DeliveryId>,
}

impl StatusChange {
    async fn write(self, tx: &Tx) -> Result<TxOutcome<WriteResult>, Fault> {
        let Self { accounts, administrator, id, status, entry, now } = self;
        let refused = |set| Ok(TxOutcome::Rollback(WriteResult { set, ended: Vec::new(), messages: Vec::new() }));
        let ended = match status {
            AccountStatus::Active => RevokedAccess::locked(tx, &id).await?,
            _ => {
                access_revocation::revoke_access(tx, SecurityAct::Suspension, &ActSubject::new(id.clone()), now).await?
            }
        };
        let Some(before) = &ended.account else { return refused(SetStatusOutcome::NotFound) };
        if !administrator.is_still_allowed(tx, &ended, now).await? {
            return refused(SetStatusOutcome::NotAdministrator);
        }
        if let Err(reason) = rules::may_set_status(before, status, &ended.administrators) {
            return refused(SetStatusOutcome::Forbidden(reason));
        }
        let after = match before.email_key.as_deref().filter(|_| rules::is_unverified(before)) {
            Some(key) => {
                tx.activate_account(&id, key, status, now).await?;
                tx.account(&Identifier::Id(id.clone())).await?
            }
            None => tx.set_status(&id, status, now).await?,
        };
        let Some(after) = after else { return refused(SetStatusOutcome::NotFound) };
        tx.insert_audit(&entry).await?;
        let messages = match rules::status_notice(status).filter(|_| before.status != status) {
            Some(notice) => accounts.0.queue_notice(tx, &after, notice, now).await?,
            None => Vec::new(),
        };
        Ok(TxOutcome::Commit(WriteResult {
            set: SetStatusOutcome::Set(Box::new(after)),
            ended: ended.session_ids(),
            messages,
        }))
    }
}

/// Normalises a search text as stored keys are normalised. A phone number may be entered in national form.
fn normalised(search: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let search: String = search.trim().chars().take(100).nfkc().collect::<String>().to_lowercase();
    let number = |sign: char| sign.is_ascii_digit() || matches!(sign, '-' | ' ' | '(' | ')' | '+' | '.');
    if !search.is_empty() && search.chars().all(number) {
        // 010-1234 is a part of +82101234….
        let digits: String = search.chars().filter(char::is_ascii_digit).collect();
        let without_zeros = digits.trim_start_matches('0');
        // Fall back to the text itself: an empty pattern would match every account.
        let kept = [without_zeros, &digits, &search].into_iter().find(|kept| !kept.is_empty());
        return kept.unwrap_or_default().to_owned();
    }
    search
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn search_text_is_normalised_like_stored_keys() {
        assert_eq!(normalised(" Hong "), "hong");
        assert_eq!(normalised("ＨＯＮＧ"), "hong");
        assert_eq!(normalised("010-1234-5678"), "1012345678");
        assert_eq!(normalised("+82 10 1234"), "82101234");
        assert_eq!(normalised("000"), "000");
        assert_eq!(normalised("--"), "--");
        assert_eq!(normalised("  "), "");
    }
}
