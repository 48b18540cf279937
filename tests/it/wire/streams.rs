//! Subscriptions over one HTTP response: SSE and multipart.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    client::{Reply, read_until},
    server::TestServer,
};

const SSE: &str = "text/event-stream";
const MULTIPART: [&str; 2] = [
    "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json",
    "multipart/mixed; subscriptionSpec=\"1.0\", application/json",
];

/// The complete response of a stream that ends.
async fn read_stream(server: &TestServer, accept: &str, query: &str) -> Reply {
    let headers = [("content-type", "application/json"), ("accept", accept)];
    server.send(reqwest::Method::POST, "/graphql", &headers, json!({"query": query}).to_string()).await
}

/// Opens a stream to be read incrementally.
async fn open(server: &TestServer, accept: &str, query: &str, more: &str) -> TcpStream {
    let body = json!({"query": query}).to_string();
    let mut stream = server.connect().await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\naccept: {accept}\r\n{more}\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    stream
}

fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text.split("\n\n").filter(|block| block.starts_with("event:"));
    let event = |block: &str| {
        let (event, data) = block.split_once('\n').unwrap();
        let data = data.strip_prefix("data:").unwrap().trim();
        (event.replace("event: ", ""), serde_json::from_str(data).unwrap_or(Value::Null))
    };
    blocks.map(event).collect()
}

#[tokio::test]
async fn sb_11_events_are_next_and_the_last_is_complete() {
    let server = TestServer::with(&[]).await;
    let reply = read_stream(&server, SSE, "subscription {count(to: 2)}").await;
    assert!(reply.header("content-type").starts_with("text/event-stream"));
    assert_eq!(reply.header("cache-control"), "no-store, no-transform");
    assert_eq!(reply.header("x-accel-buffering"), "no");
    let next = |data: Value| ("next".to_owned(), json!({"data": data}));
    let complete = ("complete".to_owned(), Value::Null);
    assert_eq!(events(&reply.text), [next(json!({"count": 1})), next(json!({"count": 2})), complete.clone()]);
    let reply = read_stream(&server, SSE, "mutation {bump}").await;
    assert_eq!(events(&reply.text), [next(json!({"bump": 1})), complete]);
}

#[tokio::test]
async fn sb_11_errors_of_the_operation_are_in_the_stream() {
    let server = TestServer::with(&[]).await;
    for (query, code) in [("{nope}", "BAD_REQUEST"), ("subscription {missing}", "NOT_FOUND")] {
        let reply = read_stream(&server, SSE, query).await;
        let events = events(&reply.text);
        assert_eq!(events[0].1["errors"][0]["extensions"]["code"], code);
        assert_eq!(events[1].0, "complete");
    }
}

#[tokio::test]
async fn sb_11_eventsource_can_open_streams_by_get() {
    let server = TestServer::with(&[]).await;
    let reply = server.get("/graphql?query=subscription%7Bcount(to%3A1)%7D", &[("accept", SSE)]).await;
    assert_eq!(events(&reply.text).len(), 2);
}

#[tokio::test]
async fn sb_05_subscription_with_rejected_token_is_refused() {
    let server = TestServer::with(&[]).await;
    for accept in [SSE, MULTIPART[0]] {
        let execute = async |query: &str, token: &str| {
            let headers = [("content-type", "application/json"), ("accept", accept), ("authorization", token)];
            server.send(reqwest::Method::POST, "/graphql", &headers, json!({"query": query}).to_string()).await
        };
        for token in ["Bearer bad", "Bearer"] {
            let reply = execute("subscription {count(to: 1)}", token).await;
            assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"), "{accept} {token}");
            assert!(reply.header("content-type").contains("json"), "{accept}");
        }
        let reply = execute("subscription {count(to: 1)}", "Bearer good").await;
        assert!(reply.text.contains(r#"{"data":{"count":1}}"#), "{accept}: {}", reply.text);
        // A client that renews its token sends the expired one with the request, as over plain HTTP.
        assert!(execute("mutation {bump}", "Bearer bad").await.text.contains("bump"), "{accept}");
    }
}

#[tokio::test]
async fn sb_09_document_limits_apply_to_streams() {
    let server = TestServer::with(&[]).await;
    for accept in [SSE, MULTIPART[0]] {
        let reply = read_stream(&server, accept, &format!("{{{}}}", "hello ".repeat(300))).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "TOO_COMPLEX"), "{accept}");
    }
}

#[tokio::test]
async fn sb_12_parts_are_wrapped_and_the_last_boundary_closes() {
    let server = TestServer::with(&[]).await;
    for accept in MULTIPART {
        let reply = read_stream(&server, accept, "subscription {count(to: 2)}").await;
        assert_eq!(reply.header("content-type"), "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0");
        let part = |json: &str| format!("\r\ncontent-type: application/json\r\n\r\n{json}\r\n--graphql");
        let (one, two) = (part(r#"{"payload":{"data":{"count":1}}}"#), part(r#"{"payload":{"data":{"count":2}}}"#));
        assert_eq!(reply.text, format!("\r\n--graphql{one}{two}--\r\n"));
    }
    let reply = read_stream(&server, MULTIPART[0], "subscription {nope}").await;
    assert!(reply.text.contains(r#"{"payload":null,"errors":[{"#), "{}", reply.text);
    assert!(reply.text.ends_with("--graphql--\r\n"));
}

#[tokio::test]
async fn sb_12_each_event_is_flushed_completely() {
    let server = TestServer::with(&[]).await;
    // The second event is a minute away: the first one must not be buffered until then.
    let mut stream = open(&server, MULTIPART[0], "subscription {count(to: 2, ms: 60000, first: 0)}", "").await;
    read_until(&mut stream, "{\"payload\":{\"data\":{\"count\":1}}}\r\n--graphql").await;
}

#[tokio::test]
async fn sb_10_idle_streams_have_a_heartbeat() {
    let server = TestServer::with_config(&[], |http| http.patience.heartbeat = Duration::from_millis(100)).await;
    let mut stream = open(&server, SSE, "subscription {silence}", "").await;
    read_until(&mut stream, ":\n\n\r\n3\r\n:\n\n\r\n3\r\n:\n\n").await;
    let mut stream = open(&server, MULTIPART[0], "subscription {silence}", "").await;
    read_until(&mut stream, "\r\n\r\n{}\r\n--graphql").await;
}

#[tokio::test]
async fn gq_04_stream_is_cancelled_when_the_client_disconnects() {
    let server = TestServer::with(&[]).await;
    for accept in [SSE, MULTIPART[0]] {
        let mut stream = open(&server, accept, "subscription {silence}", "").await;
        read_until(&mut stream, "200 OK").await;
        server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
        drop(stream);
        server.eventually("it ends", |server| server.traces.running.load(SeqCst) == 0).await;
    }
}

#[tokio::test]
async fn tk_08_stream_ends_with_an_error_when_its_token_expires() {
    for accept in [SSE, MULTIPART[0]] {
        let server = TestServer::with(&[]).await;
        let mut stream = open(&server, accept, "subscription {silence}", "authorization: Bearer good\r\n").await;
        server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
        server.clock.advance(Duration::from_secs(600));
        let rest = read_until(&mut stream, "\r\n0\r\n\r\n").await;
        assert!(rest.contains("UNAUTHENTICATED"), "{rest}");
        assert!(rest.contains("event: complete") || rest.contains("--graphql--"), "{rest}");
    }
}
