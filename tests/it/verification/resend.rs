//! Sending the same code once more, and taking a verification back.

use std::time::Duration;

use serde_json::json;

use crate::support::{Account, TestApp, code_other_than as wrong};

const PHONE: &str = "+821022223333";
const MINUTE: Duration = Duration::from_secs(60);

/// CL-07, DL-02: the same code by another channel, so no message is ever wrong; attempts and lifetime stay.
#[tokio::test]
async fn a_resend_is_the_same_code_and_refills_nothing() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let sent = visitor.send_code_to(PHONE).await;
    let id = &sent["id"];
    let code = app.code_sent_to(PHONE).await;
    visitor.confirm(id, &wrong(&code)).await;
    app.advance(MINUTE);
    let resent = visitor.resend_by(id, "VOICE").await["verification"].clone();
    assert_eq!(resent["delivery"]["channel"], "VOICE");
    assert_eq!(resent["attemptsRemaining"], 4);
    assert_eq!(resent["expiresAt"], sent["expiresAt"]);
    assert_eq!(resent["resendAvailableAt"], "2026-03-02T03:02:00.000Z");
    assert!(resent["sequence"].as_i64() > sent["sequence"].as_i64());
    let messages = app.messages_to(PHONE, 2).await;
    assert_eq!((&messages[0]["channel"], &messages[1]["channel"]), (&json!("VOICE"), &json!("SMS")));
    assert_eq!(messages[0]["code"], messages[1]["code"]);
    // By the channel before, where none is named.
    app.advance(MINUTE);
    assert_eq!(visitor.resend(id).await["verification"]["delivery"]["channel"], "VOICE");
    for left in (0..4).rev() {
        assert_eq!(visitor.confirm(id, &wrong(&code)).await["attemptsRemaining"], left);
    }
    app.advance(MINUTE);
    let over = visitor.resend(id).await;
    assert_eq!(
        (&over["__typename"], &over["verification"]["status"]),
        (&json!("VerificationNotPending"), &json!("LOCKED"))
    );
    app.stop().await;
}

#[tokio::test]
async fn a_resend_goes_where_it_leads() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let unknown = json!("ver_00000000000000000000000000");
    assert_eq!(visitor.resend(&unknown).await["__typename"], "VerificationNotFound");
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    app.advance(MINUTE);
    // What proves that somebody holds a phone is not to be had by letter.
    let refused = visitor.resend_by(&id, "EMAIL").await;
    assert_eq!(
        (&refused["fields"][0]["path"], &refused["fields"][0]["reason"]),
        (&json!("channel"), &json!("wrong_channel"))
    );
    let silent = crate::support::Setup::new().await.with("VOICE_PROVIDER", "none").start().await;
    let id = silent.anonymous().send_code_to(PHONE).await["id"].clone();
    silent.advance(MINUTE);
    let refused = silent.anonymous().resend_by(&id, "VOICE").await;
    assert_eq!(refused["fields"][0]["reason"], "channel_unavailable");
    // It cost nothing of the day.
    assert_eq!(silent.anonymous().verification(&id).await["sendsRemaining"], 4);
    silent.stop().await;
    app.stop().await;
}

/// SMS to EMAIL for the account's own address alone. EN-01: a decoy answers alike, though there is no address.
#[tokio::test]
async fn a_code_that_opens_an_account_may_go_to_its_own_address() {
    let app = TestApp::start().await;
    app.has_accounts([
        Account::with_phone(PHONE).and_email("gildong@example.com"),
        Account::with_phone("+821022225555"),
    ])
    .await;
    let visitor = app.anonymous();
    let mut answers = Vec::new();
    for phone in [PHONE, "+821022225555", "+821022224444"] {
        let input = json!({ "purpose": "SIGN_IN", "to": { "phone": phone } });
        let id = visitor.send_code(input).await["verification"]["id"].clone();
        visitor.watch(&id).await.until(|state| state["delivery"]["status"] == "SENT").await;
        app.advance(MINUTE);
        let mut resent = visitor.resend_by(&id, "EMAIL").await["verification"].clone();
        assert_eq!(resent["delivery"]["channel"], "EMAIL", "{resent:#}");
        visitor.watch(&id).await.until(|state| state["delivery"]["status"] == "SENT").await;
        for masked in ["id", "createdAt", "updatedAt", "expiresAt", "resendAvailableAt", "delivery", "maskedTo"] {
            resent[masked] = json!(null);
        }
        answers.push((id, resent));
    }
    assert!(answers.windows(2).all(|pair| pair[0].1 == pair[1].1), "{answers:#?}");
    let letters = app.messages_to("gildong@example.com", 1).await;
    let texts = app.messages_to(PHONE, 1).await;
    assert_eq!(letters[0]["code"], texts[0]["code"]);
    assert_eq!(app.outbox().await.len(), 3, "two texts and one letter");
    let confirmed = visitor.confirm(&answers[0].0, letters[0]["code"].as_str().unwrap()).await;
    assert_eq!(confirmed["proof"]["purpose"], "SIGN_IN");
    // The letter proves nothing of the phone, and to others nothing of it is attested.
    let claims = claims(confirmed["proof"]["attestation"].as_str().unwrap());
    assert_eq!((&claims["contact_kind"], &claims["channel"]), (&json!("account"), &json!("EMAIL")));
    assert!(claims["sub"].as_str().unwrap().starts_with("acc_"), "{claims}");
    app.stop().await;

    // Where accounts are disclosed, that there is no address is said.
    let app = crate::support::Setup::new().await.with("ACCOUNT_DISCLOSURE", "explicit").start().await;
    app.has_accounts([Account::with_phone(PHONE)]).await;
    let input = json!({ "purpose": "SIGN_IN", "to": { "phone": PHONE } });
    let id = app.anonymous().send_code(input).await["verification"]["id"].clone();
    app.advance(MINUTE);
    assert_eq!(app.anonymous().resend_by(&id, "EMAIL").await["fields"][0]["reason"], "wrong_channel");
    app.stop().await;
}

#[tokio::test]
async fn what_was_taken_back_is_over() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let canceled = visitor.cancel(&id).await;
    assert_eq!(canceled["verification"]["status"], "CANCELED");
    assert_eq!(canceled["verification"]["resendAvailableAt"], json!(null));
    app.advance(MINUTE);
    for refused in [visitor.confirm(&id, &code).await, visitor.resend(&id).await, visitor.cancel(&id).await] {
        assert_eq!(refused["__typename"], "VerificationNotPending");
        assert_eq!(refused["verification"]["status"], "CANCELED");
    }
    assert_eq!(visitor.cancel(&json!("ver_00000000000000000000000000")).await["__typename"], "VerificationNotFound");
    assert_eq!(visitor.cancel(&json!("x\u{0}y")).await["__typename"], "VerificationNotFound");
    app.stop().await;
}

/// A number that a provider refuses for good: a resend says so, in the provider's own code, and sends nothing.
#[tokio::test]
async fn a_number_refused_for_good_is_not_tried_again() {
    let refuse = || async {
        (axum::http::StatusCode::BAD_REQUEST, axum::Json(json!({ "rejected": "recipient", "code": "21610" })))
    };
    let gateway = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", gateway.local_addr().unwrap());
    let router = axum::Router::new().route("/", axum::routing::post(refuse));
    tokio::spawn(async move { axum::serve(gateway, router).await.unwrap() });
    let setup = crate::support::Setup::new().await.with("SMS_PROVIDER", "webhook").with("DELIVERY_WEBHOOK_URL", &url);
    let app = setup.with("DELIVERY_WEBHOOK_SECRET", "whsec_hUkEMOeV5Yyign0cVZK/hiatTlcSu2Iw").start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    visitor.watch(&id).await.until(|state| state["delivery"]["status"] == "FAILED").await;
    app.advance(MINUTE);
    let refused = visitor.resend(&id).await;
    assert_eq!((&refused["__typename"], &refused["providerCode"]), (&json!("DeliveryRefused"), &json!("21610")));
    assert_eq!(app.rows("delivery").await, 1);
    app.stop().await;
}

/// What a token says, read without a look at its signature.
fn claims(token: &str) -> serde_json::Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
