//! What every request passes on its way in and every response on its way out, whatever the route.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use tokio::time::Instant;
use tracing::Instrument;

use crate::{
    config::http::{Environment, Http},
    http::{
        answer,
        client::{Clients, REQUEST_ID},
        graphql::{
            negotiate::Media,
            refusal::{Code, Refusal},
        },
        pulse::Pulse,
    },
    telemetry::{
        logs::request_span,
        traces::{Kind, Trace},
    },
};

/// Bytes of a request's target, and of its headers together (docs/security.md, TR-09).
const MAX_URL: usize = 8 * 1024;
const MAX_HEADERS: usize = 16 * 1024;

/// Nothing of an answer of ours is a page, unless the route says otherwise.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// The state of this layer.
pub struct Edge {
    clients: Clients,
    development: bool,
    /// Whether browsers reach us by TLS, here or at a proxy.
    https: bool,
}

impl Edge {
    pub fn new(settings: &Http, clients: Clients) -> Self {
        let public_https = settings.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        let development = settings.environment == Environment::Development;
        Self { clients, development, https: settings.tls.is_some() || public_https }
    }

    fn finish(&self, headers: &mut HeaderMap, request_id: &str, took: Duration) {
        let mut set =
            |name: HeaderName, value: &'static str| drop(headers.insert(name, HeaderValue::from_static(value)));
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::REFERRER_POLICY, "no-referrer");
        if self.https {
            set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NO_PAGE));
        if let Ok(id) = HeaderValue::from_str(request_id) {
            headers.insert(REQUEST_ID, id);
        }
        if self.development
            && let Ok(timing) = HeaderValue::from_str(&format!("total;dur={:.1}", took.as_secs_f64() * 1e3))
        {
            headers.insert(HeaderName::from_static("server-timing"), timing);
        }
    }
}

/// Recognises the client, bounds the head, catches panics, and dresses the response.
pub async fn edge(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let caller = edge.clients.recognise(request.extensions().get().copied(), request.headers());
    let request_id = caller.request_id.clone();
    let span = request_span(&caller);
    let pulse = request.extensions().get::<Arc<Pulse>>().cloned();
    request.extensions_mut().insert(caller);
    let parent = request.headers().get("traceparent").and_then(|parent| parent.to_str().ok());
    let trace = Trace::behind(parent);
    // Whoever asks whether we live, or for a page, is no work of ours.
    let trace = if is_work(request.uri().path()) { trace.step("request", Kind::Server) } else { trace };
    let mut response = match judge_head(&request) {
        Some(refused) => refused,
        None => match AssertUnwindSafe(trace.around(next.run(request).instrument(span))).catch_unwind().await {
            Ok(response) => response,
            Err(_) => {
                tracing::error!(%request_id, "a handler panicked");
                let refusal =
                    Refusal::http(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "Something went wrong here.");
                answer::refusal(Media::Json, refusal)
            }
        },
    };
    if response.status().is_server_error() {
        trace.failed();
    }
    trace.end();
    edge.finish(response.headers_mut(), &request_id, started.elapsed());
    if pulse.is_some_and(|pulse| pulse.hangs_up()) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether something is done at this address.
fn is_work(path: &str) -> bool {
    path == "/graphql" || path.starts_with("/receipts/")
}

/// The answer to a request whose head is not served, whatever its route.
fn judge_head(request: &Request) -> Option<Response> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_URL) {
        return Some(hung_up(StatusCode::URI_TOO_LONG, "The address is longer than 8 KiB."));
    }
    let bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > MAX_HEADERS {
        return Some(hung_up(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are longer than 16 KiB."));
    }
    if !is_framed_plainly(request.headers()) {
        return Some(hung_up(StatusCode::BAD_REQUEST, "Of transfer codings there is chunked, once, and no other."));
    }
    let served = !matches!(*request.method(), Method::TRACE | Method::CONNECT);
    (!served).then(|| answer::method_not_allowed(Media::Json, "GET, POST", "This method is not served."))
}

/// Whether nobody on the way can have read another length out of this head than we do (TR-10). hyper has
/// refused lengths that contradict each other or are no numbers, and a last coding other than `chunked`; `gzip, chunked`
/// and `chunked, chunked` it lets pass. `Content-Length` beside `Transfer-Encoding` it drops before anybody can see it,
/// reads the chunks, and closes after the answer, as RFC 9112 (section 6.1) and ASVS 4.2.1 have it.
fn is_framed_plainly(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked")) && codings.next().is_none()
}

fn hung_up(status: StatusCode, message: &str) -> Response {
    let mut response = answer::refusal(Media::Json, Refusal::http(status, Code::BadRequest, message));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
