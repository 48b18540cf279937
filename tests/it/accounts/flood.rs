//! A thousand concurrent sign-ins against the hashing pool (PW-06), on the real binary, so that its memory can be
//! measured.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::process::child::{Child, ChildConfig};

const AT_ONCE: usize = 1000;
/// So few that even a slow machine hashes them before the requests time out.
const QUEUE: usize = 16;

/// Concurrent sign-ins of unknown accounts, each with its response and duration.
async fn flood(child: &Child) -> Vec<(Value, Duration)> {
    let document = "mutation($input: SignInInput!) { it: signIn(input: $input) { __typename } }";
    join_all((0..AT_ONCE).map(|n| {
        let input = json!({ "identifier": format!("somebody{n}"), "password": "Wrong-pass-1" });
        async move {
            let started = Instant::now();
            let response = child.execute("198.51.100.7", document, json!({ "input": input })).await.unwrap_or_default();
            (response, started.elapsed())
        }
    }))
    .await
}

/// The probes of a load balancer and ordinary requests, on separate connections; returns their sorted durations.
async fn other_requests(child: &Child, over: &AtomicBool) -> Vec<Duration> {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        for path in ["healthz", "graphql?query=%7B__typename%7D"] {
            let started = Instant::now();
            let response = http.get(format!("{}/{path}", child.url)).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            times.push(started.elapsed());
        }
    }
    times.sort();
    times
}

/// Whether the password was verified; otherwise the request was rejected.
fn was_verified(response: &Value) -> bool {
    match (response["data"]["it"]["__typename"].as_str(), response["errors"][0]["extensions"]["code"].as_str()) {
        (Some("CredentialsRejected"), None) => true,
        (None, Some("UNAVAILABLE")) => false,
        _ => panic!("{response:#}"),
    }
}

fn percentile(times: &[Duration], percent: usize) -> Duration {
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pw_06_thousand_concurrent_sign_ins_do_not_block_other_requests() {
    let config = ChildConfig::new()
        .await
        .with("CLIENT_SIGN_INS_PER_MINUTE", "unlimited")
        .with("HASHING_QUEUE", &QUEUE.to_string());
    let child = config.serve().await;
    config.create_user("gildong", "010-2222-3333");
    assert_eq!(child.sign_in("gildong", "Quiet-Harbour-71!").await["__typename"], "SignInPayload");
    let before = child.peak_memory();
    let over = AtomicBool::new(false);
    let flooded = async {
        let responses = flood(&child).await;
        over.store(true, Ordering::Relaxed);
        responses
    };
    let started = Instant::now();
    let (responses, others) = tokio::join!(flooded, other_requests(&child, &over));
    let took = started.elapsed();
    let (verified, refused): (Vec<_>, Vec<_>) = responses.iter().partition(|(response, _)| was_verified(response));
    let grown = child.peak_memory().saturating_sub(before) / 1024;
    let sorted = |responses: &[&(Value, Duration)]| {
        let mut times: Vec<_> = responses.iter().map(|(_, took)| *took).collect();
        times.sort();
        times
    };
    let (verified, refused) = (sorted(&verified), sorted(&refused));
    eprintln!(
        "{} verified in {:?} at the median, {} rejected in {:?}; all in {took:?}; {} others in {:?} (99 %); {grown} MiB more",
        verified.len(),
        percentile(&verified, 50),
        refused.len(),
        percentile(&refused, 50),
        others.len(),
        percentile(&others, 99),
    );
    assert!(verified.len() >= QUEUE, "requests that fit in the queue are verified");
    assert!(!refused.is_empty(), "nothing is rejected, so the queue is not limited");
    assert!(percentile(&refused, 50) < percentile(&verified, 100), "rejected requests are not kept waiting");
    // PW-06 demands half a second for an optimised build on a dedicated machine.
    assert!(
        others.len() >= 50 && percentile(&others, 99) < percentile(&verified, 50),
        "others waited {:?}",
        percentile(&others, 99)
    );
    // PW-06 demands 512.
    assert!(grown < 256, "{grown} MiB more");
    // Afterwards the service works as before.
    assert_eq!(child.sign_in("gildong", "Quiet-Harbour-71!").await["__typename"], "SignInPayload");
    child.kill();
}
