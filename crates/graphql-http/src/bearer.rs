//! Bearer tokens in headers and in the payload of `connection_init`.

use std::fmt;

use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// A bearer token as the client sent it. It is overwritten when dropped, and not shown by `Debug`.
#[derive(Clone)]
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The token itself. Do not pass it to code that logs, formats or stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The token of the `Authorization` header (RFC 6750). Other schemes are ignored: a proxy in front may use its own
    /// password.
    pub fn in_headers(headers: &HeaderMap) -> Option<Self> {
        // A value that is not text is treated as an invalid token.
        let value = String::from_utf8_lossy(headers.get(header::AUTHORIZATION)?.as_bytes());
        let (scheme, token) = value.split_once(' ').unwrap_or((&value, ""));
        scheme.eq_ignore_ascii_case("bearer").then(|| Self::new(token.trim()))
    }

    /// The token in the payload of `connection_init`: under `Authorization`, `authorization` or `token`, with or
    /// without the prefix `Bearer`. A value that is not a string is treated as an invalid token.
    pub fn in_payload(payload: &Map<String, Value>) -> Option<Self> {
        let names = ["Authorization", "authorization", "token"];
        let given = names.iter().filter_map(|name| payload.get(*name)).find(|value| !value.is_null())?;
        let Some(text) = given.as_str().map(str::trim) else { return Some(Self::new("")) };
        let token = match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => text,
        };
        // Apps without a token send this.
        (!token.is_empty() && !token.eq_ignore_ascii_case("bearer")).then(|| Self::new(token))
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[bearer token]")
    }
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
            BearerToken::in_headers(&headers).map(|token| token.expose().to_owned())
        };
        assert_eq!(token(b"Bearer abc"), Some("abc".to_owned()));
        assert_eq!(token(b"bearer  abc"), Some("abc".to_owned()));
        assert_eq!(token(b"Bearer"), Some(String::new()));
        assert_eq!(token(b"Basic abc"), None);
        assert!(token(b"Bearer \xff\xfe").is_some());
    }

    #[test]
    fn init_payload_accepts_three_names() {
        let token = |payload: Value| {
            BearerToken::in_payload(payload.as_object().unwrap()).map(|token| token.expose().to_owned())
        };
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

    #[test]
    fn debug_output_has_no_token() {
        assert_eq!(format!("{:?}", BearerToken::new("abc")), "[bearer token]");
    }
}
