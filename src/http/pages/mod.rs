//! Web pages: GraphiQL at `/`, the demo at `/demo`, and the other files of the web build.
//!
//! Built pages are read from `WEB_DIST` or, with the feature `embed-web`, from the binary. Without a build, a small
//! page loads GraphiQL from a public CDN, or shows a plain console if the CDN can't be reached, so that a fresh clone
//! has a user interface.

mod built;
#[cfg(feature = "embed-web")]
mod embedded;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, header},
    response::Response,
    routing::get,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;

use platform::{clock::Entropy, config::http::Http};

const UNBUILT: &str = include_str!("unbuilt/page.html");
const SCRIPT: &str =
    concat!(include_str!("unbuilt/steps.js"), include_str!("unbuilt/console.js"), include_str!("unbuilt/graphiql.js"));

/// The routes of the pages; empty if pages are disabled.
///
/// # Errors
/// A message for the operator if `WEB_DIST` exists and can't be read.
pub fn routes(settings: &Http, entropy: &Entropy) -> Result<Router, String> {
    let router = Router::new();
    if !settings.graphiql {
        return Ok(router);
    }
    let Some(files) = built::find(&settings.web_dist)? else {
        let entropy = entropy.clone();
        return Ok(router.route("/", get(async move || unbuilt(&entropy))));
    };
    Ok(files.into_iter().fold(router, |router, file| {
        let (addresses, file) = (file.addresses(), Arc::new(file));
        addresses.into_iter().fold(router, |router, address| {
            let file = Arc::clone(&file);
            router.route(&address, get(async move || file.response().await))
        })
    }))
}

fn unbuilt(entropy: &Entropy) -> Response {
    let nonce = BASE64_STANDARD.encode(entropy.bytes::<16>());
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' https://esm.sh; style-src 'unsafe-inline' https://esm.sh; \
         img-src 'self' data:; font-src https://esm.sh data:; worker-src blob: https://esm.sh; \
         connect-src 'self' https://esm.sh; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    page(
        "text/html; charset=utf-8",
        "no-store",
        &policy,
        UNBUILT.replace("{{nonce}}", &nonce).replace("{{script}}", SCRIPT).into(),
    )
}

fn page(kind: &'static str, cache: &'static str, policy: &str, content: Bytes) -> Response {
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
