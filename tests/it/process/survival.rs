//! Acknowledged work is not lost, however the process ends (DL-01, FD-01, invariant 4).

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::child::{Child, ChildConfig};

/// A gateway that accepts no message until it is enabled, and then forwards what it accepted to the test.
async fn gateway() -> (String, Arc<AtomicBool>, mpsc::UnboundedReceiver<Value>) {
    let open = Arc::new(AtomicBool::new(false));
    let (taken, messages) = mpsc::unbounded_channel();
    let take = |State((open, taken)): State<(Arc<AtomicBool>, mpsc::UnboundedSender<Value>)>,
                Json(message): Json<Value>| async move {
        let _ = taken.send(message);
        if open.load(Ordering::SeqCst) {
            return StatusCode::OK;
        }
        // The response never comes.
        std::future::pending().await
    };
    let router = Router::new().route("/", post(take)).with_state((Arc::clone(&open), taken));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, open, messages)
}

/// Killed while a provider request is in flight: after the restart the message is sent with the same id and code.
#[tokio::test]
async fn message_in_flight_survives_a_kill_with_its_code() {
    let (url, open, mut messages) = gateway().await;
    let config = ChildConfig::new()
        .await
        .with("SMS_PROVIDER", "webhook")
        .with("EMAIL_PROVIDER", "none")
        .with("DELIVERY_WEBHOOK_URL", &url)
        .with("DELIVERY_WEBHOOK_SECRET", "whsec_hUkEMOeV5Yyign0cVZK/hiatTlcSu2Iw")
        .with("PROVIDER_TIMEOUT", "1s");
    let child = config.serve().await;
    let id = child.send_code("198.51.100.1", "010-2222-3333").await.unwrap();
    let first = messages.recv().await.unwrap();
    child.kill();
    open.store(true, Ordering::SeqCst);
    let child = config.serve().await;
    // The claim of the killed process has to expire first.
    let again = tokio::time::timeout(Duration::from_secs(60), messages.recv()).await.unwrap().unwrap();
    assert_eq!(code_in(&first), code_in(&again));
    until_shown(&child, &id, "SENT").await;
    let document = "mutation($id: ID!, $code: String!) { it: confirmVerificationCode(input: { verificationId: $id, code: $code }) \
         { __typename } }";
    let code = code_in(&again);
    let confirmed = child.execute("198.51.100.1", document, json!({ "id": id, "code": code })).await.unwrap();
    assert_eq!(confirmed["data"]["it"]["__typename"], "ConfirmVerificationCodePayload");
}

/// The code in a message that the gateway received: a word of six digits.
fn code_in(message: &Value) -> String {
    let text = message.to_string();
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit()))
        .unwrap_or_else(|| panic!("{text}"))
        .to_owned()
}

async fn until_shown(child: &Child, id: &str, status: &str) {
    let document = "query($id: ID!) { verification(id: $id) { delivery { status } } }";
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let shown = child.execute("198.51.100.1", document, json!({ "id": id })).await.unwrap();
        if shown["data"]["verification"]["delivery"]["status"] == status {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{shown:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Sends until the connection breaks; returns the acknowledged phone numbers with their verification ids.
async fn send_until_killed(child: Arc<Child>, prefix: String, answered: Arc<AtomicUsize>) -> Vec<(String, String)> {
    let mut sent = Vec::new();
    for n in 0..1000 {
        let phone = format!("{prefix}{n:05}");
        let Some(id) = child.send_code("198.51.100.1", &phone).await else { break };
        sent.push((phone, id));
        answered.fetch_add(1, Ordering::SeqCst);
    }
    sent
}

/// Killed repeatedly under load: every acknowledged message is in the outbox once or is shown as failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_message_is_lost_under_load() {
    let config = ChildConfig::new()
        .await
        .with("CLIENT_SENDS_PER_MINUTE", "unlimited")
        .with("PUMPING_MIN_SENDS", "unlimited")
        .with("PROVIDER_TIMEOUT", "1s");
    let mut acknowledged = BTreeMap::new();
    for round in 0..4 {
        let child = Arc::new(config.serve().await);
        let answered = Arc::new(AtomicUsize::new(0));
        let sending: Vec<_> = (0..8)
            .map(|sender| {
                let prefix = format!("+8210{round}{sender}2");
                tokio::spawn(send_until_killed(Arc::clone(&child), prefix, Arc::clone(&answered)))
            })
            .collect();
        while answered.load(Ordering::SeqCst) < 20 + 7 * round {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        child.signal("KILL");
        for sender in sending {
            acknowledged.extend(sender.await.unwrap());
        }
    }
    let child = config.serve().await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(90);
    loop {
        let mut messages: BTreeMap<String, usize> = BTreeMap::new();
        for message in child.outbox().await {
            *messages.entry(message["to"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let missing: Vec<_> = acknowledged.keys().filter(|phone| !messages.contains_key(*phone)).collect();
        if missing.is_empty() {
            let twice: Vec<_> = messages.iter().filter(|(_, count)| **count > 1).collect();
            assert!(twice.is_empty(), "twice: {twice:?}");
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{} of {} are missing", missing.len(), acknowledged.len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // The code in the message is the code of its verification.
    let (phone, id) = acknowledged.first_key_value().unwrap();
    let outbox = child.outbox().await;
    let code = outbox.iter().find(|message| message["to"] == **phone).unwrap()["code"].clone();
    let document = "mutation($id: ID!, $code: String!) { it: confirmVerificationCode(input: { verificationId: $id, code: $code }) \
         { __typename } }";
    let confirmed = child.execute("198.51.100.1", document, json!({ "id": id, "code": code })).await.unwrap();
    assert_eq!(confirmed["data"]["it"]["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
}
