//! What administrators do with other people's accounts.

use super::{Accounts, rules, rules::Forbidden};
use crate::{
    caller::Caller,
    contact::PersonName,
    fault::Fault,
    ids::AccountId,
    session::gate::SignedIn,
    store::{
        Ending, Identifier, Page, Search, Slice,
        entity::account::{AccountStatus, Model},
    },
    telemetry::audit,
};

/// What became of a status that was set.
pub enum StatusSet {
    Set(Box<Model>),
    NotFound,
    Forbidden(Forbidden),
}

/// What became of unlocking.
pub enum Unlocked {
    Unlocked(Box<Model>),
    NotFound,
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
        slice: &Slice,
    ) -> Result<Page<Model>, Fault> {
        let search = search.map(normalised).filter(|search| !search.is_empty());
        // No name or address has one, and databases do not agree on what they make of it.
        if search.as_ref().is_some_and(|search| search.contains(char::is_control)) {
            return Ok(Page { rows: Vec::new(), more: false });
        }
        let name = search.as_ref().and_then(|text| PersonName::parse(text).ok()).map(|name| name.key());
        let search = search.map(|text| Search { text, name });
        self.0.store.users(status, search.as_ref(), slice).await
    }

    /// Says whether an account may be used. One that may not loses its sessions. One that waits for its owner to prove
    /// the address can only be activated: the administrator vouches for it then.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn set_status(
        &self,
        caller: &Caller,
        administrator: &SignedIn,
        id: Option<AccountId>,
        status: AccountStatus,
    ) -> Result<StatusSet, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let event = parts.event(caller, audit::Act::SetAccountStatus).maybe_account(id.clone());
        let event = event.actor(administrator.account.clone());
        let Some(id) = id else { return parts.ended(event, "user_not_found", StatusSet::NotFound).await };
        let entry = event.clone();
        let written = parts
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let administrators = tx.lock_administrators().await?;
                    let Some(account) = tx.lock_account(&id).await? else {
                        return Ok(Ending::Rollback((StatusSet::NotFound, Vec::new())));
                    };
                    if let Err(why) = rules::may_set_status(&account, status, &administrators) {
                        return Ok(Ending::Rollback((StatusSet::Forbidden(why), Vec::new())));
                    }
                    let account = match account.email_key.as_deref().filter(|_| rules::is_unproved(&account)) {
                        Some(key) => {
                            tx.activate_account(&id, key, status, now).await?;
                            tx.account(&Identifier::Id(id.clone())).await?
                        }
                        None => tx.set_status(&id, status, now).await?,
                    };
                    let Some(account) = account else {
                        return Ok(Ending::Rollback((StatusSet::NotFound, Vec::new())));
                    };
                    let ended = match status {
                        AccountStatus::Active => Vec::new(),
                        _ => tx.end_sessions(&id, None, now).await?,
                    };
                    tx.insert_audit(&entry).await?;
                    Ok(Ending::Commit((StatusSet::Set(Box::new(account)), ended)))
                })
            })
            .await?;
        let (set, ended) = written;
        parts.sessions.announce_ended(&ended, now);
        match &set {
            StatusSet::Set(_) => event.log(),
            StatusSet::NotFound => parts.store.record(event.outcome("user_not_found")).await,
            StatusSet::Forbidden(Forbidden::LastAdministrator) => {
                parts.store.record(event.outcome("last_administrator")).await;
            }
            StatusSet::Forbidden(Forbidden::NotAStatusToSet) => {
                parts.store.record(event.outcome(audit::INVALID_INPUT)).await;
            }
        }
        Ok(set)
    }

    /// Forgets the wrong passwords that were counted for an account.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn unlock(
        &self,
        caller: &Caller,
        administrator: &SignedIn,
        id: Option<AccountId>,
    ) -> Result<Unlocked, Fault> {
        let parts = &self.0;
        let event = parts.event(caller, audit::Act::UnlockAccount).maybe_account(id.clone());
        let event = event.actor(administrator.account.clone());
        let account = match &id {
            Some(id) => self.get(id).await?,
            None => None,
        };
        let Some(account) = account else {
            return parts.ended(event, "user_not_found", Unlocked::NotFound).await;
        };
        let (id, entry) = (account.id.clone(), event.clone());
        parts
            .store
            .write(move |tx| {
                Box::pin(async move {
                    tx.unlock(&id).await?;
                    tx.insert_audit(&entry).await?;
                    Ok(Ending::Commit(()))
                })
            })
            .await?;
        event.log();
        Ok(Unlocked::Unlocked(Box::new(account)))
    }
}

/// What is searched for, as the keys have it; a phone number may be typed in national form.
fn normalised(search: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let search: String = search.trim().chars().take(100).nfkc().collect::<String>().to_lowercase();
    let number = |sign: char| sign.is_ascii_digit() || matches!(sign, '-' | ' ' | '(' | ')' | '+' | '.');
    if !search.is_empty() && search.chars().all(number) {
        // 010-1234 is a part of +82101234….
        let digits: String = search.chars().filter(char::is_ascii_digit).collect();
        let without_zeros = digits.trim_start_matches('0');
        // What is not more than that is looked for as it is: nothing typed finds everybody, and something does not.
        let kept = [without_zeros, &digits, &search].into_iter().find(|kept| !kept.is_empty());
        return kept.unwrap_or_default().to_owned();
    }
    search
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn what_is_typed_finds_what_is_stored() {
        assert_eq!(normalised(" Hong "), "hong");
        assert_eq!(normalised("ＨＯＮＧ"), "hong");
        assert_eq!(normalised("010-1234-5678"), "1012345678");
        assert_eq!(normalised("+82 10 1234"), "82101234");
        assert_eq!(normalised("000"), "000");
        assert_eq!(normalised("--"), "--");
        assert_eq!(normalised("  "), "");
    }
}
