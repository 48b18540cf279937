//! The legacy protocol `graphql-ws` of subscriptions-transport-ws.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use serde_json::{Value, json};

use super::{server::TestServer, socket::Socket};

async fn ready(server: &TestServer, payload: Value) -> Socket {
    let mut socket = server.handshake("graphql-ws", &[]).await.ok().unwrap();
    socket.send_json(json!({"type": "connection_init", "payload": payload})).await;
    assert_eq!(socket.receive().await, json!({"type": "connection_ack"}));
    assert_eq!(socket.receive().await, json!({"type": "ka"}));
    socket
}

async fn start(socket: &mut Socket, id: &str, query: &str) {
    socket.send_json(json!({"id": id, "type": "start", "payload": {"query": query}})).await;
}

#[tokio::test]
async fn sb_02_operations_run_over_the_legacy_protocol() {
    let server = TestServer::with(&[]).await;
    let mut socket = ready(&server, json!({"token": "good"})).await;
    start(&mut socket, "1", "subscription {count(to: 1)}").await;
    assert_eq!(socket.receive().await, json!({"id": "1", "type": "data", "payload": {"data": {"count": 1}}}));
    assert_eq!(socket.receive().await, json!({"id": "1", "type": "complete"}));
    start(&mut socket, "2", "{nope}").await;
    let message = socket.receive().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("2"), &json!("error")));
    assert_eq!(message["payload"]["extensions"]["code"], "BAD_REQUEST");
}

#[tokio::test]
async fn sb_02_stop_ends_an_operation_and_its_id_can_be_reused() {
    let server = TestServer::with(&[]).await;
    let mut socket = ready(&server, json!(null)).await;
    start(&mut socket, "1", "subscription {silence}").await;
    start(&mut socket, "1", "subscription {silence}").await;
    server.eventually("one runs", |server| server.traces.running.load(SeqCst) == 1).await;
    socket.send_json(json!({"id": "1", "type": "stop"})).await;
    server.eventually("none runs", |server| server.traces.running.load(SeqCst) == 0).await;
    socket.send_json(json!({"type": "connection_terminate"})).await;
    assert_eq!(socket.closed().await, 1000);
}

#[tokio::test]
async fn sb_02_keep_alives_are_sent() {
    let server = TestServer::with_config(&[], |http| http.patience.heartbeat = Duration::from_millis(200)).await;
    let mut socket = ready(&server, json!(null)).await;
    for _ in 0..3 {
        assert_eq!(socket.receive().await, json!({"type": "ka"}));
    }
}

#[tokio::test]
async fn sb_05_rejected_init_is_a_legacy_connection_error() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.handshake("graphql-ws", &[]).await.ok().unwrap();
    socket.send_json(json!({"type": "connection_init", "payload": {"token": "bad"}})).await;
    assert_eq!(socket.receive().await, json!({"type": "connection_error", "payload": {"message": "Forbidden"}}));
    assert_eq!(socket.closed().await, 4403);
}

#[tokio::test]
async fn sb_02_negotiated_protocol_is_the_one_used() {
    let server = TestServer::with(&[]).await;
    // The order of the client decides.
    let mut socket = server.handshake("graphql-ws, graphql-transport-ws", &[]).await.ok().unwrap();
    socket.send_json(json!({"type": "connection_init"})).await;
    socket.receive().await;
    assert_eq!(socket.receive().await, json!({"type": "ka"}));
    let mut socket = server.handshake("graphql-transport-ws, graphql-ws", &[]).await.ok().unwrap();
    socket.send_json(json!({"type": "ping"})).await;
    assert_eq!(socket.receive().await, json!({"type": "pong"}));
}
