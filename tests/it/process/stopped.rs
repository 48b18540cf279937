//! SIGTERM (OP-05).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::child::{Child, ChildConfig};

/// Sends until requests are no longer accepted; returns the phone numbers of the acknowledged messages.
async fn send_until_stopped(child: Arc<Child>, sender: usize, answered: Arc<AtomicUsize>) -> Vec<String> {
    let document = "mutation($phone: String!) { it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) \
         { __typename } }";
    let mut sent = Vec::new();
    for n in 0..1000 {
        let phone = format!("+82104{sender}3{n:05}");
        let body = json!({ "query": document, "variables": { "phone": phone } });
        match child.http.post(format!("{}/graphql", child.url)).json(&body).send().await {
            Ok(response) => {
                // An accepted request is completed.
                let status = response.status();
                let body = response.text().await.unwrap();
                if status != 200 || !body.contains("SendVerificationCodePayload") {
                    assert!(status == 503 || body.contains("UNAVAILABLE"), "{status}: {body}");
                    break;
                }
                sent.push(phone);
                answered.fetch_add(1, Ordering::SeqCst);
            }
            // New requests are not accepted.
            Err(error) => {
                assert!(error.is_connect() || error.is_request(), "{error:?}");
                break;
            }
        }
    }
    sent
}

/// Under load: started requests get their responses, the exit is clean and in time, and acknowledged messages are sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_stops_gracefully_under_load() {
    let config =
        ChildConfig::new().await.with("CLIENT_SENDS_PER_MINUTE", "unlimited").with("PUMPING_MIN_SENDS", "unlimited");
    let child = Arc::new(config.serve().await);
    let answered = Arc::new(AtomicUsize::new(0));
    let sending: Vec<_> = (0..8)
        .map(|sender| tokio::spawn(send_until_stopped(Arc::clone(&child), sender, Arc::clone(&answered))))
        .collect();
    // During a request.
    while answered.load(Ordering::SeqCst) < 50 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.signal("TERM");
    let mut acknowledged = Vec::new();
    for sender in sending {
        acknowledged.extend(sender.await.unwrap());
    }
    let child = Arc::try_unwrap(child).unwrap_or_else(|_| panic!("the value is no longer shared"));
    let status = child.wait_exit(crate::support::TEST_TIMEOUT).await;
    assert!(status.success(), "{status}: {}", config.log_text());
    // Unsent messages are in the table and are sent after the next start.
    let child = config.serve().await;
    let deadline = tokio::time::Instant::now() + crate::support::TEST_TIMEOUT;
    loop {
        let outbox = child.outbox().await;
        let missing: Vec<_> = acknowledged.iter().filter(|phone| !outbox.iter().any(|m| m["to"] == ***phone)).collect();
        if missing.is_empty() {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{missing:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A second signal ends the process without waiting.
#[tokio::test]
async fn second_signal_ends_the_process_at_once() {
    let config = ChildConfig::new().await.with("SHUTDOWN_GRACE", "60s");
    let child = config.serve().await;
    // A request that is never completed delays the graceful stop.
    let address = config.vars["LISTEN_ADDR"].clone();
    let mut held = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
    tokio::io::AsyncWriteExt::write_all(&mut held, head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    child.signal("TERM");
    tokio::time::sleep(Duration::from_millis(500)).await;
    child.signal("TERM");
    let status = child.wait_exit(crate::support::TEST_TIMEOUT).await;
    assert!(!status.success(), "it did not exit at once");
    drop(held);
}
