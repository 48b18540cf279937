//! Profile data of an account.

use super::Accounts;
use crate::session::access_token_verifier::SignedIn;
use domain::{
    account::Account,
    caller::RequestInfo,
    contact::{Nickname, PersonName},
};
use platform::{fault::Fault, telemetry::audit};
use store::{ProfileChange, TxOutcome};

/// The URL of a profile picture: absolute, with the scheme https or http, so that a page can display it without
/// executing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUrl(String);

/// The length that common browsers and proxies accept, in bytes.
const MAX_URL_LENGTH: usize = 2048;

impl ImageUrl {
    /// # Errors
    /// A stable reason.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("empty");
        }
        if text.len() > MAX_URL_LENGTH {
            return Err("too_long");
        }
        let url = reqwest::Url::parse(text).map_err(|_| "not_a_url")?;
        let has_web_scheme = matches!(url.scheme(), "https" | "http") && url.has_host();
        // User info in the URL would be shown to every viewer of the picture.
        let has_no_user_info = url.username().is_empty() && url.password().is_none();
        if has_web_scheme && has_no_user_info { Ok(Self(url.into())) } else { Err("not_a_url") }
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

/// Changes to a profile. Outer None: unchanged. Inner None: removed.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    pub name: Option<Option<PersonName>>,
    pub nickname: Option<Option<Nickname>>,
    pub profile_image_url: Option<Option<ImageUrl>>,
}

/// Result of changing a profile.
pub enum UpdateProfileOutcome {
    Changed(Box<Account>),
    NicknameTaken,
    /// The account was deleted in the meantime, or the session of the request has ended.
    SignedOut,
}

impl Accounts {
    /// Changes a profile.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn update_profile(
        &self,
        caller: &RequestInfo,
        signed_in: &SignedIn,
        profile: Profile,
    ) -> Result<UpdateProfileOutcome, Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let (id, session) = (signed_in.account.clone(), signed_in.session.clone());
        let event = deps.event(caller, audit::Act::UpdateProfile).account(id.clone());
        let entry = event.clone();
        let change = ProfileChange {
            name: profile.name.map(|name| name.map(|name| (name.as_str().to_owned(), name.key()))),
            nickname: profile
                .nickname
                .map(|nickname| nickname.map(|nickname| (nickname.as_str().to_owned(), nickname.key().to_owned()))),
            profile_image_url: profile.profile_image_url.map(|url| url.map(ImageUrl::into_string)),
        };
        let written = deps
            .store
            .write(move |tx| {
                Box::pin(async move {
                    // The account is locked before its session: the order of all locks.
                    tx.lock_account(&id).await?;
                    if !tx.is_live(&session, now).await? {
                        return Ok(TxOutcome::Rollback(UpdateProfileOutcome::SignedOut));
                    }
                    let changed = tx.change_profile(&id, change, now).await?;
                    match changed {
                        Ok(Some(account)) => {
                            tx.insert_audit(&entry).await?;
                            Ok(TxOutcome::Commit(UpdateProfileOutcome::Changed(Box::new(account))))
                        }
                        Ok(None) => Ok(TxOutcome::Rollback(UpdateProfileOutcome::SignedOut)),
                        Err(_) => Ok(TxOutcome::Rollback(UpdateProfileOutcome::NicknameTaken)),
                    }
                })
            })
            .await?;
        match written {
            UpdateProfileOutcome::Changed(_) => event.log(),
            UpdateProfileOutcome::NicknameTaken => deps.store.record(event.outcome("nickname_taken")).await,
            UpdateProfileOutcome::SignedOut => deps.store.record(event.outcome(audit::UNAUTHENTICATED)).await,
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_url_accepts_only_absolute_http_urls() {
        for url in ["https://cdn.example.com/a.png", "http://localhost:9000/a?b#c", "https://예시.kr/사진"] {
            assert!(ImageUrl::parse(url).is_ok(), "{url}");
        }
        for url in
            ["javascript:alert(1)", "data:image/png;base64,AAAA", "/a.png", "https://", "https://u:p@x.kr/a", "x"]
        {
            assert_eq!(ImageUrl::parse(url), Err("not_a_url"), "{url}");
        }
        assert_eq!(ImageUrl::parse("  "), Err("empty"));
        assert_eq!(ImageUrl::parse(&format!("https://x.kr/{}", "a".repeat(2048))), Err("too_long"));
    }
}
