//! The failure of a delivery as shown to clients, and the time of the last change of a verification.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{ProviderSettings, SECRET, accept_all, phone, post_gateway_receipt, wait_for_status, with_providers},
};
use crate::{providers::double::Reply, support::ApiClient};

async fn failure_of(client: &ApiClient, number: usize, status: &str) -> Value {
    let id = client.send_code_to(&phone(number)).await["id"].clone();
    let mut watch = client.watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == status).await["delivery"]["failure"].clone()
}

#[tokio::test]
async fn provider_rejection_shows_its_failure() {
    let responses = [
        (json!({ "rejected": "recipient" }), "RECIPIENT"),
        (json!({ "rejected": "blocked" }), "BLOCKED"),
        (json!({ "rejected": "destination" }), "BLOCKED"),
        (json!({ "rejected": "content" }), "CONTENT"),
        (json!({ "rejected": "sender" }), "PROVIDER"),
    ];
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let client = app.anonymous();
    for (number, (response, failure)) in responses.into_iter().enumerate() {
        gateway.behave(move |_| Action::Respond(Reply::json(400, &response)));
        assert_eq!(failure_of(&client, number, "FAILED").await, failure);
    }
    app.stop().await;
}

#[tokio::test]
async fn receipt_shows_its_failure_and_delivery_clears_it() {
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let client = app.anonymous();
    let failures = [
        (json!("recipient"), "RECIPIENT"),
        (json!("blocked"), "BLOCKED"),
        (json!("content"), "CONTENT"),
        (json!("provider"), "PROVIDER"),
        (json!("expired"), "EXPIRED"),
        (json!(null), "RECIPIENT"),
    ];
    for (number, (reported, failure)) in failures.into_iter().enumerate() {
        let id = client.send_code_to(&phone(number)).await["id"].clone();
        let sent = wait_for_status(&client, &id, "SENT").await;
        assert_eq!(sent["delivery"]["failure"], Value::Null);
        let seen = gateway.wait_for_requests(number + 1).await;
        let delivery = seen[number].header("webhook-id");
        let receipt = json!({ "id": delivery, "status": "undelivered", "failure": reported });
        assert_eq!(post_gateway_receipt(&app, &receipt, SECRET).await, 200);
        let undelivered = client.verification(&id).await;
        assert_eq!(undelivered["delivery"]["failure"], failure, "{undelivered:#}");
        assert_eq!(post_gateway_receipt(&app, &json!({ "id": delivery, "status": "delivered" }), SECRET).await, 200);
        let delivered = client.verification(&id).await;
        assert_eq!(delivered["delivery"]["status"], "DELIVERED");
        assert_eq!(delivered["delivery"]["failure"], Value::Null);
    }
    app.stop().await;
}

/// The message of a decoy is always shown as SENT, so a real one that failed has to be shown as SENT too.
#[tokio::test]
async fn discreet_message_shows_no_failure() {
    let gateway = FakeProvider::start(|_| Action::Respond(Reply::json(400, &json!({ "rejected": "recipient" })))).await;
    let app = with_providers("webhook").await.with("TELL_UNKNOWN_CONTACTS", "all").gateway(&gateway).start().await;
    let client = app.anonymous();
    let sent = client.send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": phone(0) } })).await;
    let id = &sent["verification"]["id"];
    gateway.wait_for_requests(1).await;
    let shown = wait_for_status(&client, id, "SENT").await;
    assert_eq!(shown["delivery"]["failure"], Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn resend_clears_the_failure_and_every_change_sets_updated_at() {
    let gateway = FakeProvider::start(|_| Action::Respond(Reply::json(400, &json!({ "rejected": "sender" })))).await;
    let app = with_providers("webhook").await.gateway(&gateway).with("CODE_TTL", "5m").start().await;
    let client = app.anonymous();
    let started = client.send_code_to(&phone(0)).await;
    assert_eq!(started["updatedAt"], started["createdAt"]);
    let id = &started["id"];
    wait_for_status(&client, id, "FAILED").await;
    app.advance(Duration::from_secs(61));
    gateway.behave(accept_all);
    let again = client.resend(id).await["verification"].clone();
    assert_eq!(again["delivery"]["failure"], Value::Null, "{again:#}");
    assert_eq!(again["updatedAt"], again["delivery"]["updatedAt"]);
    wait_for_status(&client, id, "SENT").await;
    app.advance(Duration::from_secs(10));
    // A guess does not change the delivery.
    client.confirm(id, "000000").await;
    let guessed = client.verification(id).await;
    assert!(guessed["updatedAt"].as_str() > guessed["delivery"]["updatedAt"].as_str(), "{guessed:#}");
    app.advance(Duration::from_secs(300));
    let expired = client.verification(id).await;
    assert_eq!((&expired["status"], &expired["updatedAt"]), (&json!("EXPIRED"), &expired["expiresAt"]));
    app.stop().await;
}
