//! What a socket may cost.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::server::TestServer;

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
    tokio::time::timeout(super::client::SOON, again).await.unwrap();
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
