//! The subscription to a verification's status (SB-04, SB-14).

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use crate::support::{Setup, Socket, TestApp, different_code as wrong, env_var};

const PHONE: &str = "+821022223333";

/// Subscribed before, during or after the confirmation, every client sees the final status.
#[tokio::test]
async fn every_subscriber_sees_the_end() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let mut before = visitor.watch(&id).await;
    let first = before.next().await.unwrap();
    assert_eq!((&first["status"], &first["maskedTo"]), (&json!("PENDING"), &json!("+82 10-••••-3333")));
    let (during, _) = tokio::join!(visitor.watch(&id), visitor.confirm(&id, &code));
    let (mut during, mut after) = (during, visitor.watch(&id).await);
    for watch in [&mut before, &mut during, &mut after] {
        assert_eq!(watch.last().await["status"], "VERIFIED");
    }
    // After the end there is one state, and then the stream completes.
    let mut late = visitor.watch(&id).await;
    assert_eq!(late.next().await.unwrap()["status"], "VERIFIED");
    assert!(late.next().await.is_none());
    app.stop().await;
}

/// Components of a page contribute fragments from the root down.
#[tokio::test]
async fn sb_04_fragment_at_the_root_gets_all_states() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let mut watches = Vec::new();
    for query in [
        "subscription($id: ID!) { ...F } fragment F on Subscription { verificationStatus(id: $id) { status } }",
        "subscription($id: ID!) { ... on Subscription { verificationStatus(id: $id) { status } } }",
        "subscription($id: ID!) { ... { verificationStatus(id: $id) { status } } }",
    ] {
        let socket = Socket::open(app.url(), "198.51.100.1", None).await;
        let mut watch = socket.subscribe(query, json!({ "id": id })).await;
        assert_eq!(watch.next().await.unwrap(), json!({ "status": "PENDING" }), "{query}");
        watches.push(watch);
    }
    visitor.confirm(&id, &code).await;
    for mut watch in watches {
        assert_eq!(watch.last().await, json!({ "status": "VERIFIED" }));
    }
    app.stop().await;
}

/// A client that reconnects gets the current state first.
#[tokio::test]
async fn reconnecting_client_sees_the_current_state() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let mut watch = visitor.watch(&id).await;
    let seen = watch.until(|state| state["delivery"]["status"] == "SENT").await;
    drop(watch);
    for _ in 0..2 {
        visitor.confirm(&id, &wrong(&code)).await;
    }
    let back = visitor.watch(&id).await.next().await.unwrap();
    assert_eq!(back["attemptsRemaining"], 3);
    assert!(back["sequence"].as_i64() > seen["sequence"].as_i64());
    app.stop().await;
}

/// Every guess, in order and once; then LOCKED.
#[tokio::test]
async fn states_arrive_in_order_without_duplicates() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let mut watch = visitor.watch(&id).await;
    let guessing = async {
        for _ in 0..5 {
            visitor.confirm(&id, &wrong(&code)).await;
        }
    };
    let watching = async {
        let mut states = Vec::new();
        while let Some(state) = watch.next().await {
            states.push((state["sequence"].as_i64().unwrap(), state["attemptsRemaining"].as_i64().unwrap()));
        }
        states
    };
    let ((), states) = tokio::join!(guessing, watching);
    assert!(states.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 >= pair[1].1), "{states:?}");
    assert_eq!(states.last().unwrap().1, 0);
    app.stop().await;
}

/// CL-03: EXPIRED is derived from the time and not written; from then on the right code is rejected.
#[tokio::test]
async fn verification_expires_to_the_second() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let mut watch = visitor.watch(&id).await;
    let sent = watch.until(|state| state["delivery"]["status"] == "SENT").await;
    app.advance(Duration::from_millis(299_999));
    assert_eq!(visitor.verification(&id).await["status"], "PENDING");
    app.advance(Duration::from_millis(1));
    let expired = watch.next().await.unwrap();
    assert_eq!(expired["status"], "EXPIRED");
    assert!(expired["sequence"].as_i64() > sent["sequence"].as_i64());
    assert_eq!(expired, visitor.verification(&id).await);
    assert!(watch.next().await.is_none());
    let late = visitor.confirm(&id, &code).await;
    assert_eq!(
        (&late["__typename"], &late["verification"]["status"]),
        (&json!("VerificationNotPending"), &json!("EXPIRED"))
    );
    app.stop().await;
}

/// Twenty sockets with fifty streams each: all of a thousand subscribers see the end, and none sees a state twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousand_subscribers_all_see_the_end() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    visitor.watch(&id).await.until(|state| state["delivery"]["status"] == "SENT").await;
    let document = "subscription($id: ID!) { verificationStatus(id: $id) { status sequence } }";
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = visitor.socket().await;
        for n in 0..50 {
            let payload = json!({ "query": document, "variables": { "id": id } });
            socket.send(&json!({ "id": n.to_string(), "type": "subscribe", "payload": payload })).await;
        }
        sockets.push(socket);
    }
    // Every stream has received its first state before the change.
    for socket in &mut sockets {
        for _ in 0..50 {
            let message = socket.receive().await.unwrap();
            assert_eq!(message["payload"]["data"]["verificationStatus"]["status"], "PENDING", "{message:#}");
        }
    }
    visitor.confirm(&id, &code).await;
    for socket in &mut sockets {
        let mut ended = BTreeMap::new();
        while ended.values().filter(|end| **end == "complete").count() < 50 {
            let message = socket.receive().await.unwrap();
            let stream = message["id"].as_str().unwrap().to_owned();
            match message["type"].as_str().unwrap() {
                "next" => {
                    assert_eq!(message["payload"]["data"]["verificationStatus"]["status"], "VERIFIED");
                    assert!(ended.insert(stream, "verified").is_none(), "twice");
                }
                "complete" => assert_eq!(ended.insert(stream, "complete"), Some("verified")),
                other => panic!("{other}: {message:#}"),
            }
        }
    }
    app.stop().await;
}

/// EN-06: an unknown or malformed id ends with NOT_FOUND.
#[tokio::test]
async fn unknown_id_is_not_found() {
    let app = TestApp::start().await;
    for id in ["ver_00000000000000000000000000", "", "x", "acc_00000000000000000000000000", "ver_\u{0}"] {
        let mut watch = app.anonymous().watch(&json!(id)).await;
        assert_eq!(watch.errors().await[0]["extensions"]["code"], "NOT_FOUND", "{id:?}");
        assert_eq!(app.anonymous().verification(&json!(id)).await, json!(null));
    }
    app.stop().await;
}

/// SB-08: open streams per address are limited.
#[tokio::test]
async fn sockets_per_address_are_limited() {
    let app = Setup::new().await.with("SOCKETS_PER_ADDRESS", "2").start().await;
    let held = [app.anonymous().socket().await, app.anonymous().socket().await];
    let mut request = tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(format!(
        "{}/graphql",
        app.url().replace("http://", "ws://")
    ))
    .unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    request.headers_mut().insert("x-forwarded-for", "198.51.100.1".parse().unwrap());
    assert!(tokio_tungstenite::connect_async(request).await.is_err());
    drop(app.client_at("203.0.113.9").socket().await);
    drop(held);
    app.stop().await;
}

/// A change at one process is seen at another through Redis.
#[tokio::test]
async fn change_at_another_process_is_seen() {
    if env_var("COUNTERSIGN_TEST_REDIS_URL").is_none() {
        eprintln!("LEFT OUT: a change at another process is seen: no COUNTERSIGN_TEST_REDIS_URL");
        return;
    }
    let one = TestApp::start().await;
    let other = one.another_process().await;
    let id = one.anonymous().send_code_to(PHONE).await["id"].clone();
    let mut watch = other.anonymous().watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;
    let code = one.code_sent_to(PHONE).await;
    one.anonymous().confirm(&id, &wrong(&code)).await;
    watch.until(|state| state["attemptsRemaining"] == 4).await;
    one.anonymous().confirm(&id, &code).await;
    assert_eq!(watch.last().await["status"], "VERIFIED");
    other.stop().await;
    one.stop().await;
}
