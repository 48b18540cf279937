//! What a provider may be asked at once, and what a slow one holds up.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, by, phone, shows, taken},
};
use crate::{providers::double::Reply, support::TEST_TIMEOUT};

#[tokio::test]
async fn dl_04_no_more_calls_at_a_time_than_the_provider_was_given() {
    let gateway = Carrier::start(|_| Act::SayAfter(Duration::from_millis(50), taken("x"))).await;
    let app = by("webhook").await.with("PROVIDER_CONCURRENCY", "9, webhook=3").gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let mut ids = Vec::new();
    for number in 0..24 {
        ids.push(visitor.send_code_to(&phone(number)).await["id"].clone());
    }
    for id in &ids {
        shows(&visitor, id, "SENT").await;
    }
    assert_eq!(gateway.seen().len(), 24);
    assert!((2..=3).contains(&gateway.most_in_flight()), "{}", gateway.most_in_flight());
    app.stop().await;
}

#[tokio::test]
async fn dl_04_no_more_messages_a_second_than_the_provider_was_given() {
    let gateway = Carrier::start(|_| Act::Say(taken("x"))).await;
    let app = by("webhook").await.with("PROVIDER_RATE", "unlimited, webhook=2").gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(visitor.send_code_to(&phone(number)).await["id"].clone());
    }
    gateway.seen_at_least(2).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(gateway.seen().len(), 2, "the clock stands still");
    app.advance(Duration::from_millis(1000));
    gateway.seen_at_least(4).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(gateway.seen().len(), 4);
    app.advance(Duration::from_secs(2));
    for id in &ids {
        shows(&visitor, id, "SENT").await;
    }
    app.stop().await;
}

#[tokio::test]
async fn dl_03_a_provider_that_hangs_holds_up_neither_answers_nor_other_channels() {
    let gateway = Carrier::start(|_| Act::Hang).await;
    let app = by("webhook").await.with("DISPATCH_CONCURRENCY", "4").with("PROVIDER_TIMEOUT", "60s");
    let app = app.gateway(&gateway).start().await;
    let visitor = app.anonymous();
    for number in 0..20 {
        let asked = Instant::now();
        visitor.send_code_to(&phone(number)).await;
        // The provider hangs for as long as PROVIDER_TIMEOUT.
        assert!(asked.elapsed() < Duration::from_secs(50), "{:?}", asked.elapsed());
    }
    gateway.seen_at_least(4).await;
    let sent = visitor.send_code(json!({ "purpose": "CONTACT", "to": { "email": "minji@example.com" } })).await;
    let id = sent["verification"]["id"].clone();
    shows(&visitor, &id, "SENT").await;
    assert_eq!(app.code_sent_to("minji@example.com").await.len(), 6);
    app.stop().await;
}

/// Whatever a provider does, sends are answered as fast, and it is used again once it is back.
#[tokio::test]
async fn dl_03_a_provider_that_misbehaves_holds_up_no_answer_and_is_used_again() {
    let gateway = Carrier::start(|_| Act::Hang).await;
    let app = by("webhook").await.with("PROVIDER_TIMEOUT", "60s").gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let misdeeds: [fn() -> Act; 7] = [
        || Act::SayAfter(Duration::from_secs(30), taken("late")),
        || Act::Drop,
        || Act::Say(Reply::text(400, "no")),
        || Act::Say(Reply::text(401, "no")),
        || Act::Say(Reply::text(429, "slow").with("retry-after", "2")),
        || Act::Say(Reply::text(503, "no")),
        || Act::Say(Reply::text(500, "<html>").with("content-type", "text/html")),
    ];
    for (number, misdeed) in misdeeds.into_iter().enumerate() {
        gateway.behave(move |_| misdeed());
        let (before, asked) = (gateway.asked(), Instant::now());
        visitor.send_code_to(&phone(2 * number)).await;
        // The slowest of them takes thirty seconds.
        assert!(asked.elapsed() < Duration::from_secs(25), "{number}: {:?}", asked.elapsed());
        gateway.seen_at_least(before + 1).await;
        gateway.behave(|_| Act::Say(taken("x")));
        let id = visitor.send_code_to(&phone(2 * number + 1)).await["id"].clone();
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
        while visitor.verification(&id).await["delivery"]["status"] != "SENT" {
            assert!(tokio::time::Instant::now() < deadline, "{number}: never sent");
            // The end of its rest, where it was given one.
            app.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    app.stop().await;
}
