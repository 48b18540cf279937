//! Middleware for every request and response, regardless of the route.

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

use crate::http::{
    client::{ClientResolver, REQUEST_ID},
    connection_activity::ConnectionActivity,
};
use graphql_http::{Code, Media, Refusal, http_response};
use platform::{
    config::http::{Environment, Http},
    telemetry::{
        logs::request_span,
        traces::{Kind, Trace},
    },
};

/// Limits in bytes for the request target, and for all headers together (docs/security.md TR-09).
const MAX_URL: usize = 8 * 1024;
const MAX_HEADERS: usize = 16 * 1024;

/// Responses are not pages, unless a route sets another policy.
const DEFAULT_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// State of the middleware.
pub struct MiddlewareState {
    clients: ClientResolver,
    development: bool,
    /// Whether browsers connect by TLS, to this process or to a proxy.
    https: bool,
}

impl MiddlewareState {
    pub fn new(settings: &Http, clients: ClientResolver) -> Self {
        let public_https = settings.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        let development = settings.environment == Environment::Development;
        Self { clients, development, https: settings.tls.is_some() || public_https }
    }

    fn set_headers(&self, headers: &mut HeaderMap, request_id: &str, took: Duration) {
        let mut set =
            |name: HeaderName, value: &'static str| drop(headers.insert(name, HeaderValue::from_static(value)));
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::REFERRER_POLICY, "no-referrer");
        if self.https {
            set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(DEFAULT_POLICY));
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

/// Identifies the client, limits the head, catches panics, and adds the common response headers.
pub async fn request_middleware(
    State(state): State<Arc<MiddlewareState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let caller = state.clients.identify(request.extensions().get().copied(), request.headers());
    let request_id = caller.request_id.clone();
    let span = request_span(&caller);
    let activity = request.extensions().get::<Arc<ConnectionActivity>>().cloned();
    request.extensions_mut().insert(caller);
    let parent = request.headers().get("traceparent").and_then(|parent| parent.to_str().ok());
    let trace = Trace::from_traceparent(parent);
    // Health probes and pages are not traced.
    let trace = if is_traced(request.uri().path()) { trace.child("request", Kind::Server) } else { trace };
    let mut response = match check_head(&request) {
        Some(refused) => refused,
        None => match AssertUnwindSafe(trace.in_context(next.run(request).instrument(span))).catch_unwind().await {
            Ok(response) => response,
            Err(_) => {
                tracing::error!(%request_id, "a handler panicked");
                let refusal =
                    Refusal::http(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal, "Internal server error.");
                http_response::refusal(Media::Json, refusal)
            }
        },
    };
    if response.status().is_server_error() {
        trace.set_failed();
    }
    trace.end();
    state.set_headers(response.headers_mut(), &request_id, started.elapsed());
    if activity.is_some_and(|activity| activity.closes_after_response()) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether requests to this path are traced.
fn is_traced(path: &str) -> bool {
    path == "/graphql" || path.starts_with("/receipts/")
}

/// The refusal of a request by its head, if the head is not acceptable.
fn check_head(request: &Request) -> Option<Response> {
    if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_URL) {
        return Some(refuse_and_close(StatusCode::URI_TOO_LONG, "The request target is longer than 8 KiB."));
    }
    let bytes: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > MAX_HEADERS {
        let message = "The request headers are longer than 16 KiB.";
        return Some(refuse_and_close(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message));
    }
    if !has_unambiguous_length(request.headers()) {
        let message = "Unsupported Transfer-Encoding: only `chunked` is accepted.";
        return Some(refuse_and_close(StatusCode::BAD_REQUEST, message));
    }
    let served = !matches!(*request.method(), Method::TRACE | Method::CONNECT);
    (!served).then(|| http_response::method_not_allowed(Media::Json, "GET, POST", "Method not allowed."))
}

/// Whether all intermediaries must agree on the length of the body (no request smuggling, docs/security.md TR-10). hyper
/// rejects contradictory and invalid lengths, and a final coding other than `chunked`; it accepts `gzip, chunked` and
/// `chunked, chunked`. If there is both `Content-Length` and `Transfer-Encoding`, hyper drops the former before this
/// check, reads the chunks, and closes the connection after the response, as RFC 9112 (section 6.1) and ASVS 4.2.1
/// require.
fn has_unambiguous_length(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked")) && codings.next().is_none()
}

fn refuse_and_close(status: StatusCode, message: &str) -> Response {
    let mut response = http_response::refusal(Media::Json, Refusal::http(status, Code::BadRequest, message));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
