//! Why a message did not arrive, as the page sees it, and when a verification changed.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, SECRET, by, gateway_tells, phone, shows, takes},
};
use crate::{providers::double::Reply, support::Person};

async fn fails(visitor: &Person, number: usize, status: &str) -> Value {
    let id = visitor.send_code_to(&phone(number)).await["id"].clone();
    let mut watch = visitor.watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == status).await["delivery"]["failure"].clone()
}

#[tokio::test]
async fn what_the_provider_refuses_shows_why() {
    let answers = [
        (json!({ "rejected": "recipient" }), "RECIPIENT"),
        (json!({ "rejected": "blocked" }), "BLOCKED"),
        (json!({ "rejected": "destination" }), "BLOCKED"),
        (json!({ "rejected": "content" }), "CONTENT"),
        (json!({ "rejected": "sender" }), "PROVIDER"),
    ];
    let gateway = Carrier::start(takes).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let visitor = app.anonymous();
    for (number, (answer, failure)) in answers.into_iter().enumerate() {
        gateway.behave(move |_| Act::Say(Reply::json(400, &answer)));
        assert_eq!(fails(&visitor, number, "FAILED").await, failure);
    }
    app.stop().await;
}

#[tokio::test]
async fn receipts_show_why_and_an_arrival_takes_it_back() {
    let gateway = Carrier::start(takes).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let failures = [
        (json!("recipient"), "RECIPIENT"),
        (json!("blocked"), "BLOCKED"),
        (json!("content"), "CONTENT"),
        (json!("provider"), "PROVIDER"),
        (json!("expired"), "EXPIRED"),
        (json!(null), "RECIPIENT"),
    ];
    for (number, (told, failure)) in failures.into_iter().enumerate() {
        let id = visitor.send_code_to(&phone(number)).await["id"].clone();
        let sent = shows(&visitor, &id, "SENT").await;
        assert_eq!(sent["delivery"]["failure"], Value::Null);
        let seen = gateway.seen_at_least(number + 1).await;
        let delivery = seen[number].header("webhook-id");
        let receipt = json!({ "id": delivery, "status": "undelivered", "failure": told });
        assert_eq!(gateway_tells(&app, &receipt, SECRET).await, 200);
        let undelivered = visitor.verification(&id).await;
        assert_eq!(undelivered["delivery"]["failure"], failure, "{undelivered:#}");
        assert_eq!(gateway_tells(&app, &json!({ "id": delivery, "status": "delivered" }), SECRET).await, 200);
        let arrived = visitor.verification(&id).await;
        assert_eq!(arrived["delivery"]["status"], "DELIVERED");
        assert_eq!(arrived["delivery"]["failure"], Value::Null);
    }
    app.stop().await;
}

/// A decoy's message shows SENT and nothing more; so does a real one that failed.
#[tokio::test]
async fn a_discreet_message_shows_no_failure() {
    let gateway = Carrier::start(|_| Act::Say(Reply::json(400, &json!({ "rejected": "recipient" })))).await;
    let app = by("webhook").await.with("TELL_UNKNOWN_CONTACTS", "all").gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let sent = visitor.send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": phone(0) } })).await;
    let id = &sent["verification"]["id"];
    gateway.seen_at_least(1).await;
    let shown = shows(&visitor, id, "SENT").await;
    assert_eq!(shown["delivery"]["failure"], Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn a_resend_begins_without_a_failure_and_every_change_has_its_time() {
    let gateway = Carrier::start(|_| Act::Say(Reply::json(400, &json!({ "rejected": "sender" })))).await;
    let app = by("webhook").await.gateway(&gateway).with("CODE_TTL", "5m").start().await;
    let visitor = app.anonymous();
    let started = visitor.send_code_to(&phone(0)).await;
    assert_eq!(started["updatedAt"], started["createdAt"]);
    let id = &started["id"];
    shows(&visitor, id, "FAILED").await;
    app.advance(Duration::from_secs(61));
    gateway.behave(takes);
    let again = visitor.resend(id).await["verification"].clone();
    assert_eq!(again["delivery"]["failure"], Value::Null, "{again:#}");
    assert_eq!(again["updatedAt"], again["delivery"]["updatedAt"]);
    shows(&visitor, id, "SENT").await;
    app.advance(Duration::from_secs(10));
    // A guess changes no delivery.
    visitor.confirm(id, "000000").await;
    let guessed = visitor.verification(id).await;
    assert!(guessed["updatedAt"].as_str() > guessed["delivery"]["updatedAt"].as_str(), "{guessed:#}");
    app.advance(Duration::from_secs(300));
    let expired = visitor.verification(id).await;
    assert_eq!((&expired["status"], &expired["updatedAt"]), (&json!("EXPIRED"), &expired["expiresAt"]));
    app.stop().await;
}
