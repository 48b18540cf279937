//! Authentication by bearer tokens of requests and sockets. Tokens of streams are checked again while the stream is
//! open.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::session::gate::{Auth, Gate, SignedIn, TokenRefused};
use domain::Timestamp;
use platform::{clock::Clock, config::Secret};

/// Verifies access tokens: the gate, or a test double.
pub trait Judge: Send + Sync {
    /// Verifies the token. Does no I/O.
    ///
    /// # Errors
    /// [`TokenRefused`] unless the token is a valid access token of this service.
    fn judge(&self, bearer: &str) -> Result<SignedIn, TokenRefused>;

    /// Changes whenever a session was revoked.
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

/// The token of a request, if there is one, and the result of its verification.
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

    /// Completes when the token that a stream was opened with is no longer valid. None for anonymous streams, which
    /// have no end.
    pub fn until_refused(&self, judge: &Arc<dyn Judge>, clock: &Clock) -> Option<BoxFuture<'static, ()>> {
        let (Auth::SignedIn(signed_in), Some(bearer)) = (&self.auth, &self.bearer) else { return None };
        Some(Box::pin(until_refused(judge.clone(), clock.clone(), bearer.clone(), signed_in.expires_at)))
    }
}

async fn until_refused(judge: Arc<dyn Judge>, clock: Clock, bearer: Secret, expires_at: Timestamp) {
    let mut revocations = judge.revocations();
    let revoked = async {
        // Checked once more first: a revocation may have happened between opening and watching.
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

/// The token of the `Authorization` header (RFC 6750). Other schemes are ignored: a proxy in front may use its own
/// password.
pub fn bearer_of(headers: &HeaderMap) -> Option<Secret> {
    // A value that is not text is treated as an invalid token.
    let value = String::from_utf8_lossy(headers.get(header::AUTHORIZATION)?.as_bytes());
    let (scheme, token) = value.split_once(' ').unwrap_or((&value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::new(token.trim()))
}

/// The token in the payload of `connection_init`: under `Authorization`, `authorization` or `token`, with or without
/// the prefix `Bearer`. A value that is not a string is treated as an invalid token.
pub fn bearer_in(payload: &Map<String, Value>) -> Option<Secret> {
    let names = ["Authorization", "authorization", "token"];
    let given = names.iter().filter_map(|name| payload.get(*name)).find(|value| !value.is_null())?;
    let Some(text) = given.as_str().map(str::trim) else { return Some(Secret::new("")) };
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    };
    // Apps without a token send this.
    (!token.is_empty() && !token.eq_ignore_ascii_case("bearer")).then(|| Secret::new(token))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn header_accepts_only_bearer_scheme() {
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
    fn init_payload_accepts_three_names() {
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
