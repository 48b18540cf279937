//! What lifts a lock, and what a lock keeps whom from.

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

/// A stranger types wrong passwords until this identifier is locked.
async fn lock(app: &TestApp, identifier: &str) {
    let stranger = app.client_at("198.51.100.66");
    for _ in 0..10 {
        stranger.sign_in(json!({ "identifier": identifier, "password": "Wrong-pass-1" })).await;
    }
    assert_eq!(new_device(app, identifier, PASSWORD).await, "AccountLocked");
}

/// What a new device that knows the password is answered.
async fn new_device(app: &TestApp, identifier: &str, password: &str) -> Value {
    app.anonymous().sign_in(json!({ "identifier": identifier, "password": password })).await["__typename"].take()
}

#[tokio::test]
async fn a_reset_lifts_locks_from_before_the_account() {
    let app = app().await;
    for identifier in ["future1", PHONE] {
        lock(&app, identifier).await;
    }
    app.signed_up("future1", PHONE).await;
    // A lock that vanished would tell the stranger that somebody signed up with the number.
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
async fn a_change_of_password_lifts_locks() {
    let app = app().await;
    lock(&app, NEW_PHONE).await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&holder, "PHONE_CHANGE", NEW_PHONE).await;
    let moved = holder.change_contact("changePhone", &proof).await;
    assert_eq!(moved["user"]["phone"], NEW_PHONE, "{moved:#}");
    lock(&app, "hong").await;
    assert_eq!(new_device(&app, NEW_PHONE, PASSWORD).await, "AccountLocked");
    let changed = holder.change_password(PASSWORD, NEW).await;
    assert_eq!(changed["__typename"], "ChangePasswordPayload", "{changed:#}");
    for identifier in ["hong", NEW_PHONE] {
        assert_eq!(new_device(&app, identifier, NEW).await, "SignInPayload", "{identifier}");
    }
    app.stop().await;
}

#[tokio::test]
async fn an_administrator_lifts_locks_from_before_the_account() {
    let app = app().await;
    lock(&app, PHONE).await;
    let hong = app.signed_up("hong", PHONE).await;
    app.signed_up("boss", "+821022220000").await;
    let boss = app.promote("boss").await;
    let unlocked = app.client_for(&boss).unlock_account(&hong.user["id"]).await;
    assert_eq!(unlocked["__typename"], "UnlockAccountPayload", "{unlocked:#}");
    assert_eq!(new_device(&app, PHONE, PASSWORD).await, "SignInPayload");
    lock(&app, PHONE).await;
    app.unlock("hong").await;
    assert_eq!(new_device(&app, PHONE, PASSWORD).await, "SignInPayload");
    app.stop().await;
}

/// The number that comes back was locked while it was not the account's.
#[tokio::test]
async fn an_undo_lifts_locks_of_the_contact_that_comes_back() {
    let app = app().await;
    let thief = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&thief, "PHONE_CHANGE", NEW_PHONE).await;
    thief.change_contact("changePhone", &proof).await;
    lock(&app, PHONE).await;
    let told = app.notices_to(PHONE, "changed", 1).await;
    let undone = app.anonymous().undo_contact_change(&undo_token(&told[0])).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    // The undo took the password away.
    assert_eq!(new_device(&app, PHONE, PASSWORD).await, "CredentialsRejected");
    app.stop().await;
}

async fn confirm(person: &ApiClient, password: &str) -> Value {
    person.reauthenticate(json!({ "password": password })).await
}

/// Wrong passwords of somebody who is signed in are counted by session: a stolen one locks itself alone.
#[tokio::test]
async fn a_thief_of_a_session_locks_the_owners_others_out_of_nothing() {
    let app = app().await;
    let thief = app.client_for(&app.signed_up("hong", PHONE).await);
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    for _ in 0..10 {
        assert_eq!(confirm(&thief, "Wrong-pass-1").await["__typename"], "CredentialsRejected");
    }
    // More often than the hour allows.
    for _ in 0..20 {
        let refused = confirm(&thief, PASSWORD).await;
        assert_eq!((&refused["__typename"], &refused["quota"]), (&json!("QuotaExceeded"), &json!("ACCOUNT")));
    }
    assert_eq!(confirm(&owner, PASSWORD).await["__typename"], "ReauthenticatePayload");
    assert_eq!(
        confirm(&thief, PASSWORD).await["__typename"],
        "QuotaExceeded",
        "the owner's right one is not the thief's"
    );
    assert_eq!(owner.sign_out_everywhere().await["sessionsEnded"], 2);
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    let changed = owner.change_password(PASSWORD, NEW).await;
    assert_eq!(changed["__typename"], "ChangePasswordPayload", "{changed:#}");
    app.stop().await;
}
