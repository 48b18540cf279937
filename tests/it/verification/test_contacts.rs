//! Test contacts with a fixed code, for app reviewers and automated tests.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Setup, TestApp};

const SIMULATIONS: [(&str, &str, &str); 5] = [
    ("+15005550100", "delivered", "010101"),
    ("+15005550101", "slow", "020202"),
    ("+15005550102", "undelivered", "030303"),
    ("+15005550103", "provider-down", "040404"),
    ("+15005550104", "locked", "AB12CD"),
];

async fn app() -> TestApp {
    let plays = SIMULATIONS.map(|(phone, play, code)| format!("{phone}={code}:{play}")).join(",");
    Setup::new().await.with("TEST_CONTACTS", &format!("{plays},reviewer@example.com=654321")).start().await
}

async fn sent_to(app: &TestApp, phone: &str) -> Value {
    app.anonymous().send_code_to(phone).await
}

/// Each test contact simulates its configured outcome.
#[tokio::test]
async fn every_simulation_runs() {
    let app = app().await;
    let client = app.anonymous();
    for (phone, end) in
        [(SIMULATIONS[0].0, "DELIVERED"), (SIMULATIONS[2].0, "UNDELIVERED"), (SIMULATIONS[3].0, "FAILED")]
    {
        let id = sent_to(&app, phone).await["id"].clone();
        let seen = client.watch(&id).await.until(|state| state["delivery"]["status"] == end).await;
        assert_eq!(seen["status"], "PENDING");
    }
    let id = sent_to(&app, SIMULATIONS[1].0).await["id"].clone();
    let mut watch = client.watch(&id).await;
    assert_eq!(watch.next().await.unwrap()["delivery"]["status"], "QUEUED");
    // The simulation follows the clock; it may take a moment to start.
    let mut shown = Vec::new();
    while shown.last() != Some(&json!("DELIVERED")) {
        app.advance(Duration::from_secs(1));
        if let Ok(state) = tokio::time::timeout(Duration::from_millis(100), watch.next()).await {
            shown.push(state.unwrap()["delivery"]["status"].clone());
        }
    }
    assert_eq!(shown, [json!("SENT"), json!("DELIVERED")]);
    app.stop().await;
}

/// The fixed code is accepted as people type it, is valid only for its own contact, and too many wrong codes lock the
/// verification.
#[tokio::test]
async fn code_of_a_test_contact_is_fixed() {
    let app = app().await;
    let client = app.anonymous();
    let (phone, _, code) = SIMULATIONS[0];
    let sent = sent_to(&app, phone).await;
    assert_eq!((&sent["codeLength"], &sent["codeFormat"]), (&json!(6), &json!("NUMERIC")));
    assert_eq!(client.confirm(&sent["id"], SIMULATIONS[1].2).await["__typename"], "CodeMismatch");
    let typed = format!("{} {}", &code[..3], &code[3..]);
    assert_eq!(client.confirm(&sent["id"], &typed).await["__typename"], "ConfirmVerificationCodePayload");
    let locked = sent_to(&app, SIMULATIONS[4].0).await;
    assert_eq!((&locked["attemptsRemaining"], &locked["codeFormat"]), (&json!(1), &json!("ALPHANUMERIC")));
    assert_eq!(client.confirm(&locked["id"], SIMULATIONS[4].2).await["attemptsRemaining"], 0);
    assert_eq!(client.verification(&locked["id"]).await["status"], "LOCKED");
    let other = client.send_code_to("010-2222-9999").await["id"].clone();
    assert_eq!(client.confirm(&other, code).await["__typename"], "CodeMismatch");
    app.stop().await;
}

/// Not subject to quotas, and nothing is sent.
#[tokio::test]
async fn test_contact_has_no_quotas_and_sends_nothing() {
    let app = app().await;
    for _ in 0..15 {
        let sent = sent_to(&app, SIMULATIONS[0].0).await;
        app.anonymous().watch(&sent["id"]).await.until(|state| state["delivery"]["status"] == "DELIVERED").await;
        assert_eq!(app.anonymous().resend(&sent["id"]).await["__typename"], "SendVerificationCodePayload");
    }
    let email_input = json!({ "purpose": "CONTACT", "to": { "email": "Reviewer@Example.com" } });
    let sent = app.anonymous().send_code(email_input).await;
    assert_eq!(app.anonymous().confirm(&sent["verification"]["id"], "654321").await["proof"]["purpose"], "CONTACT");
    assert_eq!(app.outbox().await, Vec::<Value>::new());
    app.stop().await;
}
