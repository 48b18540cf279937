//! Resending the same code, and cancelling a verification.

use std::time::Duration;

use serde_json::json;

use crate::support::{Account, TestApp, different_code as wrong};

const PHONE: &str = "+821022223333";
const MINUTE: Duration = Duration::from_secs(60);

/// CL-07, DL-02: the same code by another channel, so that earlier messages stay valid; attempts and lifetime do not
/// change.
#[tokio::test]
async fn resend_keeps_code_attempts_and_lifetime() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let sent = client.send_code_to(PHONE).await;
    let id = &sent["id"];
    let code = app.code_sent_to(PHONE).await;
    client.confirm(id, &wrong(&code)).await;
    app.advance(MINUTE);
    let resent = client.resend_via(id, "VOICE").await["verification"].clone();
    assert_eq!(resent["delivery"]["channel"], "VOICE");
    assert_eq!(resent["attemptsRemaining"], 4);
    assert_eq!(resent["expiresAt"], sent["expiresAt"]);
    assert_eq!(resent["resendAvailableAt"], "2026-03-02T03:02:00.000Z");
    assert!(resent["sequence"].as_i64() > sent["sequence"].as_i64());
    let messages = app.messages_to(PHONE, 2).await;
    assert_eq!((&messages[0]["channel"], &messages[1]["channel"]), (&json!("VOICE"), &json!("SMS")));
    assert_eq!(messages[0]["code"], messages[1]["code"]);
    // By the previous channel if none is given.
    app.advance(MINUTE);
    assert_eq!(client.resend(id).await["verification"]["delivery"]["channel"], "VOICE");
    for left in (0..4).rev() {
        assert_eq!(client.confirm(id, &wrong(&code)).await["attemptsRemaining"], left);
    }
    app.advance(MINUTE);
    let over = client.resend(id).await;
    assert_eq!(
        (&over["__typename"], &over["verification"]["status"]),
        (&json!("VerificationNotPending"), &json!("LOCKED"))
    );
    app.stop().await;
}

#[tokio::test]
async fn resend_uses_an_allowed_channel() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let unknown = json!("ver_00000000000000000000000000");
    assert_eq!(client.resend(&unknown).await["__typename"], "VerificationNotFound");
    let id = client.send_code_to(PHONE).await["id"].clone();
    app.advance(MINUTE);
    // A proof of a phone number cannot be obtained by e-mail.
    let refused = client.resend_via(&id, "EMAIL").await;
    assert_eq!(
        (&refused["fields"][0]["path"], &refused["fields"][0]["reason"]),
        (&json!("channel"), &json!("wrong_channel"))
    );
    let silent = crate::support::Setup::new().await.with("VOICE_PROVIDER", "none").start().await;
    let id = silent.anonymous().send_code_to(PHONE).await["id"].clone();
    silent.advance(MINUTE);
    let refused = silent.anonymous().resend_via(&id, "VOICE").await;
    assert_eq!(refused["fields"][0]["reason"], "channel_unavailable");
    // It was not charged to the daily quota.
    assert_eq!(silent.anonymous().verification(&id).await["sendsRemaining"], 4);
    silent.stop().await;
    app.stop().await;
}

/// From SMS to EMAIL only to the account's own address. EN-01: a decoy responds the same although there is no address.
#[tokio::test]
async fn account_access_code_can_be_resent_to_the_accounts_email() {
    let app = TestApp::start().await;
    app.insert_accounts([
        Account::with_phone(PHONE).and_email("gildong@example.com"),
        Account::with_phone("+821022225555"),
    ])
    .await;
    let client = app.anonymous();
    let mut responses = Vec::new();
    for phone in [PHONE, "+821022225555", "+821022224444"] {
        let input = json!({ "purpose": "SIGN_IN", "to": { "phone": phone } });
        let id = client.send_code(input).await["verification"]["id"].clone();
        client.watch(&id).await.until(|state| state["delivery"]["status"] == "SENT").await;
        app.advance(MINUTE);
        let mut resent = client.resend_via(&id, "EMAIL").await["verification"].clone();
        assert_eq!(resent["delivery"]["channel"], "EMAIL", "{resent:#}");
        client.watch(&id).await.until(|state| state["delivery"]["status"] == "SENT").await;
        for masked in ["id", "createdAt", "updatedAt", "expiresAt", "resendAvailableAt", "delivery", "maskedTo"] {
            resent[masked] = json!(null);
        }
        responses.push((id, resent));
    }
    assert!(responses.windows(2).all(|pair| pair[0].1 == pair[1].1), "{responses:#?}");
    let letters = app.messages_to("gildong@example.com", 1).await;
    let texts = app.messages_to(PHONE, 1).await;
    assert_eq!(letters[0]["code"], texts[0]["code"]);
    assert_eq!(app.outbox().await.len(), 3, "two text messages and one e-mail");
    let confirmed = client.confirm(&responses[0].0, letters[0]["code"].as_str().unwrap()).await;
    assert_eq!(confirmed["proof"]["purpose"], "SIGN_IN");
    // The e-mail does not prove the phone number: no attestation says so.
    let claims = claims(confirmed["proof"]["attestation"].as_str().unwrap());
    assert_eq!((&claims["contact_kind"], &claims["channel"]), (&json!("account"), &json!("EMAIL")));
    assert!(claims["sub"].as_str().unwrap().starts_with("acc_"), "{claims}");
    app.stop().await;

    // With explicit disclosure, the missing address is reported.
    let app = crate::support::Setup::new().await.with("ACCOUNT_DISCLOSURE", "explicit").start().await;
    app.insert_accounts([Account::with_phone(PHONE)]).await;
    let input = json!({ "purpose": "SIGN_IN", "to": { "phone": PHONE } });
    let id = app.anonymous().send_code(input).await["verification"]["id"].clone();
    app.advance(MINUTE);
    assert_eq!(app.anonymous().resend_via(&id, "EMAIL").await["fields"][0]["reason"], "wrong_channel");
    app.stop().await;
}

#[tokio::test]
async fn cancelled_verification_is_final() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let canceled = client.cancel(&id).await;
    assert_eq!(canceled["verification"]["status"], "CANCELED");
    assert_eq!(canceled["verification"]["resendAvailableAt"], json!(null));
    app.advance(MINUTE);
    for refused in [client.confirm(&id, &code).await, client.resend(&id).await, client.cancel(&id).await] {
        assert_eq!(refused["__typename"], "VerificationNotPending");
        assert_eq!(refused["verification"]["status"], "CANCELED");
    }
    assert_eq!(client.cancel(&json!("ver_00000000000000000000000000")).await["__typename"], "VerificationNotFound");
    assert_eq!(client.cancel(&json!("x\u{0}y")).await["__typename"], "VerificationNotFound");
    app.stop().await;
}

/// A number that a provider rejects permanently: a resend returns the provider's code and sends nothing.
#[tokio::test]
async fn permanently_rejected_number_is_not_retried() {
    let refuse = || async {
        (axum::http::StatusCode::BAD_REQUEST, axum::Json(json!({ "rejected": "recipient", "code": "21610" })))
    };
    let gateway = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", gateway.local_addr().unwrap());
    let router = axum::Router::new().route("/", axum::routing::post(refuse));
    tokio::spawn(async move { axum::serve(gateway, router).await.unwrap() });
    let setup = crate::support::Setup::new().await.with("SMS_PROVIDER", "webhook").with("DELIVERY_WEBHOOK_URL", &url);
    let app = setup.with("DELIVERY_WEBHOOK_SECRET", "whsec_hUkEMOeV5Yyign0cVZK/hiatTlcSu2Iw").start().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    client.watch(&id).await.until(|state| state["delivery"]["status"] == "FAILED").await;
    app.advance(MINUTE);
    let refused = client.resend(&id).await;
    assert_eq!((&refused["__typename"], &refused["providerCode"]), (&json!("DeliveryRefused"), &json!("21610")));
    assert_eq!(app.row_count("delivery").await, 1);
    app.stop().await;
}

/// The claims of a token, without verifying its signature.
fn claims(token: &str) -> serde_json::Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
