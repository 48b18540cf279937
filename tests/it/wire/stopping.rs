//! The end of serving.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{
    client::{read_all, read_until},
    server::TestServer,
};

#[tokio::test]
async fn op_05_requests_in_flight_are_answered_and_nothing_new_is_taken() {
    let mut server = TestServer::with(&[]).await;
    let body = r#"{"query":"mutation {slowBump(ms: 300)}"}"#;
    let mut stream = server.connect().await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).await.unwrap();
    // An idle connection that is kept alive does not hold up the end.
    let mut idle = server.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, "alive").await;
    server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
    server.ask_to_stop();
    let answer = read_all(&mut stream).await;
    assert!(answer.contains("200 OK") && answer.contains(r#"{"data":{"slowBump":1}}"#), "{answer}");
    assert_eq!(server.stopped().await, 0);
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn op_05_sockets_are_closed_so_that_clients_come_back() {
    let mut server = TestServer::with(&[]).await;
    let mut watching = server.ready(json!({"token": "good"})).await;
    watching.subscribe("1", "subscription {silence}").await;
    let mut working = server.ready(json!(null)).await;
    working.subscribe("1", "mutation {slowBump(ms: 300)}").await;
    let mut waiting = server.socket().await;
    server.eventually("both run", |server| server.traces.running.load(SeqCst) == 2).await;
    server.ask_to_stop();
    assert_eq!(watching.closed().await, 1001);
    assert_eq!(waiting.closed().await, 1001);
    // What was begun is finished first.
    assert_eq!(working.hear().await["payload"]["data"]["slowBump"], 1);
    assert_eq!(working.hear().await["type"], "complete");
    assert_eq!(working.closed().await, 1001);
    assert_eq!(server.stopped().await, 0);
}

#[tokio::test]
async fn op_05_streams_end_so_that_clients_come_back() {
    for (accept, last) in [
        // A body that breaks off: its end would be taken for the operation's.
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
        server.ask_to_stop();
        let answer = read_all(&mut stream).await;
        assert!(answer.ends_with(last) && !answer.contains("event: complete"), "{answer}");
        assert_eq!(server.stopped().await, 0);
    }
}

#[tokio::test]
async fn op_05_what_does_not_end_is_cut_after_the_grace() {
    let mut server = TestServer::patient(&[], |http| http.shutdown_grace = Duration::from_millis(200)).await;
    let (running, ()) = tokio::join!(
        async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let body = json!({"query": "{slow(ms: 9000)}"});
            client.post(server.url("/graphql")).json(&body).send().await.map(|response| response.status())
        },
        async {
            server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
            server.ask_to_stop();
        }
    );
    assert!(running.is_err());
    assert_eq!(server.stopped().await, 1);
    assert_eq!(server.traces.running.load(SeqCst), 0);
}

/// SB-14: what follows a mutation's commit happens though nobody waits for the answer any more.
#[tokio::test]
async fn a_mutation_is_done_to_its_end_though_its_client_leaves() {
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
    server.eventually("it is done", |server| server.traces.bumps.load(SeqCst) == 1).await;
    // Who waits is told after EXECUTION_TIMEOUT that it took too long, and it is done all the same.
    assert_eq!(server.post(json!({ "query": "mutation {slowBump(ms: 300)}" })).await.code(), "UNAVAILABLE");
    let mut working = server.ready(json!(null)).await;
    working.subscribe("1", "mutation {slowBump(ms: 300)}").await;
    server.eventually("two run", |server| server.traces.running.load(SeqCst) == 2).await;
    drop(working);
    server.eventually("both are done", |server| server.traces.bumps.load(SeqCst) == 3).await;
    server.ask_to_stop();
    server.stopped().await;
}
