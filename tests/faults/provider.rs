//! A provider that hangs: nobody waits for it but its own messages.

use std::time::Duration;

use serde_json::json;

use super::{
    load::{ADDRESS, phone, send, until, until_settled},
    unlimited,
};
use crate::{
    delivery::{
        carrier::{Act, Carrier},
        setup::{SECRET, number, takes},
    },
    support::TEST_TIMEOUT,
};

const PROVIDER_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_hangs_holds_up_neither_people_nor_other_channels_nor_the_end() {
    let gateway = Carrier::start(|_| Act::Hang).await;
    let plan = unlimited()
        .await
        .with("SMS_PROVIDER", "webhook")
        .with("DELIVERY_WEBHOOK_URL", &gateway.url())
        .with("DELIVERY_WEBHOOK_SECRET", SECRET)
        .with("PROVIDER_TIMEOUT", "5s");
    let child = plan.serve().await;
    let mut ids = Vec::new();
    let begun = std::time::Instant::now();
    for at in 0..60 {
        ids.push(send(&child, &phone(at)).await.id().unwrap());
    }
    // Had each of them waited for the provider, it would have been five minutes at least.
    assert!(begun.elapsed() < PROVIDER_TIMEOUT * 30, "sends waited for a provider: {:?}", begun.elapsed());
    let document = "mutation { it: sendVerificationCode(input: { purpose: CONTACT, to: { email: \"minji@example.com\" } }) \
                    { ... on SendVerificationCodePayload { verification { id } } } }";
    let letter = child.execute(ADDRESS, document, json!({})).await.unwrap();
    let letter = letter["data"]["it"]["verification"]["id"].as_str().unwrap().to_owned();
    assert_eq!(until_settled(&child, &letter, TEST_TIMEOUT).await, "SENT");
    child.signal("TERM");
    let status = child.ended_within(TEST_TIMEOUT).await;
    assert!(status.success(), "{status}: {}", plan.logged());

    gateway.behave(takes);
    let child = plan.serve().await;
    for id in &ids {
        assert_eq!(until_settled(&child, id, TEST_TIMEOUT).await, "SENT");
    }
    until("every number got its message", TEST_TIMEOUT, || async {
        let numbers: std::collections::BTreeSet<_> = gateway.seen().iter().map(number).collect();
        (numbers.len() == ids.len()).then_some(())
    })
    .await;
}
