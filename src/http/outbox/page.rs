//! The page: one document with its styles and its script in it, and a policy that lets nothing else run.

use axum::{
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

const DOCUMENT: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The document and its headers, put together once.
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
            // An undo link in a message must not tell its page where it came from.
            (axum::http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        Self { document, headers }
    }

    pub fn answer(&self) -> Response {
        (self.headers.clone(), self.document.clone()).into_response()
    }
}

/// Only this style and this script, named by their hashes: the page is the same for everybody, so it needs no nonce.
/// Nothing is loaded from elsewhere, and nobody may frame the page.
fn policy() -> HeaderValue {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    // Base64 and the words above are ASCII.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}
