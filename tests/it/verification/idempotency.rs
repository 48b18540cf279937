//! Idempotency keys: a double click or a retry yields one verification and one message.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{ApiClient, Setup, TestApp};

const PHONE: &str = "+821022223333";
const KEY: &str = "3f6b0a52-8f1e-4a53-9a1d-0e5f6c7b8a90";

async fn send(client: &ApiClient, phone: &str, purpose: &str) -> Value {
    let input = json!({ "purpose": purpose, "to": { "phone": phone }, "idempotencyKey": KEY });
    let sent = client.send_code(input).await;
    assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
    sent["verification"]["id"].clone()
}

async fn assert_deliveries(app: &TestApp, deliveries: i64) {
    assert_eq!(app.row_count("delivery").await, deliveries);
}

#[tokio::test]
async fn same_key_returns_the_same_verification() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let first = send(&visitor, PHONE, "CONTACT").await;
    assert_eq!(send(&visitor, PHONE, "CONTACT").await, first);
    // In any spelling of the number, and after the cooldown too: the same verification is returned and nothing is sent.
    app.advance(Duration::from_secs(61));
    assert_eq!(send(&visitor, "010 2222 3333", "CONTACT").await, first);
    assert_deliveries(&app, 1).await;
    // Bound to contact and purpose.
    assert_ne!(send(&visitor, "010-2222-4444", "CONTACT").await, first);
    assert_ne!(send(&visitor, PHONE, "SIGN_UP").await, first);
    assert_deliveries(&app, 3).await;
    app.stop().await;
}

/// A key refers to its verification for the lifetime of the code, even if the verification ends earlier; then the key
/// is free.
#[tokio::test]
async fn key_is_valid_for_the_lifetime_of_the_code() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let first = send(&visitor, PHONE, "CONTACT").await;
    let code = app.code_sent_to(PHONE).await;
    assert_eq!(visitor.confirm(&first, &code).await["__typename"], "ConfirmVerificationCodePayload");
    app.advance(Duration::from_secs(299));
    assert_eq!(send(&visitor, PHONE, "CONTACT").await, first);
    app.advance(Duration::from_secs(1));
    let second = send(&visitor, PHONE, "CONTACT").await;
    assert_ne!(second, first);
    assert_eq!(send(&visitor, PHONE, "CONTACT").await, second);
    assert_deliveries(&app, 2).await;
    app.stop().await;
}

/// Concurrently at two processes, with and without a cooldown that would have stopped the second request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_requests_with_one_key_yield_one_verification() {
    for cooldown in ["60s", "0s"] {
        let setup = Setup::new().await.with("RESEND_COOLDOWN", cooldown).with("CLIENT_SENDS_PER_MINUTE", "unlimited");
        let one = setup.with("CONTACT_DAILY_SENDS", "unlimited").start().await;
        let other = one.another_process().await;
        let people = [one.anonymous(), other.anonymous()];
        let ids = join_all((0..40).map(|n| send(&people[n % 2], PHONE, "CONTACT"))).await;
        let different: BTreeSet<_> = ids.iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(different.len(), 1);
        assert_deliveries(&one, 1).await;
        // Only one send was charged to the quotas.
        assert_eq!(one.row_count("verification").await, 1);
        other.stop().await;
        one.stop().await;
    }
}

/// A retry succeeds although the address quota is used up: it costs nothing.
#[tokio::test]
async fn retry_is_not_charged_to_quotas() {
    let app = Setup::new().await.with("CLIENT_SENDS_PER_MINUTE", "1").start().await;
    let visitor = app.anonymous();
    let first = send(&visitor, PHONE, "CONTACT").await;
    for _ in 0..3 {
        assert_eq!(send(&visitor, PHONE, "CONTACT").await, first);
    }
    app.stop().await;
}

#[tokio::test]
async fn guessable_key_is_rejected() {
    let app = TestApp::start().await;
    for key in ["", "1234567", &"x".repeat(65), "12345678\n", "1234\u{0}5678"] {
        let input = json!({ "purpose": "CONTACT", "to": { "phone": PHONE }, "idempotencyKey": key });
        let refused = app.anonymous().send_code(input).await;
        let field = &refused["fields"][0];
        assert_eq!((&field["path"], &field["reason"]), (&json!("idempotencyKey"), &json!("not_an_idempotency_key")));
    }
    app.stop().await;
}
