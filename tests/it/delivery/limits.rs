//! Concurrency and rate limits of a provider, and isolation from a slow one.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{ProviderSettings, accepted, phone, wait_for_status, with_providers},
};
use crate::{providers::double::Reply, support::TEST_TIMEOUT};

#[tokio::test]
async fn dl_04_provider_concurrency_limit_holds() {
    let gateway = FakeProvider::start(|_| Action::RespondAfter(Duration::from_millis(50), accepted("x"))).await;
    let app =
        with_providers("webhook").await.with("PROVIDER_CONCURRENCY", "9, webhook=3").gateway(&gateway).start().await;
    let client = app.anonymous();
    let mut ids = Vec::new();
    for number in 0..24 {
        ids.push(client.send_code_to(&phone(number)).await["id"].clone());
    }
    for id in &ids {
        wait_for_status(&client, id, "SENT").await;
    }
    assert_eq!(gateway.requests().len(), 24);
    assert!((2..=3).contains(&gateway.max_in_flight()), "{}", gateway.max_in_flight());
    app.stop().await;
}

#[tokio::test]
async fn dl_04_provider_rate_limit_holds() {
    let gateway = FakeProvider::start(|_| Action::Respond(accepted("x"))).await;
    let app =
        with_providers("webhook").await.with("PROVIDER_RATE", "unlimited, webhook=2").gateway(&gateway).start().await;
    let client = app.anonymous();
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(client.send_code_to(&phone(number)).await["id"].clone());
    }
    gateway.wait_for_requests(2).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(gateway.requests().len(), 2, "the clock is stopped");
    app.advance(Duration::from_millis(1000));
    gateway.wait_for_requests(4).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(gateway.requests().len(), 4);
    app.advance(Duration::from_secs(2));
    for id in &ids {
        wait_for_status(&client, id, "SENT").await;
    }
    app.stop().await;
}

#[tokio::test]
async fn dl_03_hanging_provider_delays_neither_responses_nor_other_channels() {
    let gateway = FakeProvider::start(|_| Action::Hang).await;
    let app = with_providers("webhook").await.with("DISPATCH_CONCURRENCY", "4").with("PROVIDER_TIMEOUT", "60s");
    let app = app.gateway(&gateway).start().await;
    let client = app.anonymous();
    for number in 0..20 {
        let requests = Instant::now();
        client.send_code_to(&phone(number)).await;
        // The provider hangs for as long as PROVIDER_TIMEOUT.
        assert!(requests.elapsed() < Duration::from_secs(50), "{:?}", requests.elapsed());
    }
    gateway.wait_for_requests(4).await;
    let sent = client.send_code(json!({ "purpose": "CONTACT", "to": { "email": "minji@example.com" } })).await;
    let id = sent["verification"]["id"].clone();
    wait_for_status(&client, &id, "SENT").await;
    assert_eq!(app.code_sent_to("minji@example.com").await.len(), 6);
    app.stop().await;
}

/// Whatever a provider does, responses to sends stay fast, and the provider is used again after it recovers.
#[tokio::test]
async fn dl_03_misbehaving_provider_delays_no_response_and_recovers() {
    let gateway = FakeProvider::start(|_| Action::Hang).await;
    let app = with_providers("webhook").await.with("PROVIDER_TIMEOUT", "60s").gateway(&gateway).start().await;
    let client = app.anonymous();
    let misdeeds: [fn() -> Action; 7] = [
        || Action::RespondAfter(Duration::from_secs(30), accepted("late")),
        || Action::Drop,
        || Action::Respond(Reply::text(400, "no")),
        || Action::Respond(Reply::text(401, "no")),
        || Action::Respond(Reply::text(429, "slow").with("retry-after", "2")),
        || Action::Respond(Reply::text(503, "no")),
        || Action::Respond(Reply::text(500, "<html>").with("content-type", "text/html")),
    ];
    for (number, misdeed) in misdeeds.into_iter().enumerate() {
        gateway.behave(move |_| misdeed());
        let (before, requests) = (gateway.request_count(), Instant::now());
        client.send_code_to(&phone(2 * number)).await;
        // The slowest case takes thirty seconds.
        assert!(requests.elapsed() < Duration::from_secs(25), "{number}: {:?}", requests.elapsed());
        gateway.wait_for_requests(before + 1).await;
        gateway.behave(|_| Action::Respond(accepted("x")));
        let id = client.send_code_to(&phone(2 * number + 1)).await["id"].clone();
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
        while client.verification(&id).await["delivery"]["status"] != "SENT" {
            assert!(tokio::time::Instant::now() < deadline, "{number}: never sent");
            // The end of the open circuit breaker, if it opened.
            app.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    app.stop().await;
}
