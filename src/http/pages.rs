//! Pages for people: GraphiQL at `/`, and whatever else the web workspace has built.
//!
//! Built pages are served as they lie in `WEB_DIST`. Without them a small page of ours loads GraphiQL from a public CDN,
//! so that a fresh clone has something to look at.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::get,
};
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    clock::Entropy,
    config::http::Http,
    http::{
        answer,
        graphql::negotiate::Media,
        graphql::refusal::{Code, Refusal},
    },
};

const FROM_CDN: &str = include_str!("graphiql.html");

/// For the built pages: scripts from here alone. GraphiQL's editor writes styles at run time and starts its workers
/// from blobs.
const BUILT: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
                     font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; manifest-src 'self'; \
                     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Files of a build carry a hash of their content in their names.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The routes of the pages; none where they are switched off.
///
/// # Errors
/// Words for the operator where `WEB_DIST` is there and can't be read.
pub fn routes(settings: &Http, entropy: &Entropy) -> Result<Router, String> {
    let router = Router::new();
    if !settings.graphiql {
        return Ok(router);
    }
    if !settings.web_dist.join("index.html").is_file() {
        let entropy = entropy.clone();
        return Ok(router.route("/", get(async move || from_cdn(&entropy))));
    }
    let found = files(&settings.web_dist);
    let found = found.map_err(|error| format!("WEB_DIST: can't read {}: {error}", settings.web_dist.display()))?;
    Ok(found.into_iter().fold(router, |router, (address, path)| {
        let path = Arc::<Path>::from(path);
        router.route(&address, get(async move || file(&path).await))
    }))
}

fn from_cdn(entropy: &Entropy) -> Response {
    let nonce = BASE64_STANDARD.encode(entropy.bytes::<16>());
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' https://esm.sh; style-src 'unsafe-inline' https://esm.sh; \
         img-src 'self' data:; font-src https://esm.sh data:; worker-src blob: https://esm.sh; \
         connect-src 'self' https://esm.sh; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    page("text/html; charset=utf-8", "no-store", &policy, FROM_CDN.replace("{{nonce}}", &nonce).into_bytes())
}

/// One route for each file that is there at start: no request can name anything else.
fn files(root: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let (mut found, mut folders) = (Vec::new(), vec![(String::from("/"), root.to_owned())]);
    while let Some((address, folder)) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            // Braces mean something in a route.
            if name.starts_with('.') || name.contains(['{', '}']) {
                continue;
            }
            if kind.is_dir() {
                folders.push((format!("{address}{name}/"), path));
            } else if name == "index.html" {
                if address != "/" {
                    found.push((address.trim_end_matches('/').to_owned(), path.clone()));
                }
                found.push((address.clone(), path));
            } else if kind.is_file() {
                found.push((format!("{address}{name}"), path));
            }
        }
    }
    Ok(found)
}

async fn file(path: &Path) -> Response {
    let Ok(content) = tokio::fs::read(path).await else {
        let gone = Refusal::http(StatusCode::NOT_FOUND, Code::NotFound, "This file is no longer there.");
        return answer::refusal(Media::Json, gone);
    };
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => return page("text/html; charset=utf-8", "no-store", BUILT, content),
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("ttf") => "font/ttf",
        Some("wasm") => "application/wasm",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    let hashed = path.parent().is_some_and(|folder| folder.ends_with("assets"));
    page(kind, if hashed { FOR_EVER } else { "no-cache" }, BUILT, content)
}

fn page(kind: &'static str, cache: &'static str, policy: &str, content: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(content));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_one_address_and_folders_open_with_their_index() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("demo/assets")).unwrap();
        for name in ["index.html", "demo/index.html", "demo/assets/a-1.js", ".hidden", "a{b}.js"] {
            std::fs::write(root.path().join(name), "x").unwrap();
        }
        let mut addresses: Vec<_> = files(root.path()).unwrap().into_iter().map(|(address, _)| address).collect();
        addresses.sort();
        assert_eq!(addresses, ["/", "/demo", "/demo/", "/demo/assets/a-1.js"]);
    }
}
