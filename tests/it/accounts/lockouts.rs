//! What lifts a lockout, and whom a lockout affects.

use serde_json::{Value, json};

use super::changes::undo_token;
use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const NEW_PHONE: &str = "+821066660000";
const NEW: &str = "Another-Password-7";

async fn app() -> TestApp {
    let setup = Setup::new().await.with("RESEND_COOLDOWN", "0s").with("CONTACT_DAILY_SENDS", "unlimited");
    setup.with("CLIENT_SIGN_INS_PER_MINUTE", "unlimited").start().await
}

/// Sends wrong passwords from an unknown device until this identifier is locked.
async fn lock(app: &TestApp, identifier: &str) {
    let other_client = app.client_at("198.51.100.66");
    for _ in 0..10 {
        other_client.sign_in(json!({ "identifier": identifier, "password": "Wrong-pass-1" })).await;
    }
    assert_eq!(new_device(app, identifier, PASSWORD).await, "AccountLocked");
}

/// The result of a sign-in on a new device with this password.
async fn new_device(app: &TestApp, identifier: &str, password: &str) -> Value {
    app.anonymous().sign_in(json!({ "identifier": identifier, "password": password })).await["__typename"].take()
}

#[tokio::test]
async fn password_reset_lifts_locks_from_before_sign_up() {
    let app = app().await;
    for identifier in ["future1", PHONE] {
        lock(&app, identifier).await;
    }
    app.signed_up("future1", PHONE).await;
    // If the lock vanished, an attacker would learn that an account was created for the number.
    for identifier in ["future1", PHONE] {
        assert_eq!(new_device(&app, identifier, PASSWORD).await, "AccountLocked");
    }
    let proof = app.proof(&app.anonymous(), "PASSWORD_RESET", PHONE).await;
    app.anonymous().reset_password(&proof, NEW).await;
    for identifier in ["future1", PHONE] {
        assert_eq!(new_device(&app, identifier, NEW).await, "SignInPayload", "{identifier}");
    }
    app.stop().await;
}

#[tokio::test]
async fn password_change_lifts_locks() {
    let app = app().await;
    lock(&app, NEW_PHONE).await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&signed_in_client, "PHONE_CHANGE", NEW_PHONE).await;
    let moved = signed_in_client.change_contact("changePhone", &proof).await;
    assert_eq!(moved["user"]["phone"], NEW_PHONE, "{moved:#}");
    lock(&app, "hong").await;
    assert_eq!(new_device(&app, NEW_PHONE, PASSWORD).await, "AccountLocked");
    let changed = signed_in_client.change_password(PASSWORD, NEW).await;
    assert_eq!(changed["__typename"], "ChangePasswordPayload", "{changed:#}");
    for identifier in ["hong", NEW_PHONE] {
        assert_eq!(new_device(&app, identifier, NEW).await, "SignInPayload", "{identifier}");
    }
    app.stop().await;
}

#[tokio::test]
async fn admin_unlock_lifts_locks_from_before_sign_up() {
    let app = app().await;
    lock(&app, PHONE).await;
    let hong = app.signed_up("hong", PHONE).await;
    app.signed_up("boss", "+821022220000").await;
    let admin = app.promote("boss").await;
    let unlocked = app.client_for(&admin).unlock_account(&hong.user["id"]).await;
    assert_eq!(unlocked["__typename"], "UnlockAccountPayload", "{unlocked:#}");
    assert_eq!(new_device(&app, PHONE, PASSWORD).await, "SignInPayload");
    lock(&app, PHONE).await;
    app.unlock("hong").await;
    assert_eq!(new_device(&app, PHONE, PASSWORD).await, "SignInPayload");
    app.stop().await;
}

/// The restored number was locked while it did not belong to the account.
#[tokio::test]
async fn undo_lifts_locks_of_the_restored_contact() {
    let app = app().await;
    let attacker = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&attacker, "PHONE_CHANGE", NEW_PHONE).await;
    attacker.change_contact("changePhone", &proof).await;
    lock(&app, PHONE).await;
    let result = app.notices_to(PHONE, "changed", 1).await;
    let undone = app.anonymous().undo_contact_change(&undo_token(&result[0])).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    // The undo removed the password.
    assert_eq!(new_device(&app, PHONE, PASSWORD).await, "CredentialsRejected");
    app.stop().await;
}

async fn confirm(client: &ApiClient, password: &str) -> Value {
    client.reauthenticate(json!({ "password": password })).await
}

/// Wrong passwords of a signed-in client are counted by session: a stolen session locks only itself.
#[tokio::test]
async fn stolen_session_does_not_lock_out_the_owners_other_sessions() {
    let app = app().await;
    let attacker = app.client_for(&app.signed_up("hong", PHONE).await);
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    for _ in 0..10 {
        assert_eq!(confirm(&attacker, "Wrong-pass-1").await["__typename"], "CredentialsRejected");
    }
    // More often than the hourly limit.
    for _ in 0..20 {
        let refused = confirm(&attacker, PASSWORD).await;
        assert_eq!((&refused["__typename"], &refused["quota"]), (&json!("QuotaExceeded"), &json!("ACCOUNT")));
    }
    assert_eq!(confirm(&owner, PASSWORD).await["__typename"], "ReauthenticatePayload");
    assert_eq!(
        confirm(&attacker, PASSWORD).await["__typename"],
        "QuotaExceeded",
        "the owner's right password is not counted with the attacker's wrong ones"
    );
    assert_eq!(owner.sign_out_everywhere().await["sessionsEnded"], 2);
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    let changed = owner.change_password(PASSWORD, NEW).await;
    assert_eq!(changed["__typename"], "ChangePasswordPayload", "{changed:#}");
    app.stop().await;
}
