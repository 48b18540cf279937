//! The main flow, end to end: send a code, watch it, confirm it, reset a password.

use std::time::Duration;

use serde_json::json;

use crate::support::{TestApp, different_code as wrong};

const PHONE: &str = "+821012345678";

#[tokio::test]
async fn code_is_sent_watched_and_confirmed() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let verification = client.send_code_to("010-1234-5678").await;
    assert_eq!(verification["maskedTo"], "+82 10-••••-5678");
    assert_eq!(verification["status"], "PENDING");
    assert_eq!(verification["attemptsRemaining"], 5);
    assert_eq!(verification["expiresAt"], "2026-03-02T03:05:00.000Z");
    assert_eq!(verification["resendAvailableAt"], "2026-03-02T03:01:00.000Z");
    assert_eq!(verification["sendsRemaining"], 4);
    let id = &verification["id"];

    let mut watch = client.watch(id).await;
    let sent = watch.until(|state| state["delivery"]["status"] == "SENT").await;
    assert_eq!(sent["status"], "PENDING");
    let code = app.code_sent_to(PHONE).await;
    assert_eq!(code.len(), 6);

    let wrong = wrong(&code);
    let mismatch = client.confirm(id, &wrong).await;
    assert_eq!((&mismatch["__typename"], &mismatch["attemptsRemaining"]), (&json!("CodeMismatch"), &json!(4)));
    let seen = watch.until(|state| state["attemptsRemaining"] == 4).await;
    assert!(seen["sequence"].as_i64() > sent["sequence"].as_i64());

    let confirmed = client.confirm(id, &code).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    let proof = &confirmed["proof"];
    assert_eq!(proof["token"].as_str().unwrap().len(), 64);
    assert_eq!(proof["expiresAt"], "2026-03-02T03:10:00.000Z");
    assert_eq!(watch.last().await["status"], "VERIFIED");

    // The same code returns the same proof for a minute, in case the first response was lost.
    let again = client.confirm(id, &code).await;
    assert_eq!(again["proof"], *proof, "{again:#}");
    app.advance(Duration::from_secs(61));
    let again = client.confirm(id, &code).await;
    assert_eq!(again["__typename"], "VerificationNotPending");
    assert_eq!(again["verification"]["status"], "VERIFIED");
    app.stop().await;
}

#[tokio::test]
async fn five_wrong_codes_lock_a_verification_even_for_the_right_code() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    for left in (0..5).rev() {
        let mismatch = client.confirm(&id, &wrong(&code)).await;
        assert_eq!(mismatch["attemptsRemaining"], left);
    }
    let locked = client.confirm(&id, &code).await;
    assert_eq!(locked["__typename"], "VerificationNotPending");
    assert_eq!(locked["verification"]["status"], "LOCKED");
    app.stop().await;
}

#[tokio::test]
async fn each_final_status_has_its_own_result() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let unknown = json!("ver_00000000000000000000000000");
    assert_eq!(client.confirm(&unknown, "123456").await["__typename"], "VerificationNotFound");
    assert_eq!(client.confirm(&json!("nonsense"), "123456").await["__typename"], "VerificationNotFound");

    let canceled = client.send_code_to("010-2222-0001").await["id"].clone();
    let mut watch = client.watch(&canceled).await;
    assert_eq!(client.cancel(&canceled).await["__typename"], "CancelVerificationPayload");
    assert_eq!(watch.last().await["status"], "CANCELED");
    let refused = client.confirm(&canceled, "123456").await;
    assert_eq!(refused["verification"]["status"], "CANCELED");

    let expired = client.send_code_to("010-2222-0002").await["id"].clone();
    let mut watch = client.watch(&expired).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;
    let code = app.code_sent_to("+821022220002").await;
    app.advance(Duration::from_secs(5 * 60) - Duration::from_millis(1));
    assert_eq!(client.verification(&expired).await["status"], "PENDING");
    app.advance(Duration::from_millis(1));
    assert_eq!(watch.last().await["status"], "EXPIRED");
    let refused = client.confirm(&expired, &code).await;
    assert_eq!(refused["verification"]["status"], "EXPIRED");
    assert_eq!(refused["verification"]["resendAvailableAt"], json!(null));
    app.stop().await;
}

#[tokio::test]
async fn subscription_to_unknown_id_ends_with_not_found() {
    let app = TestApp::start().await;
    let mut watch = app.anonymous().watch(&json!("ver_00000000000000000000000000")).await;
    assert_eq!(watch.errors().await[0]["extensions"]["code"], "NOT_FOUND");
    app.stop().await;
}
