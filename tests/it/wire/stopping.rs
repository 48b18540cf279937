//! Graceful shutdown.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{
    client::{read_all, read_until},
    server::TestServer,
};

#[tokio::test]
async fn op_05_shutdown_answers_requests_in_flight_and_accepts_no_new_ones() {
    let mut server = TestServer::with(&[]).await;
    let body = r#"{"query":"mutation {slowBump(ms: 300)}"}"#;
    let mut stream = server.connect().await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).await.unwrap();
    // An idle keep-alive connection does not delay the shutdown.
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, "alive").await;
    server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
    server.request_stop();
    let answer = read_all(&mut stream).await;
    assert!(answer.contains("200 OK") && answer.contains(r#"{"data":{"slowBump":1}}"#), "{answer}");
    assert_eq!(server.wait_stopped().await, 0);
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn op_05_shutdown_closes_sockets_so_that_clients_reconnect() {
    let mut server = TestServer::with(&[]).await;
    let mut watching = server.ready(json!({"token": "good"})).await;
    watching.subscribe("1", "subscription {silence}").await;
    let mut working = server.ready(json!(null)).await;
    working.subscribe("1", "mutation {slowBump(ms: 300)}").await;
    let mut waiting = server.socket().await;
    server.eventually("both run", |server| server.traces.running.load(SeqCst) == 2).await;
    server.request_stop();
    assert_eq!(watching.closed().await, 1001);
    assert_eq!(waiting.closed().await, 1001);
    // A mutation that has started is completed first.
    assert_eq!(working.receive().await["payload"]["data"]["slowBump"], 1);
    assert_eq!(working.receive().await["type"], "complete");
    assert_eq!(working.closed().await, 1001);
    assert_eq!(server.wait_stopped().await, 0);
}

#[tokio::test]
async fn op_05_shutdown_ends_streams_so_that_clients_reconnect() {
    for (accept, last) in [
        // The body is truncated: a regular end would be taken for the end of the operation.
        ("text/event-stream", "\r\n3\r\n:\n\n\r\n"),
        ("multipart/mixed;subscriptionSpec=1.0", "--graphql--\r\n\r\n0\r\n\r\n"),
    ] {
        let mut server = TestServer::with(&[]).await;
        let body = r#"{"query":"subscription {silence}"}"#;
        let mut stream = server.connect().await;
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\naccept: {accept}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).await.unwrap();
        server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
        server.request_stop();
        let answer = read_all(&mut stream).await;
        assert!(answer.ends_with(last) && !answer.contains("event: complete"), "{answer}");
        assert_eq!(server.wait_stopped().await, 0);
    }
}

#[tokio::test]
async fn op_05_unfinished_requests_are_aborted_after_the_grace_period() {
    let mut server = TestServer::with_config(&[], |http| http.shutdown_grace = Duration::from_millis(200)).await;
    let (running, ()) = tokio::join!(
        async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let body = json!({"query": "{slow(ms: 9000)}"});
            client.post(server.url("/graphql")).json(&body).send().await.map(|response| response.status())
        },
        async {
            server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
            server.request_stop();
        }
    );
    assert!(running.is_err());
    assert_eq!(server.wait_stopped().await, 1);
    assert_eq!(server.traces.running.load(SeqCst), 0);
}

/// SB-14: a started mutation is completed even if the client has disconnected, so that everything after its commit
/// happens.
#[tokio::test]
async fn mutation_completes_after_the_client_disconnects() {
    let mut server = TestServer::with(&[("EXECUTION_TIMEOUT", "100ms")]).await;
    let body = r#"{"query":"mutation {slowBump(ms: 300)}"}"#;
    let mut stream = server.connect().await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).await.unwrap();
    server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
    drop(stream);
    server.eventually("it is completed", |server| server.traces.bumps.load(SeqCst) == 1).await;
    // The client gets a timeout error after EXECUTION_TIMEOUT, and the mutation is still completed.
    assert_eq!(server.post(json!({ "query": "mutation {slowBump(ms: 300)}" })).await.code(), "UNAVAILABLE");
    let mut working = server.ready(json!(null)).await;
    working.subscribe("1", "mutation {slowBump(ms: 300)}").await;
    server.eventually("two run", |server| server.traces.running.load(SeqCst) == 2).await;
    drop(working);
    server.eventually("both are completed", |server| server.traces.bumps.load(SeqCst) == 3).await;
    server.request_stop();
    server.wait_stopped().await;
}
