//! Conformance to `graphql-transport-ws`.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::server::TestServer;

#[tokio::test]
async fn sb_01_all_operation_types_run_and_ids_can_be_reused() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!({"token": "good"})).await;
    for _ in 0..2 {
        socket.subscribe("1", "subscription {count(to: 2)}").await;
        for number in 1..=2 {
            assert_eq!(
                socket.receive().await,
                json!({"id": "1", "type": "next", "payload": {"data": {"count": number}}})
            );
        }
        assert_eq!(socket.receive().await, json!({"id": "1", "type": "complete"}));
    }
    socket.subscribe("q", "{who}").await;
    assert_eq!(socket.receive().await, json!({"id": "q", "type": "next", "payload": {"data": {"who": "signed in"}}}));
    assert_eq!(socket.receive().await, json!({"id": "q", "type": "complete"}));
    socket.subscribe("m", "mutation {bump}").await;
    assert_eq!(socket.receive().await["payload"]["data"]["bump"], 1);
}

#[tokio::test]
async fn sb_01_client_complete_ends_the_operation_without_an_echo() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "subscription {silence}").await;
    server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
    socket.send_json(json!({"id": "1", "type": "complete"})).await;
    server.eventually("the operation is dropped", |server| server.traces.running.load(SeqCst) == 0).await;
    // Completing the same id again, and an unknown id: neither is a protocol violation.
    socket.send_json(json!({"id": "unknown", "type": "complete"})).await;
    socket.subscribe("1", "{hello}").await;
    assert_eq!(socket.receive().await, json!({"id": "1", "type": "next", "payload": {"data": {"hello": "world"}}}));
}

#[tokio::test]
async fn sb_01_request_errors_are_an_array_and_end_the_operation() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!(null)).await;
    for text in ["{", "{nope}", "subscription {a: silence b: silence}", "query A {hello} query B {hello}"] {
        socket.subscribe("1", text).await;
        let message = socket.receive().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("1")), "{text}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "BAD_REQUEST");
    }
    socket.subscribe("1", "subscription {missing}").await;
    assert_eq!(socket.receive().await["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert_eq!(socket.receive().await, json!({"id": "1", "type": "complete"}));
}

#[tokio::test]
async fn sb_01_protocol_violations_close_the_socket_with_their_codes() {
    let server = TestServer::with(&[]).await;
    for text in [
        "nope",
        "{}",
        r#"{"type":"what"}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{hello}"}}"#,
        r#"{"type":"start"}"#,
    ] {
        let mut socket = server.ready(json!(null)).await;
        socket.0.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.closed().await, 4400, "{text}");
    }
    let mut socket = server.ready(json!(null)).await;
    socket.0.send(Message::binary(b"{}".to_vec())).await.unwrap();
    assert_eq!(socket.closed().await, 4400);

    let mut socket = server.socket().await;
    socket.subscribe("1", "{hello}").await;
    assert_eq!(socket.next().await, Err((4401, "Unauthorized".to_owned())));

    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "subscription {silence}").await;
    socket.subscribe("1", "subscription {silence}").await;
    assert_eq!(socket.closed().await, 4409);
    server.eventually("nothing is left running", |server| server.traces.running.load(SeqCst) == 0).await;

    let mut socket = server.ready(json!(null)).await;
    socket.send_json(json!({"type": "connection_init"})).await;
    assert_eq!(socket.next().await, Err((4429, "Too many initialisation requests".to_owned())));
}

#[tokio::test]
async fn sb_01_unsupported_subprotocol_is_rejected() {
    let server = TestServer::with(&[]).await;
    for protocols in ["", "soap", "graphql-transport-ws2"] {
        assert_eq!(server.handshake(protocols, &[]).await.err(), Some(400), "{protocols}");
    }
}

/// A proxy without WebSocket support drops the hop-by-hop headers.
#[tokio::test]
async fn sb_01_handshake_without_hop_by_hop_headers_is_rejected_with_their_names() {
    let server = TestServer::with(&[]).await;
    let key = "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
               sec-websocket-protocol: graphql-transport-ws\r\n";
    for (headers, missing) in [
        ("connection: close\r\n", "lacks Upgrade: websocket and Connection: Upgrade;"),
        ("connection: upgrade, close\r\n", "lacks Upgrade: websocket;"),
        ("connection: close\r\nupgrade: websocket\r\n", "lacks Connection: Upgrade;"),
    ] {
        let response = server.raw(format!("GET /graphql HTTP/1.1\r\nhost: x\r\n{headers}{key}\r\n")).await;
        assert!(response.starts_with("HTTP/1.1 400 ") && response.contains(missing), "{response}");
    }
}

#[tokio::test]
async fn sb_01_pings_are_answered() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.socket().await;
    socket.send_json(json!({"type": "ping", "payload": {"n": 1}})).await;
    assert_eq!(socket.receive().await, json!({"type": "pong", "payload": {"n": 1}}));
    socket.send_json(json!({"type": "pong"})).await;
    socket.send_json(json!({"type": "ping"})).await;
    assert_eq!(socket.receive().await, json!({"type": "pong"}));
}

#[tokio::test]
async fn sb_03_socket_without_connection_init_is_closed() {
    let server = TestServer::with_config(&[], |http| http.timeouts.init = Duration::from_millis(50)).await;
    for protocol in ["graphql-transport-ws", "graphql-ws"] {
        let mut socket = server.handshake(protocol, &[]).await.ok().unwrap();
        // Pings do not count as `connection_init`.
        if protocol == "graphql-transport-ws" {
            socket.send_json(json!({"type": "ping"})).await;
        }
        assert_eq!(socket.closed().await, 4408, "{protocol}");
    }
    let mut socket = server.ready(json!(null)).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    socket.subscribe("1", "{hello}").await;
    assert_eq!(socket.receive().await["type"], "next");
}

#[tokio::test]
async fn sb_05_bad_credentials_are_4403_without_details() {
    let server = TestServer::with(&[]).await;
    for payload in [
        json!({"Authorization": "Bearer bad"}),
        json!({"authorization": "bad"}),
        json!({"token": "bad"}),
        json!({"authorization": 5}),
        json!({"token": {"token": "good"}}),
    ] {
        let mut socket = server.socket().await;
        socket.send_json(json!({"type": "connection_init", "payload": payload})).await;
        assert_eq!(socket.next().await, Err((4403, "Forbidden".to_owned())));
    }
    let who = async |payload: Value, headers: &[(&'static str, &str)]| {
        let mut socket = server.handshake("graphql-transport-ws", headers).await.ok().unwrap();
        socket.send_json(json!({"type": "connection_init", "payload": payload})).await;
        socket.receive().await;
        socket.subscribe("1", "{who}").await;
        socket.receive().await["payload"]["data"]["who"].clone()
    };
    assert_eq!(who(json!({"Authorization": "Bearer good"}), &[]).await, "signed in");
    assert_eq!(who(json!({}), &[("authorization", "Bearer good")]).await, "signed in");
    assert_eq!(who(json!({}), &[]).await, "anonymous");
}

#[tokio::test]
async fn tk_08_socket_is_closed_when_its_token_expires() {
    let server = TestServer::with(&[]).await;
    let (mut signed_in, mut anonymous) = (server.ready(json!({"token": "good"})).await, server.ready(json!({})).await);
    for socket in [&mut signed_in, &mut anonymous] {
        socket.subscribe("1", "subscription {silence}").await;
    }
    server.eventually("both run", |server| server.traces.running.load(SeqCst) == 2).await;
    server.clock.advance(Duration::from_secs(600));
    assert_eq!(signed_in.next().await, Err((4403, "Forbidden".to_owned())));
    anonymous.subscribe("2", "{hello}").await;
    assert_eq!(anonymous.receive().await["type"], "next");
    assert_eq!(server.traces.running.load(SeqCst), 1);
}

#[tokio::test]
async fn tk_07_socket_is_closed_only_when_its_own_token_is_revoked() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!({"token": "good"})).await;
    server.tokens.tick();
    socket.subscribe("1", "{who}").await;
    assert_eq!(socket.receive().await["payload"]["data"]["who"], "signed in");
    server.tokens.revoke();
    assert_eq!(socket.closed().await, 4403);
}

#[tokio::test]
async fn sb_09_document_limits_apply_to_sockets() {
    let server = TestServer::with(&[("ENVIRONMENT", "production")]).await;
    let mut socket = server.ready(json!(null)).await;
    for (text, code) in [
        (format!("{{{}}}", "hello ".repeat(300)), "TOO_COMPLEX"),
        (format!("{}{}", "{nested".repeat(500), "}".repeat(500)), "TOO_COMPLEX"),
        ("mutation {a: bump b: bump}".to_owned(), "TOO_COMPLEX"),
        ("{__schema {types {name}}}".to_owned(), "FORBIDDEN"),
    ] {
        socket.subscribe("1", &text).await;
        let message = socket.receive().await;
        assert_eq!((&message["type"], &message["payload"][0]["extensions"]["code"]), (&json!("error"), &json!(code)));
    }
    assert_eq!(server.traces.bumps.load(SeqCst), 0);
}

#[tokio::test]
async fn fd_08_a_panic_ends_one_operation() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "subscription {panicking}").await;
    assert_eq!(socket.receive().await["type"], "next");
    let message = socket.receive().await;
    assert_eq!((&message["type"], &message["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("INTERNAL")));
    socket.subscribe("1", "{hello}").await;
    assert_eq!(socket.receive().await["type"], "next");
}

/// A fragment of a text message.
fn fragment(text: &str, begins: bool, ends: bool) -> Message {
    let code = if begins { Data::Text } else { Data::Continue };
    Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(code), ends))
}

/// A message that never ends must not bypass the message rate limit.
#[tokio::test]
async fn sb_08_frames_are_rate_limited_like_messages() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!(null)).await;
    // A message may come in fragments.
    let text = json!({"type": "ping"}).to_string();
    let last = text.len() - 1;
    for (at, piece) in text.split("").filter(|piece| !piece.is_empty()).enumerate() {
        socket.0.send(fragment(piece, at == 0, at == last)).await.unwrap();
    }
    assert_eq!(socket.receive().await, json!({"type": "pong"}));
    socket.0.feed(fragment("", true, false)).await.unwrap();
    for _ in 0..2000 {
        // The server may have closed the socket by now.
        if socket.0.feed(fragment("", false, false)).await.is_err() {
            break;
        }
    }
    let _ = socket.0.flush().await;
    assert_eq!(socket.closed().await, 1008);
}
