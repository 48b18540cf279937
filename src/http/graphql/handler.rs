//! The handler of `/graphql`.

use std::sync::Arc;

use async_graphql::{Executor, parser::types::OperationType};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::Response,
};

use crate::{
    graphql::cookies::Cookies,
    http::{
        answer,
        auth::{Credentials, bearer_of},
        body, cookie,
        graphql::{
            admission::Operation,
            negotiate::{Accepts, Form, Media},
            refusal::{Code, Refusal},
            request::{Ask, Asked},
            response::Answer,
            run::{self, Asker},
        },
        origins::Origin,
        seats::Full,
        stream::{self, Live},
        wire::Wire,
        ws,
    },
    session::gate::Auth,
};
use domain::caller::Caller;
use platform::telemetry::metrics::OpenStream;

/// The parts of a request that are known before its operation.
struct Visit {
    head: Parts,
    caller: Caller,
    accepts: Accepts,
    /// Media type of error responses.
    media: Media,
    by_get: bool,
}

/// Handles all requests to `/graphql`.
pub async fn graphql<E: Executor>(State(wire): State<Arc<Wire<E>>>, request: Request) -> Response {
    if wire.origins.is_rebound(request.headers()) {
        return answer::refusal(Media::Json, rebinding_refusal());
    }
    if ws::is_handshake(&request) {
        return ws::handshake(&wire, request);
    }
    let accepts = Accepts::read(request.headers());
    let media = accepts.single().unwrap_or(Media::Json);
    let by_get = request.method() == Method::GET;
    if !by_get && request.method() != Method::POST {
        return answer::method_not_allowed(media, "GET, POST", "GraphQL requests must use GET or POST.");
    }
    if !accepts.anything() {
        let message = "Not acceptable: expected application/graphql-response+json, application/json, \
                       text/event-stream, or multipart/mixed with subscriptionSpec=1.0 in Accept.";
        return answer::refusal(media, Refusal::http(StatusCode::NOT_ACCEPTABLE, Code::BadRequest, message));
    }
    let (head, body) = request.into_parts();
    let caller = wire.caller(&head);
    let visit = Visit { head, caller, accepts, media, by_get };
    answer(&wire, &visit, body).await.unwrap_or_else(|refusal| answer::refusal(media, refusal))
}

async fn answer<E: Executor>(wire: &Arc<Wire<E>>, visit: &Visit, body: axum::body::Body) -> Result<Response, Refusal> {
    let asked = if visit.by_get {
        Asked::One(Ask::from_query_string(visit.head.uri.query().unwrap_or_default())?)
    } else {
        let (settings, head) = (&wire.settings, &visit.head);
        if let Err(refusal) = require_json(&head.headers) {
            body::linger(head, body, &settings.patience);
            return Err(refusal);
        }
        Asked::from_json(&body::read(head, body, settings.max_body, &settings.patience).await?, settings.max_batch)?
    };
    match asked {
        Asked::One(ask) => one(wire, visit, ask).await,
        Asked::Batch(asks) => batch(wire, visit, asks).await,
    }
}

async fn one<E: Executor>(wire: &Arc<Wire<E>>, visit: &Visit, ask: Ask) -> Result<Response, Refusal> {
    let operation = wire.admission.admit(ask)?;
    if visit.by_get && operation.kind == OperationType::Mutation {
        return Ok(answer::method_not_allowed(visit.media, "POST", "Mutations must use POST."));
    }
    let form = visit.accepts.form(operation.kind).ok_or_else(no_stream)?;
    let credentials = Credentials::judge(bearer_of(&visit.head.headers), &*wire.judge);
    let Form::Single(media) = form else {
        if wire.origins.judge(&visit.head.headers) == Origin::Foreign {
            return Err(foreign());
        }
        // A socket with an invalid token is closed as well. A single operation is executed, because it may be the one
        // that renews the token.
        if operation.kind == OperationType::Subscription && credentials.auth == Auth::Refused {
            let message = "The access token is not valid or has expired.";
            return Err(Refusal::http(StatusCode::UNAUTHORIZED, Code::Unauthenticated, message));
        }
        let full = |full| too_many(full, &visit.caller);
        let seats =
            (wire.seats.at(visit.caller.address).map_err(full)?, wire.seats.of(&credentials.auth).map_err(full)?);
        let held = (seats, OpenStream::new(form.transport()));
        let live = Live::open(wire, operation, visit.caller.clone(), &credentials, held);
        return Ok(stream::response(form, live));
    };
    let cookies = visit.cookies(wire);
    let asker = Asker { caller: visit.caller.clone(), auth: credentials.auth, cookies: cookies.clone() };
    let mut response = answer::result(media, run::once(wire, operation, asker).await);
    cookie::write(&cookies, response.headers_mut());
    Ok(response)
}

/// Executes the operations of a batch in order, so that mutations are sequential, and a batch needs the memory of one
/// operation.
async fn batch<E: Executor>(wire: &Arc<Wire<E>>, visit: &Visit, asks: Vec<Ask>) -> Result<Response, Refusal> {
    let media = visit.accepts.single().ok_or_else(no_stream)?;
    let cookies = visit.cookies(wire);
    let mut answers = Vec::with_capacity(asks.len());
    for ask in asks {
        // Checked again for each operation: the previous one may have signed out.
        let auth = Credentials::judge(bearer_of(&visit.head.headers), &*wire.judge).auth;
        let asker = Asker { caller: visit.caller.clone(), auth, cookies: cookies.clone() };
        let single = |operation: Operation| match operation.kind {
            OperationType::Subscription => Err(no_stream()),
            OperationType::Query | OperationType::Mutation => Ok(operation),
        };
        let result = match wire.admission.admit(ask).and_then(single) {
            Ok(operation) => run::once(wire, operation, asker).await,
            Err(refusal) => refusal.into_result(),
        };
        answers.push(Answer::new(result).to_json());
    }
    let mut response = answer::json(StatusCode::OK, media, format!("[{}]", answers.join(",")));
    cookie::write(&cookies, response.headers_mut());
    Ok(response)
}

impl Visit {
    /// The cookies of the request. They are ignored for foreign origins, whose pages can make a browser send them.
    fn cookies<E>(&self, wire: &Wire<E>) -> Cookies {
        match wire.origins.judge(&self.head.headers) {
            Origin::Foreign => Cookies::none(),
            Origin::Absent | Origin::Ours => cookie::read(&self.head.headers),
        }
    }
}

/// Accepts only `application/json` in UTF-8. A page of any site can make a browser post a form or plain text without a
/// preflight (a CORS simple request), but not JSON (docs/security.md TR-04).
fn require_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = |message: &str| Err(Refusal::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadRequest, message));
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return unsupported("POST requires Content-Type: application/json.");
    };
    let line = line.to_str().unwrap_or_default();
    let mut parts = line.split(';').map(str::trim);
    if !parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return unsupported("POST requires application/json; forms and uploads are not supported.");
    }
    // `utf8` is not a registered name, but common.
    let utf_8 = |value: &str| ["utf-8", "utf8"].iter().any(|name| value.eq_ignore_ascii_case(name));
    let foreign = |(name, value): (&str, &str)| {
        name.trim().eq_ignore_ascii_case("charset") && !utf_8(value.trim().trim_matches('"'))
    };
    if parts.filter_map(|part| part.split_once('=')).any(foreign) {
        return unsupported("Unsupported charset: JSON must be UTF-8.");
    }
    let coded = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if coded {
        return unsupported("Unsupported Content-Encoding: the body must not be encoded.");
    }
    Ok(())
}

fn no_stream() -> Refusal {
    let message = "Subscriptions require a WebSocket, Accept: text/event-stream, or Accept: \
                   multipart/mixed;subscriptionSpec=1.0.";
    Refusal::http(StatusCode::NOT_ACCEPTABLE, Code::BadRequest, message)
}

pub(crate) fn foreign() -> Refusal {
    let message = "Pages of this origin must not open streams; allow it with CORS_ORIGINS or PUBLIC_URL.";
    Refusal::http(StatusCode::FORBIDDEN, Code::Forbidden, message)
}

fn rebinding_refusal() -> Refusal {
    let message = "Unknown host in development mode. Use localhost, or set PUBLIC_URL to the address that browsers \
                   use.";
    Refusal::http(StatusCode::MISDIRECTED_REQUEST, Code::Forbidden, message)
}

pub(crate) fn too_many(full: Full, caller: &Caller) -> Refusal {
    tracing::info!(?full, address = %caller.address, "stream limit reached");
    let message = match full {
        Full::Address => "Too many open streams from your address (SOCKETS_PER_ADDRESS).",
        Full::Account => "Too many open streams for your account (SOCKETS_PER_ACCOUNT).",
    };
    Refusal::http(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, message)
}

impl<E> Wire<E> {
    /// The client of this request, as the middleware has identified it.
    pub(crate) fn caller(&self, head: &Parts) -> Caller {
        let known = head.extensions.get::<Caller>().cloned();
        known.unwrap_or_else(|| self.clients.recognise(head.extensions.get().copied(), &head.headers))
    }
}
