//! Who is signed in: bearer tokens out of requests and sockets, judged by the gate, and judged again while a stream
//! lives.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::{
    clock::{Clock, Timestamp},
    config::Secret,
    session::gate::{Auth, Gate, SignedIn, TokenRefused},
};

/// Whoever judges tokens: the gate, or a test's stand-in.
pub trait Judge: Send + Sync {
    /// Who the bearer of this token is. Does no I/O.
    ///
    /// # Errors
    /// [`TokenRefused`] for anything but a live access token of ours.
    fn judge(&self, bearer: &str) -> Result<SignedIn, TokenRefused>;

    /// Ticks whenever something was revoked.
    fn revocations(&self) -> watch::Receiver<u64>;
}

impl Judge for Gate {
    fn judge(&self, bearer: &str) -> Result<SignedIn, TokenRefused> {
        Gate::judge(self, bearer)
    }

    fn revocations(&self) -> watch::Receiver<u64> {
        Gate::revocations(self)
    }
}

/// A token, if one was sent, and what the gate says to it.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub bearer: Option<Secret>,
    pub auth: Auth,
}

impl Credentials {
    pub fn judge(bearer: Option<Secret>, judge: &dyn Judge) -> Self {
        let auth = match &bearer {
            None => Auth::Anonymous,
            Some(token) => judge.judge(token.expose()).map_or(Auth::Refused, Auth::SignedIn),
        };
        Self { bearer, auth }
    }

    /// Comes to an end when the token that a stream was opened with is no longer honoured. None where there is none:
    /// an anonymous stream lives as long as it likes.
    pub fn until_refused(&self, judge: &Arc<dyn Judge>, clock: &Clock) -> Option<BoxFuture<'static, ()>> {
        let (Auth::SignedIn(signed_in), Some(bearer)) = (&self.auth, &self.bearer) else { return None };
        Some(Box::pin(until_refused(judge.clone(), clock.clone(), bearer.clone(), signed_in.expires_at)))
    }
}

async fn until_refused(judge: Arc<dyn Judge>, clock: Clock, bearer: Secret, expires_at: Timestamp) {
    let mut revocations = judge.revocations();
    let revoked = async {
        // Judged once more first: the tick may have come between opening and watching.
        while judge.judge(bearer.expose()).is_ok() {
            if revocations.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = revoked => {}
        () = clock.sleep_until(expires_at) => {}
    }
}

/// The token of an `Authorization` header (RFC 6750). Other schemes are somebody else's: a proxy in front may ask for
/// a password of its own.
pub fn bearer_of(headers: &HeaderMap) -> Option<Secret> {
    // What is no text stands for no token of ours, and is refused as such.
    let value = String::from_utf8_lossy(headers.get(header::AUTHORIZATION)?.as_bytes());
    let (scheme, token) = value.split_once(' ').unwrap_or((&value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}

/// The token in the payload of `connection_init`: under `Authorization`, `authorization` or `token`, with the word
/// `Bearer` or without. What is there and is no text is a token all the same, though one that nobody issued.
pub fn bearer_in(payload: &Map<String, Value>) -> Option<Secret> {
    let names = ["Authorization", "authorization", "token"];
    let given = names.iter().filter_map(|name| payload.get(*name)).find(|value| !value.is_null())?;
    let Some(text) = given.as_str().map(str::trim) else { return Some(Secret::new("")) };
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    };
    // What an app sends that has no token yet.
    (!token.is_empty() && !token.eq_ignore_ascii_case("bearer")).then(|| Secret::new(token))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_header_takes_the_bearer_scheme_alone() {
        let token = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
            bearer_of(&headers).map(|token| token.expose().to_owned())
        };
        assert_eq!(token(b"Bearer abc"), Some("abc".to_owned()));
        assert_eq!(token(b"bearer  abc"), Some("abc".to_owned()));
        assert_eq!(token(b"Bearer"), Some(String::new()));
        assert_eq!(token(b"Basic abc"), None);
        assert!(token(b"Bearer \xff\xfe").is_some());
    }

    #[test]
    fn the_init_payload_takes_three_names() {
        let token = |payload: Value| bearer_in(payload.as_object().unwrap()).map(|token| token.expose().to_owned());
        assert_eq!(token(json!({"Authorization": "Bearer abc"})), Some("abc".to_owned()));
        assert_eq!(token(json!({"authorization": "abc"})), Some("abc".to_owned()));
        assert_eq!(token(json!({"token": "abc"})), Some("abc".to_owned()));
        assert_eq!(token(json!({"token": null})), None);
        assert_eq!(token(json!({"authorization": null, "token": "abc"})), Some("abc".to_owned()));
        for unreadable in [json!(5), json!(false), json!([]), json!({"token": "abc"})] {
            assert_eq!(token(json!({"authorization": unreadable, "token": "abc"})), Some(String::new()));
        }
        assert_eq!(token(json!({"Authorization": "Bearer "})), None);
        assert_eq!(token(json!({})), None);
    }
}
