//! Password reset by a code.

use serde_json::{Value, json};

use crate::support::{Account, TestApp};

const PHONE: &str = "+821022223333";
const EMAIL: &str = "gildong@example.com";
const PASSWORD: &str = "Quiet-Harbour-71!";

async fn proof(app: &TestApp, input: Value, to: &str) -> Value {
    let client = app.anonymous();
    let sent = client.request_password_reset(input).await;
    assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
    let code = app.code_sent_to(to).await;
    client.confirm(&sent["verification"]["id"], &code).await["proof"]["token"].clone()
}

fn identity(name: &str) -> Value {
    json!({ "identity": { "name": name, "birthDate": "1990-03-14", "phone": "010-2222-3333" } })
}

/// By identity and by contact. The proof is spent once, and every contact is notified (CL-09).
#[tokio::test]
async fn password_is_reset_once_and_its_owner_notified() {
    for (input, to) in [(identity("홍길동"), PHONE), (json!({ "contact": { "email": EMAIL } }), EMAIL)] {
        let app = TestApp::start().await;
        app.insert_accounts([Account::with_phone(PHONE).and_email(EMAIL)]).await;
        let client = app.anonymous();
        let proof = proof(&app, input, to).await;
        // A weak password is rejected with all violations, and the proof is not spent.
        let weak = client.reset_password(&proof, "abc").await;
        let violations = weak["violations"].as_array().unwrap_or_else(|| panic!("{weak:#}"));
        for violation in ["TOO_SHORT", "NO_UPPERCASE", "NO_DIGIT", "NO_SYMBOL", "TOO_GUESSABLE"] {
            assert!(violations.contains(&json!(violation)), "{violation}: {weak:#}");
        }
        assert!(weak["message"].as_str().unwrap().len() > 60, "one sentence per violation: {weak:#}");
        let reset = client.reset_password(&proof, PASSWORD).await;
        assert_eq!(
            (&reset["__typename"], &reset["notificationQueued"]),
            (&json!("ResetPasswordPayload"), &json!(true))
        );
        for again in [PASSWORD, "Another-Harbour-72!"] {
            let spent = client.reset_password(&proof, again).await;
            assert_eq!((&spent["__typename"], &spent["reason"]), (&json!("ProofRejected"), &json!("SPENT")));
        }
        for (contact, count) in [(PHONE, if to == PHONE { 2 } else { 1 }), (EMAIL, if to == EMAIL { 2 } else { 1 })] {
            let notice = &app.messages_to(contact, count).await[0];
            assert_eq!(notice["code"], json!(null));
            assert!(!notice["text"].as_str().unwrap().contains(PASSWORD));
        }
        app.stop().await;
    }
}

/// The current password is not accepted as the new one.
#[tokio::test]
async fn current_password_is_rejected() {
    let app = TestApp::start().await;
    app.insert_accounts([Account::with_phone(PHONE)]).await;
    let first = proof(&app, identity("홍길동"), PHONE).await;
    app.anonymous().reset_password(&first, PASSWORD).await;
    app.messages_to(PHONE, 2).await;
    app.advance(std::time::Duration::from_secs(60));
    let sent = app.anonymous().request_password_reset(identity("홍길동")).await;
    let code = app.messages_to(PHONE, 3).await[0]["code"].as_str().unwrap().to_owned();
    let token = app.anonymous().confirm(&sent["verification"]["id"], &code).await["proof"]["token"].clone();
    let same = app.anonymous().reset_password(&token, PASSWORD).await;
    assert_eq!(same["violations"], json!(["SAME_AS_CURRENT"]));
    app.stop().await;
}

/// A wrong name or birth date gets the same response as a right one, and no message is sent (EN-01).
#[tokio::test]
async fn wrong_identity_gets_the_same_response_as_a_right_one() {
    let app = TestApp::start().await;
    app.insert_accounts([Account::with_phone(PHONE)]).await;
    let sent = app.anonymous().request_password_reset(identity("임꺽정")).await;
    assert_eq!(sent["__typename"], "SendVerificationCodePayload");
    let id = &sent["verification"]["id"];
    app.anonymous().watch(id).await.until(|state| state["delivery"]["status"] == "SENT").await;
    assert_eq!(app.outbox().await, Vec::<Value>::new());
    app.stop().await;
}

/// Invalid proofs, and an expired one.
#[tokio::test]
async fn invalid_proof_is_unknown_and_old_proof_is_expired() {
    let app = TestApp::start().await;
    app.insert_accounts([Account::with_phone(PHONE)]).await;
    let client = app.anonymous();
    for token in ["", "x", "\u{0}", &"0".repeat(64), &"A".repeat(64)] {
        let refused = client.reset_password(&json!(token), PASSWORD).await;
        assert_eq!(refused["reason"], "UNKNOWN", "{token:?}");
    }
    let proof = proof(&app, identity("홍길동"), PHONE).await;
    app.advance(std::time::Duration::from_secs(10 * 60));
    assert_eq!(client.reset_password(&proof, PASSWORD).await["reason"], "EXPIRED");
    app.stop().await;
}

/// CR-05: of many concurrent resets with one proof one succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_concurrent_resets_with_one_proof_succeeds() {
    let app = TestApp::start().await;
    app.insert_accounts([Account::with_phone(PHONE)]).await;
    let proof = proof(&app, identity("홍길동"), PHONE).await;
    let client = app.anonymous();
    let passwords: Vec<_> = (0..8).map(|n| format!("Quiet-Harbour-7{n}!")).collect();
    let resets = passwords.iter().map(|password| client.reset_password(&proof, password));
    let responses = futures_util::future::join_all(resets).await;
    assert_eq!(super::counts_by_type(&responses), super::counts(&[("ProofRejected", 7), ("ResetPasswordPayload", 1)]));
    app.stop().await;
}
