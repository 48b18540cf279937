//! Limits of WebSockets and streams.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::tungstenite::Message;

use super::{
    client::{TEST_TIMEOUT, read_until},
    server::TestServer,
    socket::Socket,
};

#[tokio::test]
async fn sb_07_message_over_the_limit_closes_the_socket() {
    let server = TestServer::with(&[]).await;
    for size in [65_537, 4_000_000] {
        let mut socket = server.ready(json!(null)).await;
        // The server stops reading in the middle of the message.
        let _ = socket.0.send(Message::text("x".repeat(size))).await;
        assert_eq!(socket.closed().await, 1009, "{size}");
    }
    let mut socket = server.ready(json!(null)).await;
    let padding = " ".repeat(60_000);
    socket.send_json(json!({"id": "1", "type": "subscribe", "payload": {"query": "{hello}", "more": padding}})).await;
    assert_eq!(socket.receive().await["type"], "next");
}

#[tokio::test]
async fn sb_08_operations_per_socket_are_limited() {
    let server = TestServer::with(&[("OPERATIONS_PER_SOCKET", "3")]).await;
    let mut socket = server.ready(json!(null)).await;
    for id in ["1", "2", "3", "4"] {
        socket.subscribe(id, "subscription {silence}").await;
    }
    let message = socket.receive().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("4"), &json!("error")));
    assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    socket.send_json(json!({"id": "1", "type": "complete"})).await;
    socket.subscribe("5", "{hello}").await;
    assert_eq!(socket.receive().await["id"], "5");
}

#[tokio::test]
async fn sb_08_sockets_per_address_are_limited_and_released() {
    let server = TestServer::with(&[("SOCKETS_PER_ADDRESS", "2")]).await;
    let (first, _second) = (server.socket().await, server.socket().await);
    assert_eq!(server.handshake("graphql-transport-ws", &[]).await.err(), Some(429));
    let stream = [("content-type", "application/json"), ("accept", "text/event-stream")];
    let body = json!({"query": "subscription {silence}"}).to_string();
    assert_eq!(server.send(reqwest::Method::POST, "/graphql", &stream, body).await.status, 429);
    drop(first);
    let again = async {
        while server.handshake("graphql-transport-ws", &[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(TEST_TIMEOUT, again).await.unwrap();
}

/// Opens a socket with this subprotocol and token: the socket, or the code it is closed with.
async fn open_socket(server: &TestServer, protocol: &str, token: &str) -> Result<Socket, u16> {
    let mut socket = server.handshake(protocol, &[]).await.unwrap();
    socket.send_json(json!({"type": "connection_init", "payload": {"token": token}})).await;
    match socket.next().await {
        Ok(message) => {
            assert_eq!(message, json!({"type": "connection_ack"}));
            Ok(socket)
        }
        Err((code, _)) => Err(code),
    }
}

/// The same, retried until the limit admits another socket.
async fn open_socket_eventually(server: &TestServer, protocol: &str, token: &str) -> Socket {
    let coming = async {
        loop {
            match open_socket(server, protocol, token).await {
                Ok(socket) => return socket,
                Err(code) => assert_eq!(code, 1013),
            }
        }
    };
    tokio::time::timeout(TEST_TIMEOUT, coming).await.unwrap()
}

/// Opens a stream without events and reads the response head.
async fn stream(server: &TestServer, accept: &str, token: &str) -> (TcpStream, String) {
    let body = json!({"query": "subscription {silence}"}).to_string();
    let mut stream = server.connect().await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\naccept: {accept}\r\n\
         authorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let response = read_until(&mut stream, "\r\n\r\n").await;
    (stream, response)
}

const SSE: &str = "text/event-stream";
const MULTIPART: &str = "multipart/mixed; subscriptionSpec=1.0";

#[tokio::test]
async fn sb_08_sockets_per_account_are_limited_and_released() {
    let server = TestServer::with(&[("SOCKETS_PER_ACCOUNT", "2")]).await;
    let first = open_socket(&server, "graphql-transport-ws", "good").await.unwrap();
    let mut second = open_socket(&server, "graphql-ws", "good").await.unwrap();
    for protocol in ["graphql-transport-ws", "graphql-ws"] {
        assert_eq!(open_socket(&server, protocol, "good").await.err(), Some(1013), "{protocol}");
    }
    for accept in [SSE, MULTIPART] {
        let stream = [("content-type", "application/json"), ("accept", accept), ("authorization", "Bearer good")];
        let body = json!({"query": "subscription {silence}"}).to_string();
        let reply = server.send(reqwest::Method::POST, "/graphql", &stream, body).await;
        assert_eq!((reply.status, reply.code().as_str()), (429, "RATE_LIMITED"), "{accept}");
        assert!(reply.text.contains("SOCKETS_PER_ACCOUNT"), "{}", reply.text);
    }
    // Other accounts and plain requests are not affected.
    let _others = [
        open_socket(&server, "graphql-transport-ws", "other").await.unwrap(),
        server.ready(json!(null)).await,
        server.ready(json!(null)).await,
        server.ready(json!(null)).await,
    ];
    let token = [("content-type", "application/json"), ("authorization", "Bearer good")];
    let body = json!({"query": "{who}"}).to_string();
    assert_eq!(server.send(reqwest::Method::POST, "/graphql", &token, body).await.json()["data"]["who"], "signed in");
    // Closed without and with a close frame.
    drop(first);
    let third = open_socket_eventually(&server, "graphql-transport-ws", "good").await;
    second.send_json(json!({"type": "connection_terminate"})).await;
    assert_eq!(second.closed().await, 1000);
    let fourth = open_socket_eventually(&server, "graphql-ws", "good").await;
    assert_eq!(open_socket(&server, "graphql-ws", "good").await.err(), Some(1013));
    drop((third, fourth));
}

#[tokio::test]
async fn sb_08_streams_per_account_are_limited_and_released() {
    for accept in [SSE, MULTIPART] {
        let server = TestServer::with(&[("SOCKETS_PER_ACCOUNT", "1")]).await;
        let (held, response) = stream(&server, accept, "good").await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        assert_eq!(open_socket(&server, "graphql-transport-ws", "good").await.err(), Some(1013));
        let (_other, response) = stream(&server, accept, "other").await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        // A stream with a rejected token is not opened.
        let (_nobody, response) = stream(&server, accept, "bad").await;
        assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
        drop(held);
        let socket = open_socket_eventually(&server, "graphql-transport-ws", "good").await;
        let (_refused, response) = stream(&server, accept, "good").await;
        assert!(response.starts_with("HTTP/1.1 429 "), "{response}");
        drop(socket);
    }
}

#[tokio::test]
async fn sb_08_stream_ended_by_the_server_releases_its_slot() {
    let server = TestServer::with(&[("SOCKETS_PER_ACCOUNT", "1")]).await;
    // By completing,
    let headers = [("content-type", "application/json"), ("accept", SSE), ("authorization", "Bearer other")];
    for _ in 0..3 {
        let body = json!({"query": "subscription {count(to: 1)}"}).to_string();
        assert_eq!(server.send(reqwest::Method::POST, "/graphql", &headers, body).await.status, 200);
    }
    // by a client error,
    let mut socket = open_socket_eventually(&server, "graphql-transport-ws", "other").await;
    socket.send_json(json!({"type": "connection_init"})).await;
    assert_eq!(socket.closed().await, 4429);
    drop(socket);
    let mut socket = open_socket_eventually(&server, "graphql-transport-ws", "other").await;
    // and by the shutdown.
    server.request_stop();
    assert_eq!(socket.closed().await, 1001);
}

#[tokio::test]
async fn sb_08_message_flood_closes_the_socket() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!(null)).await;
    for _ in 0..1_000 {
        if socket.0.send(Message::text(r#"{"type":"pong"}"#)).await.is_err() {
            break;
        }
    }
    assert_eq!(socket.closed().await, 1008);
}

#[tokio::test]
async fn sb_10_socket_without_pongs_is_dropped() {
    let server = TestServer::with_config(&[], |http| http.timeouts.heartbeat = Duration::from_millis(200)).await;
    let mut dead = server.ready(json!(null)).await;
    dead.subscribe("1", "subscription {silence}").await;
    server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
    let mut healthy = server.ready(json!(null)).await;
    healthy.subscribe("1", "subscription {count(to: 1, ms: 1500)}").await;
    // Reading the socket answers pings; the dead socket is not read from.
    assert_eq!(healthy.receive().await["type"], "next");
    server
        .eventually("the operation of the dead socket is dropped", |server| server.traces.running.load(SeqCst) == 0)
        .await;
    healthy.subscribe("2", "{hello}").await;
    assert_eq!(healthy.receive().await["type"], "complete");
    assert_eq!(healthy.receive().await["id"], "2");
}

#[tokio::test]
async fn sb_13_slow_subscriber_gets_backpressure_and_is_disconnected() {
    let server = TestServer::with_config(&[], |http| http.timeouts.write_timeout = Duration::from_millis(200)).await;
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "subscription {flood(bytes: 50000)}").await;
    server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
    server.eventually("the subscriber is disconnected", |server| server.traces.running.load(SeqCst) == 0).await;
    assert_eq!(server.query("{hello}").await.status, 200);
    // What was already written can still be read; then the connection ends without a close frame.
    let mut events = 0;
    while let Some(Ok(_)) = socket.0.next().await {
        events += 1;
    }
    assert!((1..500).contains(&events), "{events}");
}

#[tokio::test]
async fn busy_operation_does_not_block_client_messages() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "subscription {flood(bytes: 10)}").await;
    assert_eq!(socket.receive().await["type"], "next");
    socket.send_json(json!({"id": "1", "type": "complete"})).await;
    socket.subscribe("2", "{hello}").await;
    while socket.receive().await["id"] != "2" {}
    server.eventually("the flood has ended", |server| server.traces.running.load(SeqCst) == 0).await;
}
