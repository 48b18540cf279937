//! A hanging provider delays only its own messages.

use std::time::Duration;

use serde_json::json;

use super::{
    load::{ADDRESS, phone, send, until, until_settled},
    without_quotas,
};
use crate::{
    delivery::{
        fake_provider::{Action, FakeProvider},
        setup::{SECRET, accept_all, number},
    },
    support::TEST_TIMEOUT,
};

const PROVIDER_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hanging_provider_delays_neither_requests_nor_other_channels_nor_shutdown() {
    let gateway = FakeProvider::start(|_| Action::Hang).await;
    let config = without_quotas()
        .await
        .with("SMS_PROVIDER", "webhook")
        .with("DELIVERY_WEBHOOK_URL", &gateway.url())
        .with("DELIVERY_WEBHOOK_SECRET", SECRET)
        .with("PROVIDER_TIMEOUT", "5s");
    let child = config.serve().await;
    let mut ids = Vec::new();
    let started = std::time::Instant::now();
    for at in 0..60 {
        ids.push(send(&child, &phone(at)).await.id().unwrap());
    }
    // If each of them had waited for the provider, it would have taken at least five minutes.
    assert!(started.elapsed() < PROVIDER_TIMEOUT * 30, "sends waited for a provider: {:?}", started.elapsed());
    let document = "mutation { it: sendVerificationCode(input: { purpose: CONTACT, to: { email: \"minji@example.com\" } }) \
                    { ... on SendVerificationCodePayload { verification { id } } } }";
    let message = child.execute(ADDRESS, document, json!({})).await.unwrap();
    let message = message["data"]["it"]["verification"]["id"].as_str().unwrap().to_owned();
    assert_eq!(until_settled(&child, &message, TEST_TIMEOUT).await, "SENT");
    child.signal("TERM");
    let status = child.wait_exit(TEST_TIMEOUT).await;
    assert!(status.success(), "{status}: {}", config.log_text());

    gateway.behave(accept_all);
    let child = config.serve().await;
    for id in &ids {
        assert_eq!(until_settled(&child, id, TEST_TIMEOUT).await, "SENT");
    }
    until("every number got its message", TEST_TIMEOUT, || async {
        let numbers: std::collections::BTreeSet<_> = gateway.requests().iter().map(number).collect();
        (numbers.len() == ids.len()).then_some(())
    })
    .await;
}
