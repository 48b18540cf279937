//! SIGTERM (OP-05).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use super::child::Plan;

/// Under load: what was begun is answered, the exit is clean and in time, and what was acknowledged is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_gracefully_under_load() {
    let plan = Plan::new().await.with("CLIENT_SENDS_PER_MINUTE", "unlimited").with("PUMPING_MIN_SENDS", "unlimited");
    let child = Arc::new(plan.serve().await);
    let answered = Arc::new(AtomicUsize::new(0));
    let sending: Vec<_> = (0..8)
        .map(|sender| {
            let (child, answered) = (Arc::clone(&child), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut sent = Vec::new();
                for n in 0..1000 {
                    let phone = format!("+82104{sender}3{n:05}");
                    let document = "mutation($phone: String!) { it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) \
                         { __typename } }";
                    let body = json!({ "query": document, "variables": { "phone": phone } });
                    match child.http.post(format!("{}/graphql", child.url)).json(&body).send().await {
                        Ok(answer) => {
                            // A request that was taken is answered to its end.
                            let status = answer.status();
                            let body = answer.text().await.unwrap();
                            if status == 200 && body.contains("SendVerificationCodePayload") {
                                sent.push(phone);
                                answered.fetch_add(1, Ordering::SeqCst);
                            } else {
                                assert!(status == 503 || body.contains("UNAVAILABLE"), "{status}: {body}");
                                break;
                            }
                        }
                        // No new work.
                        Err(error) => {
                            assert!(error.is_connect() || error.is_request(), "{error:?}");
                            break;
                        }
                    }
                }
                sent
            })
        })
        .collect();
    // In the middle of it.
    while answered.load(Ordering::SeqCst) < 50 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.signal("TERM");
    let mut acknowledged = Vec::new();
    for sender in sending {
        acknowledged.extend(sender.await.unwrap());
    }
    let child = Arc::try_unwrap(child).unwrap_or_else(|_| panic!("it is shared no more"));
    let status = child.ended_within(crate::support::TEST_TIMEOUT).await;
    assert!(status.success(), "{status}: {}", plan.logged());
    // What had not left by then stood in the table, and leaves with the next start.
    let child = plan.serve().await;
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

/// A second signal does not wait for anything.
#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let plan = Plan::new().await.with("SHUTDOWN_GRACE", "60s");
    let child = plan.serve().await;
    // A request that is never finished holds the first stop up.
    let address = plan.vars["LISTEN_ADDR"].clone();
    let mut held = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
    tokio::io::AsyncWriteExt::write_all(&mut held, head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    child.signal("TERM");
    tokio::time::sleep(Duration::from_millis(500)).await;
    child.signal("TERM");
    let status = child.ended_within(crate::support::TEST_TIMEOUT).await;
    assert!(!status.success(), "it did not finish what it had begun");
    drop(held);
}
