//! The outbox page: one document with inline styles and scripts, and a policy that allows only these.

use axum::{
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

const DOCUMENT: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The document and its headers, built once.
pub(super) struct Page {
    document: String,
    headers: [(HeaderName, HeaderValue); 4],
}

impl Page {
    pub fn new() -> Self {
        let document = DOCUMENT.replace("/*style*/", STYLE).replace("/*script*/", SCRIPT);
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (CONTENT_SECURITY_POLICY, policy()),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            // The page of an undo link must not see the address of the outbox.
            (axum::http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        Self { document, headers }
    }

    pub fn response(&self) -> Response {
        (self.headers.clone(), self.document.clone()).into_response()
    }
}

/// Allows only this style and this script, by their hashes: the page is the same for all clients, so no nonce is
/// needed. Nothing is loaded from other origins, and the page can't be framed.
fn policy() -> HeaderValue {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    // Base64 and the directives are ASCII, so this does not fail.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}
