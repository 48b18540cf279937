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

use crate::{
    bearer::BearerToken,
    endpoint::EndpointState,
    http_response,
    negotiate::Media,
    refusal::{Code, Refusal},
    service::Service,
    ws::{frames::FrameCounter, protocol::Subprotocol, session::Session},
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
pub fn handshake<E: Executor, S: Service>(endpoint: &Arc<EndpointState<E, S>>, request: Request) -> Response {
    open(endpoint, request).unwrap_or_else(refusal_response)
}

fn open<E: Executor, S: Service>(
    endpoint: &Arc<EndpointState<E, S>>,
    mut request: Request,
) -> Result<Response, Refusal> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let opening = Handshake::read(&head.headers)?;
    let (settings, service) = (&endpoint.settings, &endpoint.service);
    service.check_origin(&head.headers)?;
    if endpoint.shutdown.is_requested() {
        return Err(Refusal::unavailable("The server is stopping; please retry."));
    }
    let client = service.client(&head);
    let permit = service.acquire_for_client(&client)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(settings.max_body.max))
        .max_frame_size(Some(settings.max_body.max));
    let (shared, subprotocol, token) = (endpoint.clone(), opening.subprotocol, BearerToken::in_headers(&head.headers));
    endpoint.shutdown.spawn(async move {
        // Fails only if the client has disconnected in the meantime.
        let Ok(upgraded) = upgrade.await else { return };
        let socket =
            WebSocketStream::from_raw_socket(FrameCounter::new(TokioIo::new(upgraded)), Role::Server, Some(config));
        let socket = socket.await;
        Box::new(Session::new(shared, socket, subprotocol, client, token, permit)).run().await;
    });
    Ok(switching_protocols(&opening))
}

/// The parameters of a valid handshake.
struct Handshake {
    subprotocol: Subprotocol,
    accept: String,
}

impl Handshake {
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
        let offered = lines.flat_map(|line| line.split(',')).map(str::trim);
        let Some(subprotocol) = Subprotocol::negotiate(offered) else {
            let message = "Unsupported Sec-WebSocket-Protocol; expected graphql-transport-ws or graphql-ws.";
            return Err(Refusal::malformed(message));
        };
        Ok(Self { subprotocol, accept: derive_accept_key(key.as_bytes()) })
    }
}

fn switching_protocols(opening: &Handshake) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(opening.subprotocol.name()));
    if let Ok(accept) = HeaderValue::from_str(&opening.accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn refusal_response(refusal: Refusal) -> Response {
    let unsupported_version = refusal.status == Some(StatusCode::UPGRADE_REQUIRED);
    let mut response = http_response::refusal(Media::Json, refusal);
    if unsupported_version {
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}
