//! The older protocol, `graphql-ws`, of subscriptions-transport-ws.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use serde_json::{Value, json};

use super::{server::TestServer, socket::Socket};

async fn ready(server: &TestServer, payload: Value) -> Socket {
    let mut socket = server.handshake("graphql-ws", &[]).await.ok().unwrap();
    socket.say(json!({"type": "connection_init", "payload": payload})).await;
    assert_eq!(socket.hear().await, json!({"type": "connection_ack"}));
    assert_eq!(socket.hear().await, json!({"type": "ka"}));
    socket
}

async fn start(socket: &mut Socket, id: &str, query: &str) {
    socket.say(json!({"id": id, "type": "start", "payload": {"query": query}})).await;
}

#[tokio::test]
async fn sb_02_operations_run_in_the_older_words() {
    let server = TestServer::with(&[]).await;
    let mut socket = ready(&server, json!({"token": "good"})).await;
    start(&mut socket, "1", "subscription {count(to: 1)}").await;
    assert_eq!(socket.hear().await, json!({"id": "1", "type": "data", "payload": {"data": {"count": 1}}}));
    assert_eq!(socket.hear().await, json!({"id": "1", "type": "complete"}));
    start(&mut socket, "2", "{nope}").await;
    let message = socket.hear().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("2"), &json!("error")));
    assert_eq!(message["payload"]["extensions"]["code"], "BAD_REQUEST");
}

#[tokio::test]
async fn sb_02_stop_ends_an_operation_and_an_id_may_be_taken_over() {
    let server = TestServer::with(&[]).await;
    let mut socket = ready(&server, json!(null)).await;
    start(&mut socket, "1", "subscription {silence}").await;
    start(&mut socket, "1", "subscription {silence}").await;
    server.eventually("one runs", |server| server.traces.running.load(SeqCst) == 1).await;
    socket.say(json!({"id": "1", "type": "stop"})).await;
    server.eventually("none runs", |server| server.traces.running.load(SeqCst) == 0).await;
    socket.say(json!({"type": "connection_terminate"})).await;
    assert_eq!(socket.closed().await, 1000);
}

#[tokio::test]
async fn sb_02_keep_alives_go_on() {
    let server = TestServer::patient(&[], |http| http.patience.heartbeat = Duration::from_millis(200)).await;
    let mut socket = ready(&server, json!(null)).await;
    for _ in 0..3 {
        assert_eq!(socket.hear().await, json!({"type": "ka"}));
    }
}

#[tokio::test]
async fn sb_05_a_refused_init_is_told_in_the_older_words() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.handshake("graphql-ws", &[]).await.ok().unwrap();
    socket.say(json!({"type": "connection_init", "payload": {"token": "bad"}})).await;
    assert_eq!(socket.hear().await, json!({"type": "connection_error", "payload": {"message": "Forbidden"}}));
    assert_eq!(socket.closed().await, 4403);
}

#[tokio::test]
async fn sb_02_the_protocol_that_is_told_is_the_one_that_is_spoken() {
    let server = TestServer::with(&[]).await;
    // The client's order decides.
    let mut socket = server.handshake("graphql-ws, graphql-transport-ws", &[]).await.ok().unwrap();
    socket.say(json!({"type": "connection_init"})).await;
    socket.hear().await;
    assert_eq!(socket.hear().await, json!({"type": "ka"}));
    let mut socket = server.handshake("graphql-transport-ws, graphql-ws", &[]).await.ok().unwrap();
    socket.say(json!({"type": "ping"})).await;
    assert_eq!(socket.hear().await, json!({"type": "pong"}));
}
