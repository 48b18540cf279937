//! Connection limits: idle connections cannot exhaust the service.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    client::{TEST_TIMEOUT, read_until},
    server::TestServer,
};

const ATTACKER: &str = "127.0.0.66";

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";

/// Whether the server answers a request on this connection; false if it has closed it.
async fn responds(stream: &mut TcpStream) -> bool {
    let asked = async {
        let mut response = [0; 12];
        stream.write_all(HEALTH.as_bytes()).await.is_ok()
            && stream.read_exact(&mut response).await.is_ok()
            && response.starts_with(b"HTTP/1.1 200")
    };
    tokio::time::timeout(TEST_TIMEOUT, asked).await.unwrap()
}

/// Whether the server has closed the connection. Sends nothing.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    tokio::time::timeout(TEST_TIMEOUT, stream.read(&mut byte)).await.is_ok_and(|read| matches!(read, Ok(0) | Err(_)))
}

/// Opens a stream without events and waits until it runs.
async fn open_stream(server: &TestServer, address: &str) -> TcpStream {
    let body = json!({"query": "subscription {silence}"}).to_string();
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n";
    let mut stream = server.connect_from(address).await;
    stream.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
    read_until(&mut stream, "\r\n\r\n").await;
    stream
}

/// The attack: one address opens more connections than the limit and sends nothing on them.
#[tokio::test]
async fn one_address_cannot_exhaust_the_connections() {
    // Idle connections are closed after a while anyway; this test sets a long limit.
    let settings = [("MAX_CONNECTIONS", "60")];
    let server = TestServer::with_config(&settings, |http| http.timeouts.head = Duration::from_secs(3600)).await;
    let mut held = Vec::new();
    for _ in 0..90 {
        held.push(server.connect_from(ATTACKER).await);
    }
    for address in ["127.0.0.1", "127.0.0.2", "127.0.0.3"] {
        assert!(responds(&mut server.connect_from(address).await).await, "{address}");
    }
    // A quarter of the connections, the address's share, remains: the newest.
    assert!(is_closed(&mut held[0]).await);
    assert!(responds(&mut held[89]).await);
    for mut over in held.drain(..75) {
        assert!(is_closed(&mut over).await);
    }
    assert!(responds(&mut held[0]).await, "within its share");
}

#[tokio::test]
async fn address_with_only_busy_connections_gets_no_more() {
    let server = TestServer::with(&[("MAX_CONNECTIONS", "20"), ("CONNECTIONS_PER_ADDRESS", "3")]).await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(open_stream(&server, ATTACKER).await);
    }
    assert!(!responds(&mut server.connect_from(ATTACKER).await).await);
    assert!(responds(&mut server.connect_from("127.0.0.1").await).await);
    assert_eq!(server.traces.running.load(SeqCst), 3, "a stream is not idle");
    drop(streams.pop());
    server.eventually("its stream ended", |server| server.traces.running.load(SeqCst) == 2).await;
    let again = async { while !responds(&mut server.connect_from(ATTACKER).await).await {} };
    tokio::time::timeout(TEST_TIMEOUT, again).await.unwrap();
}

#[tokio::test]
async fn longest_idle_connection_is_closed_at_the_limit() {
    let server = TestServer::with(&[("MAX_CONNECTIONS", "10"), ("CONNECTIONS_PER_ADDRESS", "10")]).await;
    let _stream = open_stream(&server, "127.0.0.2").await;
    let mut socket = server.ready(json!(null)).await;
    let mut idle = Vec::new();
    for n in 0..8 {
        let mut stream = server.connect_from(&format!("127.0.1.{n}")).await;
        assert!(responds(&mut stream).await);
        idle.push(stream);
    }
    // Used again, so that the second connection is the longest idle.
    let _rest = idle[0].read(&mut [0; 4096]).await;
    assert!(responds(&mut idle[0]).await);
    assert!(responds(&mut server.connect_from("127.0.2.1").await).await);
    let mut rest = Vec::new();
    idle[1].read_to_end(&mut rest).await.unwrap();
    assert!(!responds(&mut idle[1]).await);
    socket.subscribe("1", "{hello}").await;
    assert_eq!(socket.receive().await["type"], "next", "a socket is not idle");
    assert_eq!(server.traces.running.load(SeqCst), 1, "nor is a stream");
}

#[tokio::test]
async fn new_connections_wait_while_all_are_busy() {
    let server = TestServer::with(&[("MAX_CONNECTIONS", "10"), ("CONNECTIONS_PER_ADDRESS", "10")]).await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        streams.push(open_stream(&server, "127.0.0.1").await);
    }
    let mut waiting = server.connect_from("127.0.0.2").await;
    let answered = responds(&mut waiting);
    tokio::pin!(answered);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut answered).await.is_err());
    drop(streams.pop());
    assert!(answered.await);
}

/// The connections of a trusted proxy belong to many clients.
#[tokio::test]
async fn trusted_proxy_is_exempt_from_the_share() {
    let settings = [("MAX_CONNECTIONS", "20"), ("CONNECTIONS_PER_ADDRESS", "2"), ("TRUSTED_PROXIES", "127.0.0.1")];
    let server = TestServer::with(&settings).await;
    let mut held = Vec::new();
    for _ in 0..15 {
        held.push(server.connect().await);
    }
    for stream in &mut held {
        assert!(responds(stream).await);
    }
}
