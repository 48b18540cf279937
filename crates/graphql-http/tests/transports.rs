//! The toy of `examples/toy.rs` on each transport, over real sockets.
#![expect(
    clippy::unwrap_used,
    reason = "helpers outside of test functions may panic; the lint exempts only the tests themselves"
)]

#[expect(dead_code, reason = "the example's main function is not used here")]
#[path = "../examples/toy.rs"]
mod toy;

use std::net::SocketAddr;

use countersign_graphql_http::Shutdown;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};
use tokio_util::sync::CancellationToken;

struct Server {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Server {
    async fn start() -> Self {
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = toy::router(Shutdown::new(stop.clone())).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, stop }
    }

    /// Sends a request and reads the response until the server closes the connection. Chunks are not decoded.
    async fn send(&self, line: &str, headers: &[(&str, &str)], body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut request = format!("{line} HTTP/1.1\r\nhost: toy\r\nconnection: close\r\n");
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        response
    }

    async fn post(&self, query: &str, headers: &[(&str, &str)]) -> String {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send("POST /graphql", &headers, &json!({ "query": query }).to_string()).await
    }

    async fn socket(&self, protocol: &'static str) -> Socket {
        let mut request = format!("ws://{}/graphql", self.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(protocol));
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (socket, response) = client_async(request, stream).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], protocol);
        Socket(socket)
    }
}

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn next(&mut self) -> Message {
        self.0.next().await.unwrap().unwrap()
    }

    async fn receive(&mut self) -> Value {
        serde_json::from_str(self.next().await.to_text().unwrap()).unwrap()
    }

    /// The code that the server closes the socket with.
    async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.next().await {
                return frame.unwrap().code.into();
            }
        }
    }
}

fn is_status(response: &str, status: u16) -> bool {
    response.starts_with(&format!("HTTP/1.1 {status} "))
}

#[tokio::test]
async fn post_and_get() {
    let server = Server::start().await;
    let response = server.post("{ hello signedIn }", &[("accept", "application/graphql-response+json")]).await;
    assert!(is_status(&response, 200), "{response}");
    assert!(response.contains("content-type: application/graphql-response+json; charset=utf-8\r\n"), "{response}");
    assert!(response.ends_with(r#"{"data":{"hello":"world","signedIn":false}}"#), "{response}");

    let response = server.post("{ signedIn }", &[("authorization", "Bearer secret")]).await;
    assert!(response.contains("content-type: application/json; charset=utf-8\r\n"), "{response}");
    assert!(response.ends_with(r#"{"data":{"signedIn":true}}"#), "{response}");

    let response = server.send("GET /graphql?query=%7Bhello%7D", &[], "").await;
    assert!(response.ends_with(r#"{"data":{"hello":"world"}}"#), "{response}");
    let response = server.send("GET /graphql?query=mutation%7Bbump%7D", &[], "").await;
    assert!(is_status(&response, 405) && response.contains("allow: POST\r\n"), "{response}");
}

#[tokio::test]
async fn mutations_of_forms_are_refused() {
    let server = Server::start().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let body = r#"{"query":"mutation { bump }"}"#;
        let response = server.send("POST /graphql", &[("content-type", kind)], body).await;
        assert!(is_status(&response, 415), "{kind}: {response}");
    }
    let response = server.post("mutation { bump }", &[]).await;
    assert!(response.ends_with(r#"{"data":{"bump":1}}"#), "{response}");
}

#[tokio::test]
async fn server_sent_events() {
    let server = Server::start().await;
    let response = server.post("subscription { count(to: 2) }", &[("accept", "text/event-stream")]).await;
    assert!(is_status(&response, 200) && response.contains("content-type: text/event-stream"), "{response}");
    for event in [
        "event: next\ndata: {\"data\":{\"count\":1}}\n\n",
        "event: next\ndata: {\"data\":{\"count\":2}}\n\n",
        "event: complete\n",
    ] {
        assert!(response.contains(event), "{response}");
    }
}

#[tokio::test]
async fn multipart() {
    let server = Server::start().await;
    let accept = [("accept", "multipart/mixed;subscriptionSpec=1.0, application/json")];
    let response = server.post("subscription { count(to: 2) }", &accept).await;
    assert!(response.contains("content-type: multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0"), "{response}");
    for part in [r#"{"payload":{"data":{"count":1}}}"#, r#"{"payload":{"data":{"count":2}}}"#, "--graphql", "--\r\n"] {
        assert!(response.contains(part), "{response}");
    }
    let response = server.post("{ hello }", &accept).await;
    assert!(response.ends_with(r#"{"data":{"hello":"world"}}"#), "{response}");
}

#[tokio::test]
async fn graphql_transport_ws() {
    let server = Server::start().await;
    let mut socket = server.socket("graphql-transport-ws").await;
    socket.send(json!({"type": "connection_init", "payload": {"authorization": "Bearer secret"}})).await;
    assert_eq!(socket.receive().await, json!({"type": "connection_ack"}));
    let query = "subscription { count(to: 2) }";
    socket.send(json!({"id": "a", "type": "subscribe", "payload": {"query": query}})).await;
    for number in [1, 2] {
        let next = json!({"id": "a", "type": "next", "payload": {"data": {"count": number}}});
        assert_eq!(socket.receive().await, next);
    }
    assert_eq!(socket.receive().await, json!({"id": "a", "type": "complete"}));
    socket.send(json!({"id": "a", "type": "subscribe", "payload": {"query": "{ signedIn }"}})).await;
    assert_eq!(socket.receive().await["payload"], json!({"data": {"signedIn": true}}));
    assert_eq!(socket.receive().await["type"], "complete");
    socket.send(json!({"id": "b", "type": "subscribe", "payload": {"query": "{ unknown }"}})).await;
    assert_eq!(socket.receive().await["type"], "error");
    socket.send(json!({"type": "what"})).await;
    assert_eq!(socket.close_code().await, 4400);
}

#[tokio::test]
async fn graphql_ws() {
    let server = Server::start().await;
    let mut socket = server.socket("graphql-ws").await;
    socket.send(json!({"type": "connection_init"})).await;
    assert_eq!(socket.receive().await, json!({"type": "connection_ack"}));
    assert_eq!(socket.receive().await, json!({"type": "ka"}));
    socket.send(json!({"id": "1", "type": "start", "payload": {"query": "subscription { count(to: 1) }"}})).await;
    assert_eq!(socket.receive().await, json!({"id": "1", "type": "data", "payload": {"data": {"count": 1}}}));
    assert_eq!(socket.receive().await, json!({"id": "1", "type": "complete"}));
}

#[tokio::test]
async fn invalid_token_opens_neither_socket_nor_stream() {
    let server = Server::start().await;
    let headers = [("accept", "text/event-stream"), ("authorization", "Bearer wrong")];
    let response = server.post("subscription { count(to: 1) }", &headers).await;
    assert!(is_status(&response, 401), "{response}");
    let mut socket = server.socket("graphql-transport-ws").await;
    socket.send(json!({"type": "connection_init", "payload": {"token": "wrong"}})).await;
    assert_eq!(socket.close_code().await, 4403);
    // A query is executed, because it may be the one that renews the token.
    let response = server.post("{ signedIn }", &headers[1..]).await;
    assert!(response.ends_with(r#"{"data":{"signedIn":false}}"#), "{response}");
}

#[tokio::test]
async fn page_of_another_origin_opens_no_stream() {
    let server = Server::start().await;
    let headers = [("accept", "text/event-stream"), ("origin", "https://evil.example")];
    let response = server.post("subscription { count(to: 1) }", &headers).await;
    assert!(is_status(&response, 403), "{response}");
    let response = server.post("subscription { count(to: 1) }", &[headers[0], ("origin", "http://toy")]).await;
    assert!(is_status(&response, 200), "{response}");
}

#[tokio::test]
async fn sockets_are_closed_when_the_server_stops() {
    let server = Server::start().await;
    let mut socket = server.socket("graphql-transport-ws").await;
    socket.send(json!({"type": "connection_init"})).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    server.stop.cancel();
    assert_eq!(socket.close_code().await, 1001);
}
