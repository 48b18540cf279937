//! The handshake (RFC 6455, section 4.2): who may open a socket, and in which dialect it speaks.

use std::sync::Arc;

use async_graphql::Executor;
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

use crate::http::{
    answer,
    auth::bearer_of,
    graphql::{
        foreign,
        negotiate::Media,
        refusal::{Code, Refusal},
        too_many,
    },
    origins::Origin,
    wire::Wire,
    ws::{frames::Counted, protocol::Dialect, session::Session},
};

/// The default of the library, 128 KiB, is allocated for every socket, and idle ones are what we have thousands of. What
/// clients say is short; a message that is longer makes its own room.
const READ_BUFFER: usize = 1024;

/// Whether a request asks for a WebSocket, well or badly. A proxy that was not set to pass `Upgrade` and `Connection` on
/// drops them, and the key is left: browsers let no page set it.
pub fn is_handshake(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::GET && (upgrades(headers) || headers.contains_key(header::SEC_WEBSOCKET_KEY))
}

fn upgrades(headers: &HeaderMap) -> bool {
    has_word(headers, &header::UPGRADE, "websocket")
}

/// Whether a header that is a list has this member.
fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|member| member.trim().eq_ignore_ascii_case(word))
}

/// Answers a handshake; the socket then lives in a task of its own, which the stop waits for.
pub fn handshake<E: Executor>(wire: &Arc<Wire<E>>, mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let opening = match Opening::read(&head.headers) {
        Ok(opening) => opening,
        Err(refusal) => return refused(refusal),
    };
    if wire.origins.judge(&head.headers) == Origin::Foreign {
        return answer::refusal(Media::Json, foreign());
    }
    if wire.stop.is_asked() {
        return answer::refusal(Media::Json, Refusal::unavailable("This server is stopping; ask again."));
    }
    let caller = wire.caller(&head);
    let seat = match wire.seats.at(caller.address) {
        Ok(seat) => seat,
        Err(full) => return answer::refusal(Media::Json, too_many(full, &caller)),
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(wire.settings.max_body))
        .max_frame_size(Some(wire.settings.max_body));
    let (shared, dialect, bearer) = (wire.clone(), opening.dialect, bearer_of(&head.headers));
    wire.stop.spawn(async move {
        // Fails only where the client went away in between.
        let Ok(upgraded) = upgrade.await else { return };
        let socket = WebSocketStream::from_raw_socket(Counted::new(TokioIo::new(upgraded)), Role::Server, Some(config));
        let socket = socket.await;
        Box::new(Session::new(shared, socket, dialect, caller, bearer, seat)).run().await;
    });
    switching(&opening)
}

/// What a well-formed handshake asks for.
struct Opening {
    dialect: Dialect,
    accept: String,
}

impl Opening {
    fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let missing = match (upgrades(headers), has_word(headers, &header::CONNECTION, "upgrade")) {
            (true, true) => None,
            (true, false) => Some("Connection: Upgrade"),
            (false, true) => Some("Upgrade: websocket"),
            (false, false) => Some("Upgrade: websocket and Connection: Upgrade"),
        };
        if let Some(missing) = missing {
            let message = format!("A WebSocket handshake says {missing}. Where the client does, a proxy drops it.");
            return Err(Refusal::malformed(message));
        }
        if text(header::SEC_WEBSOCKET_VERSION) != Some("13") {
            let message = "Version 13 of the WebSocket protocol is spoken here.";
            return Err(Refusal::http(StatusCode::UPGRADE_REQUIRED, Code::BadRequest, message));
        }
        // Sixteen bytes in base 64.
        let Some(key) = text(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24 && key.ends_with("==")) else {
            return Err(Refusal::malformed("The WebSocket handshake has no valid Sec-WebSocket-Key."));
        };
        let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|line| line.to_str().ok());
        let mut offered = lines.flat_map(|line| line.split(','));
        // The client lists them in its order of preference.
        let Some(dialect) = offered.find_map(|name| Dialect::named(name.trim())) else {
            let message =
                "Sec-WebSocket-Protocol names no protocol that is spoken here: graphql-transport-ws, graphql-ws.";
            return Err(Refusal::malformed(message));
        };
        Ok(Self { dialect, accept: derive_accept_key(key.as_bytes()) })
    }
}

fn switching(opening: &Opening) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(opening.dialect.name()));
    if let Ok(accept) = HeaderValue::from_str(&opening.accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn refused(refusal: Refusal) -> Response {
    let outdated = refusal.status == Some(StatusCode::UPGRADE_REQUIRED);
    let mut response = answer::refusal(Media::Json, refusal);
    if outdated {
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}
