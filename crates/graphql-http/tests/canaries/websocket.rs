//! Workarounds for `GraphQLWebSocket` and `GraphQLProtocol` of async-graphql-axum.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use async_graphql::{Data, Error};
use async_graphql_axum::{GraphQLProtocol, GraphQLSubscription, GraphQLWebSocket};
use axum::{
    Router,
    extract::{FromRequestParts, ws::Message},
    http::{HeaderName, Request, header, request::Parts},
};
use futures_util::{SinkExt, StreamExt, sink, stream};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, client::IntoClientRequest, http::HeaderValue, protocol::Role},
};

use super::{
    needed,
    schema::{Effects, toy},
};

/// A test that waits longer has failed.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The library's only timeout. It runs in real time.
const KEEPALIVE: Duration = Duration::from_millis(20);

fn head(lines: &[(HeaderName, &str)]) -> Parts {
    let mut request = Request::builder();
    for (name, value) in lines {
        request = request.header(name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

async fn protocol(lines: &[&str]) -> Option<GraphQLProtocol> {
    let lines: Vec<_> = lines.iter().map(|line| (header::SEC_WEBSOCKET_PROTOCOL, *line)).collect();
    GraphQLProtocol::from_request_parts(&mut head(&lines), &()).await.ok()
}

/// The client's side of a socket that the library serves.
struct Socket {
    client: mpsc::UnboundedSender<Message>,
    server: mpsc::UnboundedReceiver<Message>,
    effects: Effects,
}

impl Socket {
    async fn open(name: &str) -> Self {
        Self::with(name, None, |_| Ok(Data::default())).await
    }

    async fn with(name: &str, keepalive: Option<Duration>, init: fn(Value) -> async_graphql::Result<Data>) -> Self {
        let (schema, effects) = toy();
        let (client, received) = mpsc::unbounded_channel::<Message>();
        let (sent, server) = mpsc::unbounded_channel();
        let reader = Box::pin(stream::unfold(received, async |mut received| {
            received.recv().await.map(|message| (Ok(message), received))
        }));
        let writer = Box::pin(sink::unfold(sent, async |sent: mpsc::UnboundedSender<Message>, message| {
            sent.send(message).map(|()| sent).map_err(axum::Error::new)
        }));
        let socket = GraphQLWebSocket::new_with_pair(writer, reader, schema, protocol(&[name]).await.unwrap())
            .keepalive_timeout(keepalive)
            .on_connection_init(async move |payload| init(payload));
        tokio::spawn(socket.serve());
        Self { client, server, effects }
    }

    /// A socket after `connection_ack`.
    async fn acknowledged() -> Self {
        let mut socket = Self::open("graphql-transport-ws").await;
        socket.send(&json!({"type": "connection_init"}));
        assert_eq!(socket.receive().await["type"], "connection_ack");
        socket
    }

    fn send(&self, message: &Value) {
        self.client.send(Message::Text(message.to_string().into())).unwrap();
    }

    fn subscribe(&self, id: &str, query: &str) {
        self.send(&json!({"id": id, "type": "subscribe", "payload": {"query": query}}));
    }

    /// The next message. None if the socket is closed without one.
    async fn next(&mut self) -> Option<Message> {
        tokio::time::timeout(TIMEOUT, self.server.recv()).await.unwrap()
    }

    /// Whether nothing is sent before the answer to a ping.
    async fn is_silent(&mut self) -> bool {
        self.send(&json!({"type": "ping"}));
        self.receive().await["type"] == "pong"
    }

    async fn receive(&mut self) -> Value {
        serde_json::from_str(self.next().await.unwrap().to_text().unwrap()).unwrap()
    }

    /// The code of the close frame, if the socket is closed with one.
    async fn close_code(&mut self) -> Option<u16> {
        match self.next().await? {
            Message::Close(frame) => Some(frame.unwrap().code),
            other => panic!("expected a close frame, not {other:?}"),
        }
    }
}

#[tokio::test]
async fn timeout_for_connection_init_has_another_close_code() {
    let mut socket = Socket::with("graphql-transport-ws", Some(KEEPALIVE), |_| Ok(Data::default())).await;
    needed(socket.close_code().await != Some(4408), "ws/session.rs has a timeout for connection_init");
}

#[tokio::test]
async fn invalid_message_has_another_close_code() {
    for text in ["nope", "{}", r#"{"type":"what"}"#] {
        let mut socket = Socket::acknowledged().await;
        socket.client.send(Message::Text(text.into())).unwrap();
        needed(socket.close_code().await != Some(4400), "ws/protocol.rs reads messages, and closes with 4400");
    }
}

#[tokio::test]
async fn subscription_before_acknowledgement_has_another_close_code() {
    let mut socket = Socket::open("graphql-transport-ws").await;
    socket.subscribe("1", "subscription { silence }");
    needed(socket.close_code().await != Some(4401), "ws/session.rs closes with 4401");
}

#[tokio::test]
async fn refused_client_has_another_close_code() {
    let mut socket = Socket::with("graphql-transport-ws", None, |_| Err(Error::new("no"))).await;
    socket.send(&json!({"type": "connection_init"}));
    needed(socket.close_code().await != Some(4403), "ws/session.rs closes with 4403");
}

#[tokio::test]
async fn second_operation_with_an_id_replaces_the_first() {
    let mut socket = Socket::acknowledged().await;
    socket.subscribe("1", "subscription { silence }");
    socket.subscribe("1", "subscription { silence }");
    needed(socket.is_silent().await, "ws/session.rs closes with 4409");
}

#[tokio::test]
async fn binary_message_is_read() {
    let mut socket = Socket::open("graphql-transport-ws").await;
    socket.client.send(Message::Binary(r#"{"type":"connection_init"}"#.into())).unwrap();
    needed(matches!(socket.next().await, Some(Message::Text(_))), "ws/session.rs refuses binary messages");
}

#[tokio::test]
async fn complete_is_echoed() {
    let mut socket = Socket::acknowledged().await;
    socket.subscribe("1", "subscription { silence }");
    socket.send(&json!({"id": "1", "type": "complete"}));
    let echo = socket.next().await;
    needed(echo.is_some(), "ws/session.rs does not answer `complete`: the client may have reused the id");
}

#[tokio::test]
async fn refused_document_is_a_result() {
    let mut socket = Socket::acknowledged().await;
    socket.subscribe("1", "{ unknown }");
    needed(socket.receive().await["type"] == "next", "ws/protocol.rs sends `error`");
}

#[tokio::test]
async fn keepalive_closes_sockets_of_silent_clients() {
    let mut socket = Socket::with("graphql-transport-ws", Some(KEEPALIVE), |_| Ok(Data::default())).await;
    socket.send(&json!({"type": "connection_init"}));
    assert_eq!(socket.receive().await["type"], "connection_ack");
    // Clients answer pings of the server, but most send none, and the library does not send any.
    needed(socket.close_code().await == Some(3008), "ws/session.rs pings clients before it closes");
}

#[tokio::test]
async fn operations_of_a_socket_are_not_limited() {
    let mut socket = Socket::acknowledged().await;
    for id in 0..1_000 {
        socket.subscribe(&id.to_string(), "subscription { silence }");
    }
    needed(socket.is_silent().await, "ws/session.rs limits the operations of a socket");
    while socket.effects.load(SeqCst) < 1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn protocol_is_found_in_the_first_line_only() {
    let read = protocol(&["mqtt", "graphql-transport-ws"]).await;
    needed(read.is_none(), "ws/handshake.rs reads all lines of Sec-WebSocket-Protocol");
}

#[tokio::test]
async fn protocol_ignores_case() {
    let read = protocol(&["GRAPHQL-TRANSPORT-WS"]).await;
    needed(read.is_some(), "ws/protocol.rs compares the names of protocols exactly");
}

#[tokio::test]
async fn handshake_does_not_check_the_origin_and_confuses_protocols() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route_service("/", GraphQLSubscription::new(toy().0));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut request = format!("ws://{address}/").into_client_request().unwrap();
    let offered = HeaderValue::from_static("graphql-ws, graphql-transport-ws");
    request.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
    request.headers_mut().insert(header::ORIGIN, HeaderValue::from_static("https://evil.example"));
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut socket, response) = client_async(request, stream).await.unwrap();
    needed(response.status() == 101, "ws/handshake.rs asks the service to check the origin");
    let named = response.headers()[header::SEC_WEBSOCKET_PROTOCOL].clone();
    for text in [
        r#"{"type":"connection_init"}"#,
        r#"{"id":"1","type":"start","payload":{"query":"subscription { count(to: 1) }"}}"#,
    ] {
        socket.send(tungstenite::Message::text(text)).await.unwrap();
    }
    let mut kinds = Vec::new();
    while kinds.len() < 2 {
        let message = socket.next().await.unwrap().unwrap();
        let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        kinds.push(message["type"].clone());
    }
    let wrong = named == "graphql-transport-ws" && kinds == ["connection_ack", "data"];
    needed(wrong, &format!("ws/handshake.rs responds with the protocol that it speaks ({named:?}, {kinds:?})"));
}

#[tokio::test]
async fn frames_of_a_message_are_not_counted() {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let mut socket = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
    // The start of a message, continuations without an end, and a ping; all empty, with the mask zero.
    let frame = |kind: u8| [kind, 0x80, 0, 0, 0, 0];
    let continuations = std::iter::repeat_n(frame(0x00), 5_000);
    let frames: Vec<u8> = [frame(0x01)].into_iter().chain(continuations).chain([frame(0x89)]).flatten().collect();
    client.write_all(&frames).await.unwrap();
    let read = socket.next().await.unwrap();
    needed(matches!(read, Ok(tungstenite::Message::Ping(_))), "ws/frames.rs counts the frames of a socket");
}
