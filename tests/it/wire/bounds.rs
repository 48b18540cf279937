//! What a socket may cost.

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
async fn sb_07_a_message_over_the_limit_closes_the_socket() {
    let server = TestServer::with(&[]).await;
    for size in [65_537, 4_000_000] {
        let mut socket = server.ready(json!(null)).await;
        // The server stops reading in the middle of it.
        let _ = socket.0.send(Message::text("x".repeat(size))).await;
        assert_eq!(socket.closed().await, 1009, "{size}");
    }
    let mut socket = server.ready(json!(null)).await;
    let padding = " ".repeat(60_000);
    socket.say(json!({"id": "1", "type": "subscribe", "payload": {"query": "{hello}", "more": padding}})).await;
    assert_eq!(socket.hear().await["type"], "next");
}

#[tokio::test]
async fn sb_08_operations_on_a_socket_are_bounded() {
    let server = TestServer::with(&[("OPERATIONS_PER_SOCKET", "3")]).await;
    let mut socket = server.ready(json!(null)).await;
    for id in ["1", "2", "3", "4"] {
        socket.subscribe(id, "subscription {silence}").await;
    }
    let message = socket.hear().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("4"), &json!("error")));
    assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    socket.say(json!({"id": "1", "type": "complete"})).await;
    socket.subscribe("5", "{hello}").await;
    assert_eq!(socket.hear().await["id"], "5");
}

#[tokio::test]
async fn sb_08_sockets_of_an_address_are_bounded_and_given_back() {
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

/// What a handshake in this dialect and an init with this token come to: a socket, or the code it is closed with.
async fn enter(server: &TestServer, dialect: &str, token: &str) -> Result<Socket, u16> {
    let mut socket = server.handshake(dialect, &[]).await.unwrap();
    socket.say(json!({"type": "connection_init", "payload": {"token": token}})).await;
    match socket.next().await {
        Ok(message) => {
            assert_eq!(message, json!({"type": "connection_ack"}));
            Ok(socket)
        }
        Err((code, _)) => Err(code),
    }
}

/// As above, once there is room again.
async fn enter_at_last(server: &TestServer, dialect: &str, token: &str) -> Socket {
    let coming = async {
        loop {
            match enter(server, dialect, token).await {
                Ok(socket) => return socket,
                Err(code) => assert_eq!(code, 1013),
            }
        }
    };
    tokio::time::timeout(TEST_TIMEOUT, coming).await.unwrap()
}

/// A stream that says nothing, up to the end of the answer's head.
async fn stream(server: &TestServer, accept: &str, token: &str) -> (TcpStream, String) {
    let body = json!({"query": "subscription {silence}"}).to_string();
    let mut stream = server.connect().await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\naccept: {accept}\r\n\
         authorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "\r\n\r\n").await;
    (stream, answer)
}

const SSE: &str = "text/event-stream";
const MULTIPART: &str = "multipart/mixed; subscriptionSpec=1.0";

#[tokio::test]
async fn sb_08_sockets_of_an_account_are_bounded_and_given_back() {
    let server = TestServer::with(&[("SOCKETS_PER_ACCOUNT", "2")]).await;
    let first = enter(&server, "graphql-transport-ws", "good").await.unwrap();
    let mut second = enter(&server, "graphql-ws", "good").await.unwrap();
    for dialect in ["graphql-transport-ws", "graphql-ws"] {
        assert_eq!(enter(&server, dialect, "good").await.err(), Some(1013), "{dialect}");
    }
    for accept in [SSE, MULTIPART] {
        let stream = [("content-type", "application/json"), ("accept", accept), ("authorization", "Bearer good")];
        let body = json!({"query": "subscription {silence}"}).to_string();
        let reply = server.send(reqwest::Method::POST, "/graphql", &stream, body).await;
        assert_eq!((reply.status, reply.code().as_str()), (429, "RATE_LIMITED"), "{accept}");
        assert!(reply.text.contains("SOCKETS_PER_ACCOUNT"), "{}", reply.text);
    }
    // Nobody else is held up by it, nor what is no stream.
    let _others = [
        enter(&server, "graphql-transport-ws", "other").await.unwrap(),
        server.ready(json!(null)).await,
        server.ready(json!(null)).await,
        server.ready(json!(null)).await,
    ];
    let token = [("content-type", "application/json"), ("authorization", "Bearer good")];
    let body = json!({"query": "{who}"}).to_string();
    assert_eq!(server.send(reqwest::Method::POST, "/graphql", &token, body).await.json()["data"]["who"], "signed in");
    // Gone without a word, and with one.
    drop(first);
    let third = enter_at_last(&server, "graphql-transport-ws", "good").await;
    second.say(json!({"type": "connection_terminate"})).await;
    assert_eq!(second.closed().await, 1000);
    let fourth = enter_at_last(&server, "graphql-ws", "good").await;
    assert_eq!(enter(&server, "graphql-ws", "good").await.err(), Some(1013));
    drop((third, fourth));
}

#[tokio::test]
async fn sb_08_streams_of_an_account_are_bounded_and_given_back() {
    for accept in [SSE, MULTIPART] {
        let server = TestServer::with(&[("SOCKETS_PER_ACCOUNT", "1")]).await;
        let (held, answer) = stream(&server, accept, "good").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(enter(&server, "graphql-transport-ws", "good").await.err(), Some(1013));
        let (_other, answer) = stream(&server, accept, "other").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        // A token that is not honoured opens none.
        let (_nobody, answer) = stream(&server, accept, "bad").await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        drop(held);
        let socket = enter_at_last(&server, "graphql-transport-ws", "good").await;
        let (_refused, answer) = stream(&server, accept, "good").await;
        assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
        drop(socket);
    }
}

#[tokio::test]
async fn sb_08_a_stream_that_the_server_ends_gives_its_seat_back() {
    let server = TestServer::with(&[("SOCKETS_PER_ACCOUNT", "1")]).await;
    // By completing,
    let headers = [("content-type", "application/json"), ("accept", SSE), ("authorization", "Bearer other")];
    for _ in 0..3 {
        let body = json!({"query": "subscription {count(to: 1)}"}).to_string();
        assert_eq!(server.send(reqwest::Method::POST, "/graphql", &headers, body).await.status, 200);
    }
    // by a mistake of the client's,
    let mut socket = enter_at_last(&server, "graphql-transport-ws", "other").await;
    socket.say(json!({"type": "connection_init"})).await;
    assert_eq!(socket.closed().await, 4429);
    drop(socket);
    let mut socket = enter_at_last(&server, "graphql-transport-ws", "other").await;
    // and by its end, when everybody's does.
    server.ask_to_stop();
    assert_eq!(socket.closed().await, 1001);
}

#[tokio::test]
async fn sb_08_a_flood_of_messages_closes_the_socket() {
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
async fn sb_10_who_answers_pings_stays_and_who_does_not_is_dropped() {
    let server = TestServer::patient(&[], |http| http.patience.heartbeat = Duration::from_millis(200)).await;
    let mut dead = server.ready(json!(null)).await;
    dead.subscribe("1", "subscription {silence}").await;
    server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
    let mut healthy = server.ready(json!(null)).await;
    healthy.subscribe("1", "subscription {count(to: 1, ms: 1500)}").await;
    // Reading is what answers pings; the dead one is not read from.
    assert_eq!(healthy.hear().await["type"], "next");
    server.eventually("the dead one's operation is dropped", |server| server.traces.running.load(SeqCst) == 0).await;
    healthy.subscribe("2", "{hello}").await;
    assert_eq!(healthy.hear().await["type"], "complete");
    assert_eq!(healthy.hear().await["id"], "2");
}

#[tokio::test]
async fn sb_13_a_subscriber_that_does_not_read_is_not_asked_for_more_and_is_cut() {
    let server = TestServer::patient(&[], |http| http.patience.stall = Duration::from_millis(200)).await;
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "subscription {flood(bytes: 50000)}").await;
    server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
    server.eventually("it is cut", |server| server.traces.running.load(SeqCst) == 0).await;
    assert_eq!(server.query("{hello}").await.status, 200);
    // What had been written before is still read; then the connection is simply gone.
    let mut events = 0;
    while let Some(Ok(_)) = socket.0.next().await {
        events += 1;
    }
    assert!((1..500).contains(&events), "{events}");
}

#[tokio::test]
async fn a_busy_operation_does_not_silence_the_client() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "subscription {flood(bytes: 10)}").await;
    assert_eq!(socket.hear().await["type"], "next");
    socket.say(json!({"id": "1", "type": "complete"})).await;
    socket.subscribe("2", "{hello}").await;
    while socket.hear().await["id"] != "2" {}
    server.eventually("the flood is over", |server| server.traces.running.load(SeqCst) == 0).await;
}
