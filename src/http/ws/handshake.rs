//! The WebSocket handshake (RFC 6455, section 4.2): who may open a socket, and with which subprotocol.

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

/// The library's default of 128 KiB would be allocated for every socket, and there are thousands of idle ones. Client
/// messages are short; the buffer grows for longer ones.
const READ_BUFFER: usize = 1024;

/// Whether a request asks for a WebSocket, even if incorrectly. A proxy that does not forward `Upgrade` and
/// `Connection` removes them, but keeps the key; pages can't set that header themselves.
pub fn is_handshake(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::GET && (upgrades(headers) || headers.contains_key(header::SEC_WEBSOCKET_KEY))
}

fn upgrades(headers: &HeaderMap) -> bool {
    has_member(headers, &header::UPGRADE, "websocket")
}

/// Whether a list header has this member.
fn has_member(headers: &HeaderMap, name: &HeaderName, member_name: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|member| member.trim().eq_ignore_ascii_case(member_name))
}

/// Responds to a handshake. The socket then runs in its own task, which the shutdown waits for.
pub fn handshake<E: Executor>(wire: &Arc<Wire<E>>, mut request: Request) -> Response {
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let opening = match Opening::read(&head.headers) {
        Ok(opening) => opening,
        Err(refusal) => return refusal_response(refusal),
    };
    if wire.origins.judge(&head.headers) == Origin::Foreign {
        return answer::refusal(Media::Json, foreign());
    }
    if wire.stop.is_asked() {
        return answer::refusal(Media::Json, Refusal::unavailable("The server is stopping; please retry."));
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
        // Fails only if the client has disconnected in the meantime.
        let Ok(upgraded) = upgrade.await else { return };
        let socket = WebSocketStream::from_raw_socket(Counted::new(TokioIo::new(upgraded)), Role::Server, Some(config));
        let socket = socket.await;
        Box::new(Session::new(shared, socket, dialect, caller, bearer, seat)).run().await;
    });
    switching(&opening)
}

/// The parameters of a valid handshake.
struct Opening {
    dialect: Dialect,
    accept: String,
}

impl Opening {
    fn read(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let missing = match (upgrades(headers), has_member(headers, &header::CONNECTION, "upgrade")) {
            (true, true) => None,
            (true, false) => Some("Connection: Upgrade"),
            (false, true) => Some("Upgrade: websocket"),
            (false, false) => Some("Upgrade: websocket and Connection: Upgrade"),
        };
        if let Some(missing) = missing {
            let message = format!("The WebSocket handshake lacks {missing}; a proxy may have removed it.");
            return Err(Refusal::malformed(message));
        }
        if text(header::SEC_WEBSOCKET_VERSION) != Some("13") {
            let message = "Unsupported Sec-WebSocket-Version; expected 13.";
            return Err(Refusal::http(StatusCode::UPGRADE_REQUIRED, Code::BadRequest, message));
        }
        // Sixteen bytes in Base64.
        let Some(key) = text(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24 && key.ends_with("==")) else {
            return Err(Refusal::malformed("The WebSocket handshake has no valid Sec-WebSocket-Key."));
        };
        let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|line| line.to_str().ok());
        let mut offered = lines.flat_map(|line| line.split(','));
        // The client lists them in its order of preference.
        let Some(dialect) = offered.find_map(|name| Dialect::named(name.trim())) else {
            let message = "Unsupported Sec-WebSocket-Protocol; expected graphql-transport-ws or graphql-ws.";
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

fn refusal_response(refusal: Refusal) -> Response {
    let unsupported_version = refusal.status == Some(StatusCode::UPGRADE_REQUIRED);
    let mut response = answer::refusal(Media::Json, refusal);
    if unsupported_version {
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}
