//! Account data is deleted once it can no longer be used, and not before (DR-05).

use std::time::Duration;

use serde_json::{Value, json};

use super::{DAY, until};
use crate::{
    accounts::changes::undo_token,
    support::{PASSWORD, Setup, SignedIn, TestApp},
};

const PHONE: &str = "+821012345678";
const HOUR: Duration = Duration::from_secs(60 * 60);

#[tokio::test]
async fn dr_05_sessions_are_deleted_with_their_tokens_when_none_is_usable() {
    let app = Setup::new().await.with("HISTORY_RETENTION", "30d").start().await;
    let client = app.anonymous();
    let idle = app.signed_up("hong", PHONE).await;
    let signed_out = SignedIn::of(&client.sign_in_as("hong").await);
    app.client_for(&signed_out).sign_out().await;
    for _ in 0..3 {
        client.refresh(&idle.refresh).await;
    }
    assert_eq!((app.row_count("session").await, app.row_count("refresh_token").await), (2, 3));

    app.advance(DAY * 29);
    until(&app, "revocation", 0).await;
    assert_eq!(client.refresh(&signed_out.refresh).await["reason"], "REVOKED");
    assert_eq!(client.refresh(&idle.refresh).await["reason"], "EXPIRED");
    app.advance(DAY * 2);
    // The revoked session is deleted after a month; the other one ended when its week was over.
    until(&app, "session", 1).await;
    until(&app, "refresh_token", 2).await;
    assert_eq!(client.refresh(&signed_out.refresh).await["reason"], "UNKNOWN");
    assert_eq!(client.refresh(&idle.refresh).await["reason"], "EXPIRED");
    let fresh = SignedIn::of(&client.sign_in_as("hong").await);
    app.advance(DAY * 6 + HOUR);
    until(&app, "session", 1).await;
    until(&app, "refresh_token", 1).await;
    assert_eq!(client.refresh(&idle.refresh).await["reason"], "UNKNOWN");
    assert_eq!(client.refresh(&fresh.refresh).await["__typename"], "RefreshSessionPayload");
    app.stop().await;
}

#[tokio::test]
async fn dr_05_revocation_is_kept_while_an_access_token_of_the_session_is_valid() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    app.client_for(&signed_in).sign_out().await;
    assert_eq!(app.row_count("revocation").await, 1);
    app.advance(HOUR - Duration::from_secs(1));
    // A process that starts in the last second of the token's lifetime still knows the revocation.
    let late = app.another_process().await;
    assert_eq!(late.client_for(&signed_in).me().await, Value::Null);
    late.stop().await;
    assert_eq!(app.row_count("revocation").await, 1);
    app.advance(DAY + HOUR);
    until(&app, "revocation", 0).await;
    app.stop().await;
}

#[tokio::test]
async fn dr_05_failed_logins_are_deleted_and_active_locks_are_kept() {
    let setup =
        Setup::new().await.with("LOCKOUT_ATTEMPTS", "3").with("LOCKOUT_TIME", "20h").with("LOCKOUT_MAX_TIME", "7d");
    let app = setup.start().await;
    let client = app.anonymous();
    let wrong = |identifier: &str| json!({ "identifier": identifier, "password": "Wrong-pass-1" });
    for _ in 0..3 {
        client.sign_in(wrong("locked")).await;
    }
    app.advance(HOUR * 20);
    // One more failure makes the lock two days long, longer than wrong passwords are kept.
    client.sign_in(wrong("locked")).await;
    client.sign_in(wrong("once")).await;
    assert_eq!(app.row_count("lockout").await, 4);
    app.advance(HOUR * 25);
    until(&app, "lockout", 2).await;
    assert_eq!(client.sign_in(wrong("locked")).await["__typename"], "AccountLocked");
    app.advance(HOUR * 15);
    until(&app, "lockout", 0).await;
    assert_eq!(client.sign_in(wrong("locked")).await["__typename"], "CredentialsRejected");
    app.stop().await;
}

#[tokio::test]
async fn dr_05_device_is_deleted_a_year_after_last_use() {
    let app = TestApp::start().await;
    let first = app.signed_up("hong", PHONE).await;
    let second = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    assert_eq!(app.row_count("device").await, 2);
    app.advance(DAY * 200);
    let known = |device: &str| json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": device });
    assert_eq!(SignedIn::of(&app.anonymous().sign_in(known(&first.device)).await).device, first.device);
    app.advance(DAY * 166);
    until(&app, "device", 1).await;
    assert_eq!(SignedIn::of(&app.anonymous().sign_in(known(&first.device)).await).device, first.device);
    assert_ne!(SignedIn::of(&app.anonymous().sign_in(known(&second.device)).await).device, second.device);
    app.stop().await;
}

#[tokio::test]
async fn dr_05_previous_contact_is_deleted_when_undo_expires() {
    let app = TestApp::start().await;
    let owner = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&owner, "PHONE_CHANGE", "+821066660000").await;
    owner.change_contact("changePhone", &proof).await;
    let token = undo_token(&app.messages_to(PHONE, 2).await[0]);
    app.advance(DAY * 3 + HOUR * 23);
    assert_eq!(app.anonymous().undo_contact_change(&token).await["reason"], "EXPIRED");
    assert_eq!(app.row_count("contact_change").await, 1);
    app.advance(HOUR * 2);
    until(&app, "contact_change", 0).await;
    assert_eq!(app.anonymous().undo_contact_change(&token).await["reason"], "UNKNOWN");
    app.stop().await;
}

#[tokio::test]
async fn dr_05_unverified_account_releases_its_username() {
    let app = Setup::new().await.with("ACTIVATION", "email").with("UNPROVED_RETENTION", "3d").start().await;
    let client = app.anonymous();
    let input = |username: &str, email: &str| json!({ "username": username, "password": PASSWORD, "email": email });
    client.sign_up(input("squatter", "typed@example.com")).await;
    let created = client.sign_up(input("minji", "minji@example.com")).await;
    let code = app.code_sent_to("minji@example.com").await;
    client.confirm(&created["verification"]["id"], &code).await;
    app.signed_up("hong", PHONE).await;
    app.advance(DAY * 3 - HOUR);
    assert_eq!(client.available(json!({ "username": "squatter" })).await["available"], false);
    assert_eq!(app.row_count("account").await, 3);
    app.advance(HOUR * 2);
    until(&app, "account", 2).await;
    assert_eq!(client.available(json!({ "username": "squatter" })).await["available"], true);
    assert_eq!(client.sign_in_as("squatter").await["__typename"], "CredentialsRejected");
    assert_eq!(client.sign_in_as("minji").await["__typename"], "SignInPayload");
    app.stop().await;
}
