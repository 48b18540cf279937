//! Connection level: sizes, timeouts and malformed requests.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{
    client::{read_all, read_until},
    server::TestServer,
};

const CHUNKED: &str =
    "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";

fn post(length: usize) -> String {
    format!("POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
}

#[tokio::test]
async fn tr_09_body_over_the_limit_is_413_in_every_framing() {
    let server = TestServer::with(&[]).await;
    let reply = server.post(json!({"query": "{hello}", "more": "x".repeat(70_000)})).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "TOO_COMPLEX"));
    // Announced by Content-Length and never sent.
    let response = server.raw(post(1_000_000_000) + "x").await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    let chunk = format!("{:x}\r\n{}\r\n", 1_000, "x".repeat(1_000));
    let response = server.raw(format!("{CHUNKED}{}0\r\n\r\n", chunk.repeat(200))).await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    let reply = server.post(json!({"query": "{hello}", "more": "x".repeat(60_000)})).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn tr_09_long_uri_is_414_and_long_headers_are_431() {
    let server = TestServer::with(&[]).await;
    let long = format!("/graphql?query=%7Bhello%7D&more={}", "x".repeat(9_000));
    assert_eq!(server.get(&long, &[]).await.status, 414);
    let value = "x".repeat(10_000);
    assert_eq!(server.get("/healthz", &[("a", &value), ("b", &value)]).await.status, 431);
    let response =
        server.raw(format!("GET /healthz HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "x".repeat(1_000_000))).await;
    assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
    assert_eq!(server.get("/healthz", &[("a", &value)]).await.status, 200);
}

const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn tr_10_ambiguous_lengths_are_400_and_close_the_connection() {
    let server = TestServer::with(&[]).await;
    let body = json!({"query": "mutation {bump}"}).to_string();
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for head in [
        format!("content-length: {}\r\ncontent-length: 6\r\n", chunks.len()),
        format!("content-length: 6\r\ncontent-length: {}\r\n", chunks.len()),
        format!("content-length: {}, {0}\r\n", chunks.len()),
        format!("content-length: -{}\r\n", chunks.len()),
        format!("content-length: +{}\r\n", chunks.len()),
        format!("content-length: 0x{:x}\r\n", chunks.len()),
        format!("content-length : {}\r\n", chunks.len()),
        format!("content-length: {} {0}\r\n", chunks.len()),
        "content-length: 18446744073709551616\r\n".to_owned(),
        "content-length:\r\n".to_owned(),
        "transfer-encoding: gzip\r\n".to_owned(),
        "transfer-encoding: identity\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".to_owned(),
        "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n".to_owned(),
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n".to_owned(),
        "transfer-encoding: gzip, chunked\r\n".to_owned(),
        "transfer-encoding: chunked, chunked\r\n".to_owned(),
        "transfer-encoding : chunked\r\n".to_owned(),
        "transfer-encoding:\r\n chunked\r\n".to_owned(),
        "transfer-encoding: \u{b}chunked\r\n".to_owned(),
    ] {
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n{chunks}{SMUGGLED}"
        );
        let response = server.raw(request).await;
        assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{head}: {response}");
        assert!(response.starts_with("HTTP/1.1 400 "), "{head}: {response}");
    }
    let request = format!("{}{chunks}{SMUGGLED}", CHUNKED.replace("HTTP/1.1", "HTTP/1.0"));
    let response = server.raw(request).await;
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert_eq!(response.matches("HTTP/1.").count(), 1, "{response}");
    assert_eq!(server.traces.bumps.load(SeqCst), 0);
}

/// RFC 9112, section 6.1: `Transfer-Encoding` overrides `Content-Length`, and the connection is closed.
#[tokio::test]
async fn tr_10_content_length_with_chunked_is_ignored_and_closes_the_connection() {
    let server = TestServer::with(&[]).await;
    let body = json!({"query": "{hello}"}).to_string();
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let both = (chunks + SMUGGLED, "transfer-encoding: chunked\r\n");
    for length in [0, 5, both.0.len(), 1_000_000] {
        let length = format!("content-length: {length}\r\n");
        for head in [length.clone() + both.1, both.1.to_owned() + &length, format!("{length}{length}{}", both.1)] {
            let request =
                format!("POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{head}\r\n{}", both.0);
            let response = server.raw(request).await;
            assert_eq!(response.matches("HTTP/1.1 ").count(), 1, "{head}: {response}");
            assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("world"), "{head}: {response}");
            assert!(response.contains("\r\nconnection: close\r\n"), "{head}: {response}");
        }
    }
}

/// RFC 9110, section 8.6: a repeated identical Content-Length counts once.
#[tokio::test]
async fn tr_10_repeated_identical_content_length_is_accepted() {
    let server = TestServer::with(&[]).await;
    let body = json!({"query": "{hello}"}).to_string();
    let length = format!("content-length: {}\r\n", body.len());
    let last = SMUGGLED.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{length}{length}\r\n{body}{last}"
    );
    let response = server.raw(request).await;
    assert_eq!(response.matches("HTTP/1.1 200 ").count(), 2, "the following bytes are the next request: {response}");
}

#[tokio::test]
async fn tr_12_slow_request_head_times_out() {
    let server = TestServer::with_config(&[], |http| http.timeouts.head = Duration::from_millis(100)).await;
    for start in ["", "GET / HT", "GET /healthz HTTP/1.1\r\nhost: x\r\n"] {
        assert_eq!(server.raw(start).await, "", "{start:?}");
    }
    // The second request on a connection is timed from its own first byte.
    let mut stream = server.connect().await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut stream, "alive").await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn tr_12_idle_connection_is_kept_alive_until_its_timeout() {
    let server = TestServer::with_config(&[], |http| {
        http.timeouts.head = Duration::from_millis(50);
        http.timeouts.idle = Duration::from_millis(400);
    })
    .await;
    let mut stream = server.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        read_until(&mut stream, "alive").await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn tr_12_slow_body_is_408() {
    let server = TestServer::with_config(&[], |http| {
        http.timeouts.body = Duration::from_millis(100);
        http.timeouts.idle = Duration::from_millis(100);
    })
    .await;
    let response = server.raw(post(100) + "{").await;
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    // Other routes read their bodies themselves with the same timeout.
    let response = server.raw(post(100).replace("/graphql", "/extra") + "{").await;
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
}

#[tokio::test]
async fn tr_12_client_that_does_not_read_is_disconnected() {
    let server = TestServer::with_config(&[], |http| http.timeouts.write_timeout = Duration::from_millis(150)).await;
    let body = r#"{"query":"subscription {flood(bytes: 50000)}"}"#;
    let mut stream = server.connect().await;
    let head = post(body.len()).replace("\r\n\r\n", "\r\naccept: text/event-stream\r\n\r\n");
    stream.write_all((head + body).as_bytes()).await.unwrap();
    let running = |server: &TestServer| server.traces.running.load(SeqCst);
    server.eventually("it runs", |server| running(server) == 1).await;
    server.eventually("the connection is aborted", |server| running(server) == 0).await;
}

#[tokio::test]
async fn fz_01_random_bytes_do_not_break_the_server() {
    let server = TestServer::with_config(&[], |http| {
        http.timeouts.head = Duration::from_millis(20);
        http.timeouts.body = Duration::from_millis(20);
        http.timeouts.idle = Duration::from_millis(20);
    })
    .await;
    let any = prop::collection::vec(any::<u8>(), 0..300);
    let mut runner = TestRunner::new(Config { cases: 60, ..Config::default() });
    let cases: Vec<Vec<u8>> = (0..60).map(|_| any.new_tree(&mut runner).unwrap().current()).collect();
    for bytes in cases {
        let query: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        let mut framed = post(bytes.len()).into_bytes();
        framed.extend(&bytes);
        for request in [bytes.clone(), framed, format!("GET /graphql?query={query} HTTP/1.0\r\n\r\n").into_bytes()] {
            let response = server.raw(request).await;
            let status = response.split(' ').nth(1).unwrap_or("400");
            assert!(status.starts_with('4') || status == "200", "{response}");
        }
    }
    assert_eq!(server.query("{hello}").await.status, 200);
}
