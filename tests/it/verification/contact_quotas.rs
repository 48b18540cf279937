//! Quotas of one contact for sends and guesses, counted in SQL.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{counts, counts_by_type};
use crate::support::{ApiClient, Setup, TestApp, different_code as wrong};

const PHONE: &str = "+821022223333";
const MINUTE: Duration = Duration::from_secs(60);

async fn send(client: &ApiClient) -> Value {
    client.send_code(json!({ "purpose": "CONTACT", "to": { "phone": PHONE } })).await
}

/// The cooldown between two codes is exact to the millisecond, for all clients and addresses together (BF-02, BF-07).
#[tokio::test]
async fn contact_has_a_cooldown_between_sends() {
    let app = TestApp::start().await;
    let sent = send(&app.anonymous()).await["verification"].clone();
    assert_eq!(sent["resendAvailableAt"], "2026-03-02T03:01:00.000Z");
    app.advance(Duration::from_millis(18_500));
    for address in ["198.51.100.1", "203.0.113.1"] {
        let refused = send(&app.client_at(address)).await;
        assert_eq!(refused["__typename"], "QuotaExceeded");
        assert_eq!(refused["quota"], "RESEND_COOLDOWN");
        assert_eq!(refused["retryAfterSeconds"], 42);
        assert_eq!(refused["retryAt"], "2026-03-02T03:01:00.000Z");
        assert!(refused["message"].as_str().unwrap().contains("42"), "{refused:#}");
    }
    let resent = app.anonymous().resend(&sent["id"]).await;
    assert_eq!(resent["quota"], "RESEND_COOLDOWN");
    app.advance(MINUTE - Duration::from_millis(18_501));
    assert_eq!(send(&app.anonymous()).await["retryAfterSeconds"], 1);
    app.advance(Duration::from_millis(1));
    assert_eq!(send(&app.anonymous()).await["__typename"], "SendVerificationCodePayload");
    // Rejected sends do not count: only the two granted ones do.
    assert_eq!(app.messages_to(PHONE, 2).await.len(), 2);
    assert_eq!(app.row_count("delivery").await, 2);
    app.stop().await;
}

/// BF-07: of fifty concurrent sends at two processes one is granted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_fifty_concurrent_sends_is_granted() {
    let setup = Setup::new().await.with("CLIENT_SENDS_PER_MINUTE", "unlimited");
    // The guard against SMS pumping counts requests and would interfere.
    let one = setup.with("PUMPING_MIN_SENDS", "unlimited").start().await;
    let other = one.another_process().await;
    let people = [one.anonymous(), other.anonymous()];
    let responses = join_all((0..50).map(|n| send(&people[n % 2]))).await;
    assert_eq!(counts_by_type(&responses), counts(&[("QuotaExceeded", 49), ("SendVerificationCodePayload", 1)]));
    assert!(responses.iter().all(|response| response["quota"].is_null() || response["quota"] == "RESEND_COOLDOWN"));
    assert_eq!(one.row_count("delivery").await, 1);
    other.stop().await;
    one.stop().await;
}

/// Five codes a day, counting sends and resends. The sixth is rejected until the end of the day, although the cooldown
/// ends earlier.
#[tokio::test]
async fn contact_has_a_daily_send_limit() {
    let app = TestApp::start().await;
    let visitor = app.anonymous();
    let first = send(&visitor).await["verification"].clone();
    assert_eq!(first["sendsRemaining"], 4);
    for left in (0..4).rev() {
        app.advance(MINUTE);
        let sent = if left % 2 == 0 { send(&visitor).await } else { visitor.resend(&first["id"]).await };
        assert_eq!(sent["verification"]["sendsRemaining"], left, "{sent:#}");
    }
    for wait in [Duration::from_secs(1), MINUTE] {
        app.advance(wait);
        let refused = send(&visitor).await;
        assert_eq!(refused["quota"], "CONTACT_DAILY", "{refused:#}");
        assert_eq!(refused["retryAt"], "2026-03-02T15:00:00.000Z");
    }
    // The contact has to wait until the day ends; another contact does not.
    let other = json!({ "purpose": "CONTACT", "to": { "phone": "010-4444-5555" } });
    assert_eq!(visitor.send_code(other).await["__typename"], "SendVerificationCodePayload");
    app.stop().await;
}

/// A day ends at midnight in Seoul, to the millisecond.
#[tokio::test]
async fn daily_quota_resets_at_midnight_in_seoul() {
    let app = Setup::new().await.with("CONTACT_DAILY_SENDS", "1").at("2026-03-02T14:58:00Z").start().await;
    let visitor = app.anonymous();
    let sent = send(&visitor).await["verification"].clone();
    assert_eq!(sent["sendsRemaining"], 0);
    app.advance(Duration::from_secs(61));
    let refused = send(&visitor).await;
    assert_eq!((&refused["quota"], &refused["retryAfterSeconds"]), (&json!("CONTACT_DAILY"), &json!(59)));
    assert_eq!(refused["retryAt"], "2026-03-02T15:00:00.000Z");
    app.advance(Duration::from_millis(58_999));
    assert_eq!(send(&visitor).await["retryAfterSeconds"], 1);
    assert_eq!(visitor.verification(&sent["id"]).await["sendsRemaining"], 0);
    app.advance(Duration::from_millis(1));
    assert_eq!(visitor.verification(&sent["id"]).await["sendsRemaining"], 1);
    assert_eq!(send(&visitor).await["verification"]["sendsRemaining"], 0);
    app.stop().await;
}

/// Just before midnight the cooldown outlasts the day and is reported.
#[tokio::test]
async fn longest_applicable_quota_is_reported() {
    let app = Setup::new().await.with("CONTACT_DAILY_SENDS", "1").at("2026-03-02T14:59:50Z").start().await;
    let visitor = app.anonymous();
    send(&visitor).await;
    app.advance(Duration::from_secs(5));
    let refused = send(&visitor).await;
    assert_eq!((&refused["quota"], &refused["retryAfterSeconds"]), (&json!("RESEND_COOLDOWN"), &json!(55)));
    app.advance(Duration::from_secs(55));
    assert_eq!(send(&visitor).await["__typename"], "SendVerificationCodePayload");
    app.stop().await;
}

/// BF-03, CONTACT_DAILY_GUESSES: guesses add up across verifications, addresses, processes and restarts. After that
/// even the right code is rejected until the next day.
#[tokio::test]
async fn daily_guesses_add_up_across_verifications() {
    let app = Setup::new().await.with("CONTACT_DAILY_GUESSES", "7").start().await;
    let visitor = app.anonymous();
    let first = send(&visitor).await["verification"]["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    for _ in 0..5 {
        assert_eq!(visitor.confirm(&first, &wrong(&code)).await["__typename"], "CodeMismatch");
    }
    app.advance(MINUTE);
    let second = send(&visitor).await["verification"]["id"].clone();
    let code = app.messages_to(PHONE, 2).await[0]["code"].as_str().unwrap().to_owned();
    for n in 0..2 {
        let guesser = app.client_at(&format!("203.0.113.{n}"));
        assert_eq!(guesser.confirm(&second, &wrong(&code)).await["__typename"], "CodeMismatch");
    }
    let restarted = app.another_process().await;
    app.stop().await;
    let visitor = restarted.anonymous();
    let refused = visitor.confirm(&second, &code).await;
    assert_eq!(refused["quota"], "CONTACT_DAILY", "{refused:#}");
    assert_eq!(refused["retryAt"], "2026-03-02T15:00:00.000Z");
    assert_eq!(refused["retryAfterSeconds"], 11 * 3600 + 59 * 60);
    // Not an attempt: the code was not checked.
    assert_eq!(visitor.verification(&second).await["attemptsRemaining"], 3);
    // BF-02: the next day the owner can confirm again.
    restarted.advance(Duration::from_secs(12 * 3600));
    let third = send(&visitor).await["verification"]["id"].clone();
    let code = restarted.messages_to(PHONE, 3).await[0]["code"].as_str().unwrap().to_owned();
    assert_eq!(visitor.confirm(&third, &code).await["__typename"], "ConfirmVerificationCodePayload");
    restarted.stop().await;
}

/// The daily guess limit holds when two verifications of one contact are guessed at concurrently.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daily_guess_limit_holds_under_concurrency() {
    let app = Setup::new()
        .await
        .with("CONTACT_DAILY_GUESSES", "6")
        .with("CLIENT_GUESSES_PER_MINUTE", "unlimited")
        .with("RESEND_COOLDOWN", "0s")
        .start()
        .await;
    let visitor = app.anonymous();
    let ids = [send(&visitor).await["verification"]["id"].clone(), send(&visitor).await["verification"]["id"].clone()];
    app.messages_to(PHONE, 2).await;
    let responses = join_all((0..40).map(|n| visitor.confirm(&ids[n % 2], "999999x"))).await;
    let checked = responses.iter().filter(|response| response["__typename"] == "CodeMismatch").count();
    assert_eq!(checked, 6, "{:?}", counts_by_type(&responses));
    app.stop().await;
}
