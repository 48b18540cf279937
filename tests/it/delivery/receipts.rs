//! Delivery receipts: late, early, duplicate, out of order, forged or missing.

use std::time::Duration;

use serde_json::json;

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{
        ProviderSettings, SECRET, accept_all, accepted, code, number, phone, post_gateway_receipt, post_twilio_receipt,
        twilio_accepted, twilio_error, wait_for_status, with_providers,
    },
};
use crate::support::{Account, TEST_TIMEOUT, TestApp};

const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER_SECRET: &str = "whsec_myeZw9Y0OR9RYFGgorboA1q8mW3vQxX2Osey6rPw2Gc=";

async fn post_receipt(app: &TestApp, id: &str, status: &str) {
    let receipt = json!({ "provider_message_id": id, "status": status, "news": { "unheard": "of" } });
    assert_eq!(post_gateway_receipt(app, &receipt, SECRET).await, 200);
}

#[tokio::test]
async fn dl_05_receipts_are_authenticated_and_only_advance_the_status() {
    let gateway = FakeProvider::start(|_| Action::Respond(accepted("gw-1"))).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    let mut watch = client.watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;

    let forged = json!({ "provider_message_id": "gw-1", "status": "delivered" });
    assert_eq!(post_gateway_receipt(&app, &forged, OTHER_SECRET).await, 403);
    assert_eq!(client.verification(&id).await["delivery"]["status"], "SENT");

    post_receipt(&app, "gw-1", "undelivered").await;
    watch.until(|state| state["delivery"]["status"] == "UNDELIVERED").await;
    // A carrier that gave up may still deliver.
    post_receipt(&app, "gw-1", "delivered").await;
    let delivered = watch.until(|state| state["delivery"]["status"] == "DELIVERED").await;
    for late in ["sent", "undelivered", "delivered", "sent", "undelivered"] {
        post_receipt(&app, "gw-1", late).await;
    }
    assert_eq!(client.verification(&id).await, delivered, "no status went back, and nothing was counted");
    app.stop().await;
}

/// EN-01, invariant 5: where the status would disclose whether there is an account, the page shows that the message was
/// sent but not that it was delivered. The operator's report shows it.
#[tokio::test]
async fn en_01_account_dependent_delivery_never_shows_more_than_sent() {
    let gateway =
        FakeProvider::start(|seen| Action::Respond(accepted(&format!("gw-{}", seen.header("webhook-id"))))).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    app.insert_accounts([Account::with_phone(&phone(0)), Account::with_phone(&phone(1))]).await;
    let client = app.anonymous();
    for (n, reported) in ["delivered", "undelivered"].into_iter().enumerate() {
        let input = json!({ "purpose": "SIGN_IN", "to": { "phone": phone(n) } });
        let id = client.send_code(input).await["verification"]["id"].clone();
        let mut watch = client.watch(&id).await;
        let sent = watch.until(|state| state["delivery"]["status"] == "SENT").await;
        let accepted = format!("gw-{}", gateway.wait_for_requests(n + 1).await[n].header("webhook-id"));
        post_receipt(&app, &accepted, reported).await;
        assert_eq!(client.verification(&id).await, sent);
        let known = app.column("SELECT status FROM delivery ORDER BY created_at, id").await;
        assert_eq!(known.iter().filter(|status| status.eq_ignore_ascii_case(reported)).count(), 1, "{known:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn receipt_before_the_send_response_is_applied() {
    let gateway = FakeProvider::start(|_| Action::RespondAfter(Duration::from_millis(700), accepted("gw-early"))).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    gateway.wait_for_requests(1).await;
    post_receipt(&app, "gw-early", "delivered").await;
    assert_eq!(client.verification(&id).await["delivery"]["status"], "DELIVERED");
    app.stop().await;
}

#[tokio::test]
async fn receipt_with_delivery_id_counts_after_a_lost_response() {
    let twilio = FakeProvider::start(|_| Action::Hang).await;
    let app = with_providers("twilio").await.twilio(&twilio).start().await;
    let client = app.anonymous();
    for (number, (reported, shown)) in
        [("delivered", "DELIVERED"), ("undelivered", "UNDELIVERED"), ("sent", "SENT")].into_iter().enumerate()
    {
        let id = client.send_code_to(&phone(number)).await["id"].clone();
        let seen = twilio.wait_for_requests(number + 1).await;
        let callback = seen[number].form()["StatusCallback"].clone();
        let delivery = callback.split_once("delivery=").unwrap().1.to_owned();
        // Once while the request is open, and once after it was given up.
        assert_eq!(post_twilio_receipt(&app, &delivery, SID, reported).await, 200);
        wait_for_status(&client, &id, shown).await;
        assert_eq!(post_twilio_receipt(&app, &delivery, SID, reported).await, 200);
        assert_eq!(client.verification(&id).await["delivery"]["status"], shown);
    }
    app.stop().await;
}

/// The gateway accepted the message without a response and sent a receipt before the retry: there is no retry.
#[tokio::test]
async fn receipt_before_the_retry_is_final() {
    for (number, (reported, shown)) in [("undelivered", "UNDELIVERED"), ("sent", "SENT")].into_iter().enumerate() {
        let gateway = FakeProvider::start(|_| Action::Hang).await;
        let app = with_providers("webhook").await.gateway(&gateway).start().await;
        let client = app.anonymous();
        let id = client.send_code_to(&phone(number)).await["id"].clone();
        let delivery = gateway.wait_for_requests(1).await[0].header("webhook-id").to_owned();
        gateway.behave(accept_all);
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
        while app.column("SELECT id FROM delivery WHERE tries = 1 AND claimed_by IS NULL").await.is_empty() {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(post_gateway_receipt(&app, &json!({ "id": delivery, "status": reported }), SECRET).await, 200);
        app.advance(Duration::from_secs(10));
        wait_for_status(&client, &id, shown).await;
        assert_eq!(gateway.requests().len(), 1);
        app.stop().await;
    }
}

#[tokio::test]
async fn missing_receipt_causes_one_visible_failover() {
    let gateway = FakeProvider::start(accept_all).await;
    let twilio = FakeProvider::start(|_| Action::RespondAfter(Duration::from_millis(200), twilio_accepted(SID))).await;
    let app = with_providers("webhook,twilio").await.gateway(&gateway).twilio(&twilio).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    let mut watch = client.watch(&id).await;
    let sent = watch.until(|state| state["delivery"]["status"] == "SENT").await;
    app.advance(Duration::from_secs(46));
    let queued = watch.until(|state| state["delivery"]["status"] == "QUEUED").await;
    let again = watch.until(|state| state["delivery"]["status"] == "SENT").await;
    let sequence = |state: &serde_json::Value| state["sequence"].as_i64().unwrap();
    assert!(sequence(&sent) < sequence(&queued) && sequence(&queued) < sequence(&again));
    assert_ne!(sent["delivery"]["updatedAt"], again["delivery"]["updatedAt"]);
    let (first, second) = (gateway.requests(), twilio.requests());
    assert_eq!(code(&first[0]), code(&second[0]));

    // A failure reported by the first provider no longer counts; a late delivery does.
    let first_id = format!("gw-{}", first[0].header("webhook-id"));
    post_receipt(&app, &first_id, "undelivered").await;
    assert_eq!(client.verification(&id).await["delivery"]["status"], "SENT");
    post_receipt(&app, &first_id, "delivered").await;
    watch.until(|state| state["delivery"]["status"] == "DELIVERED").await;
    app.advance(Duration::from_secs(100));
    let next = client.send_code_to(&phone(1)).await["id"].clone();
    wait_for_status(&client, &next, "SENT").await;
    assert_eq!((gateway.requests().len(), twilio.requests().len()), (2, 1), "one retry, not more");
    app.stop().await;
}

#[tokio::test]
async fn confirmed_code_or_timely_receipt_prevents_failover() {
    let gateway = FakeProvider::start(accept_all).await;
    let twilio = FakeProvider::start(|_| Action::Respond(twilio_accepted(SID))).await;
    let app = with_providers("webhook,twilio").await.gateway(&gateway).twilio(&twilio).start().await;
    let client = app.anonymous();
    let confirmed = client.send_code_to(&phone(0)).await["id"].clone();
    let reported = client.send_code_to(&phone(1)).await["id"].clone();
    wait_for_status(&client, &confirmed, "SENT").await;
    wait_for_status(&client, &reported, "SENT").await;
    let seen = gateway.wait_for_requests(2).await;
    let of = |phone: &str| seen.iter().find(|seen| number(seen) == phone).unwrap();
    client.confirm(&confirmed, &code(of(&phone(0)))).await;
    post_receipt(&app, &format!("gw-{}", of(&phone(1)).header("webhook-id")), "sent").await;
    app.advance(Duration::from_secs(60));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(twilio.requests().len(), 0);
    app.stop().await;
}

#[tokio::test]
async fn failed_failover_leaves_the_status_sent() {
    let gateway = FakeProvider::start(accept_all).await;
    let twilio = FakeProvider::start(|_| Action::Respond(twilio_error(400, 21211))).await;
    let app = with_providers("webhook,twilio").await.gateway(&gateway).twilio(&twilio).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&client, &id, "SENT").await;
    app.advance(Duration::from_secs(46));
    twilio.wait_for_requests(1).await;
    wait_for_status(&client, &id, "SENT").await;
    app.stop().await;
}

#[tokio::test]
async fn receipt_at_one_process_is_seen_at_the_other() {
    let gateway = FakeProvider::start(|_| Action::Respond(accepted("gw-1"))).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let other = app.another_process().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&client, &id, "SENT").await;
    let watches = std::env::var_os("COUNTERSIGN_TEST_REDIS_URL").is_some();
    let mut watch = client.watch(&id).await;
    post_receipt(&other, "gw-1", "delivered").await;
    if watches {
        watch.until(|state| state["delivery"]["status"] == "DELIVERED").await;
    }
    wait_for_status(&client, &id, "DELIVERED").await;
    other.stop().await;
    app.stop().await;
}
