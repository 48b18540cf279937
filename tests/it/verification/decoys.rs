//! A decoy is indistinguishable from a real verification for a client (EN-01, EN-06, invariant 5).

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Account, ApiClient, Setup, TestApp};

const KNOWN: &str = "+821022223333";
const UNKNOWN: &str = "+821022224444";

/// All responses to the same steps for one contact, without ids, which differ by nature, and without the contact's
/// digits.
async fn observed_responses(app: &TestApp, client: &ApiClient, phone: &str, purpose: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    let input = json!({ "purpose": purpose, "to": { "phone": phone }, "idempotencyKey": format!("key-of-{phone}") });
    let sent = client.send_code(input.clone()).await;
    let id = sent["verification"]["id"].clone();
    let mut watch = client.watch(&id).await;
    let shown = watch.until(|state| state["delivery"]["status"] == "SENT").await;
    seen.extend([sent, shown, client.send_code(input).await, client.verification(&id).await]);
    // Too early, then a resend by voice, then one wrong guess more than the allowed attempts.
    seen.push(client.resend(&id).await);
    app.advance(Duration::from_secs(60));
    seen.push(client.resend_via(&id, "VOICE").await);
    seen.push(
        watch.until(|state| state["delivery"]["channel"] == "VOICE" && state["delivery"]["status"] == "SENT").await,
    );
    for _ in 0..6 {
        seen.push(client.confirm(&id, "not-it").await);
    }
    seen.push(watch.last().await);
    seen.push(client.cancel(&id).await);
    // Back to the same minute, so that the next run starts at the same point of its lifetime.
    seen.into_iter().map(masked).collect()
}

fn masked(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| {
                let value = match (name.as_str(), &value) {
                    ("id" | "maskedTo", Value::String(text)) => json!(text.chars().count()),
                    ("createdAt" | "expiresAt" | "updatedAt" | "resendAvailableAt" | "retryAt", Value::String(_)) => {
                        json!("when")
                    }
                    _ => masked(value),
                };
                (name, value)
            })
            .collect(),
        other => other,
    }
}

#[tokio::test]
async fn decoy_responses_equal_real_ones() {
    for purpose in ["SIGN_IN", "PASSWORD_RESET"] {
        let app = Setup::new().await.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
        app.insert_accounts([Account::with_phone(KNOWN)]).await;
        let client = app.anonymous();
        let known = observed_responses(&app, &client, KNOWN, purpose).await;
        let unknown = observed_responses(&app, &client, UNKNOWN, purpose).await;
        assert_eq!(known, unknown, "{purpose}");
        let outbox = app.outbox().await;
        assert!(outbox.iter().all(|message| message["to"] == KNOWN), "no message was sent");
        assert_eq!(outbox.len(), 2);
        app.stop().await;
    }
}

/// EN-02: sign-up likewise; the owner of a known contact is notified that it has an account.
#[tokio::test]
async fn sign_up_with_taken_contact_looks_like_a_free_one() {
    let app = Setup::new().await.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
    app.insert_accounts([Account::with_phone(KNOWN)]).await;
    let client = app.anonymous();
    let taken = observed_responses(&app, &client, KNOWN, "SIGN_UP").await;
    let free = observed_responses(&app, &client, UNKNOWN, "SIGN_UP").await;
    assert_eq!(taken, free);
    app.stop().await;
}

/// EN-01: quotas count decoys like real verifications.
#[tokio::test]
async fn decoy_uses_the_same_quotas_as_a_real_verification() {
    let app = Setup::new().await.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
    app.insert_accounts([Account::with_phone(KNOWN)]).await;
    let client = app.anonymous();
    let mut results = Vec::new();
    for phone in [KNOWN, UNKNOWN] {
        let mut responses = Vec::new();
        for _ in 0..6 {
            let identity = json!({ "identity": { "name": "홍길동", "birthDate": "1990-03-14", "phone": phone } });
            let mut response = client.request_password_reset(identity).await;
            responses.push((response["quota"].take(), response["verification"]["sendsRemaining"].take()));
            app.advance(Duration::from_secs(60));
        }
        results.push(responses);
    }
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0][5].0, "CONTACT_DAILY");
    assert_eq!(app.outbox().await.len(), 5);
    app.stop().await;
}

/// EN-01: the responses and their headers have the same length.
#[tokio::test]
async fn decoy_responses_have_the_same_length() {
    let app = TestApp::start().await;
    app.insert_accounts([Account::with_phone(KNOWN)]).await;
    let http = reqwest::Client::builder().build().unwrap();
    let mut shapes = Vec::new();
    for phone in [KNOWN, UNKNOWN] {
        let document = "mutation($to: ContactInput!) { sendVerificationCode(input: { purpose: SIGN_IN, to: $to }) { __typename \
             ... on SendVerificationCodePayload { verification { id maskedTo status expiresAt sequence } } } }";
        let body = json!({ "query": document, "variables": { "to": { "phone": phone } } });
        let response = http.post(format!("{}/graphql", app.url())).json(&body).send().await.unwrap();
        let mut heads: Vec<_> = response.headers().keys().map(|name| name.as_str().to_owned()).collect();
        heads.sort_unstable();
        let status = response.status();
        shapes.push((status, heads, response.bytes().await.unwrap().len()));
    }
    assert_eq!(shapes[0], shapes[1]);
    app.stop().await;
}
