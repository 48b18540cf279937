//! Sign-in: the same response for unknown accounts and wrong passwords, and lockouts that do not affect known devices.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";

fn without_client_quotas() -> [(&'static str, &'static str); 2] {
    [("CLIENT_SIGN_INS_PER_MINUTE", "unlimited"), ("ACCOUNT_HOURLY_PASSWORDS", "unlimited")]
}

async fn app() -> TestApp {
    let mut setup = Setup::new().await;
    for (name, value) in without_client_quotas() {
        setup = setup.with(name, value);
    }
    setup.start().await
}

fn wrong(identifier: &str) -> Value {
    json!({ "identifier": identifier, "password": "Wrong-pass-1" })
}

#[tokio::test]
async fn every_identifier_signs_in_and_unknown_equals_wrong() {
    let app = app().await;
    app.signed_up("hong", PHONE).await;
    let client = app.anonymous();
    for identifier in ["hong", " HONG ", "010-1234-5678", "+82 10 1234 5678"] {
        let signed_in = client.sign_in_as(identifier).await;
        assert_eq!(signed_in["__typename"], "SignInPayload", "{identifier}: {signed_in:#}");
    }
    let refused = client.sign_in(wrong("hong")).await;
    assert_eq!(refused["__typename"], "CredentialsRejected");
    for unknown in ["kim", "010-9999-0000", "kim@example.com", "\u{0}", "x".repeat(10_000).as_str()] {
        assert_eq!(client.sign_in(wrong(unknown)).await, refused, "{unknown:.20}");
    }
    let empty = client.sign_in(json!({ "identifier": " ", "password": "" })).await;
    assert_eq!(
        empty["fields"],
        json!([{ "path": "identifier", "reason": "empty" }, { "path": "password", "reason": "empty" }])
    );
    app.stop().await;
}

#[tokio::test]
async fn bf_12_wrong_passwords_lock_known_and_unknown_accounts_alike() {
    let app = app().await;
    app.signed_up("hong", PHONE).await;
    let client = app.anonymous();
    let mut responses = Vec::new();
    for identifier in ["hong", "nobody"] {
        let mut seen = Vec::new();
        for _ in 0..12 {
            seen.push(client.sign_in(wrong(identifier)).await);
        }
        // While locked, the right password is rejected too.
        seen.push(client.sign_in_as(identifier).await);
        responses.push(seen);
    }
    assert_eq!(responses[0], responses[1]);
    assert_eq!(responses[0][9]["__typename"], "CredentialsRejected");
    assert_eq!(responses[0][10]["__typename"], "AccountLocked");
    assert_eq!(responses[0][12]["unlocksAt"], "2026-03-02T03:15:00.000Z");
    // Sign-in with the other identifier is locked as well, without revealing that it is the same account: an unknown
    // number is counted and locked in the same steps.
    let mut others = Vec::new();
    for phone in ["010-1234-5678", "010-1234-0000"] {
        let mut seen = vec![client.sign_in_as(phone).await];
        for _ in 0..11 {
            seen.push(client.sign_in(wrong(phone)).await);
        }
        others.push(seen);
    }
    assert_eq!(others[0], others[1]);
    assert_eq!(others[0][0]["__typename"], "CredentialsRejected");
    assert_eq!(others[0][11]["__typename"], "AccountLocked");

    // The lock expires, and the next wrong password locks for twice as long.
    app.advance(Duration::from_secs(15 * 60));
    assert_eq!(client.sign_in(wrong("hong")).await["__typename"], "CredentialsRejected");
    assert_eq!(client.sign_in_as("hong").await["unlocksAt"], "2026-03-02T03:45:00.000Z");
    app.advance(Duration::from_secs(30 * 60));
    assert_eq!(client.sign_in_as("hong").await["__typename"], "SignInPayload");
    app.stop().await;
}

#[tokio::test]
async fn bf_02_known_device_is_not_locked_out_by_others() {
    let app = app().await;
    let owner = app.signed_up("hong", PHONE).await;
    let (other_client, home) = (app.client_at("198.51.100.66"), app.anonymous());
    for _ in 0..11 {
        other_client.sign_in(wrong("hong")).await;
    }
    assert_eq!(home.sign_in_as("hong").await["__typename"], "AccountLocked");
    let known = json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": owner.device });
    assert_eq!(home.sign_in(known.clone()).await["__typename"], "SignInPayload");
    assert_eq!(app.client_for(&owner).me().await["username"], "hong");
    // Its own wrong passwords are counted separately.
    for _ in 0..10 {
        home.sign_in(json!({ "identifier": "hong", "password": "Wrong-pass-1", "deviceToken": owner.device })).await;
    }
    assert_eq!(home.sign_in(known).await["__typename"], "AccountLocked");
    // An invented device token is not a known device.
    let made_up = json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": "A".repeat(43) });
    assert_eq!(other_client.sign_in(made_up).await["__typename"], "AccountLocked");
    app.stop().await;
}

#[tokio::test]
async fn password_reset_lifts_the_lockout() {
    let app = app().await;
    app.signed_up("hong", PHONE).await;
    let client = app.anonymous();
    for _ in 0..11 {
        client.sign_in(wrong("hong")).await;
    }
    app.advance(Duration::from_secs(61));
    let proof = app.proof(&client, "PASSWORD_RESET", PHONE).await;
    let reset = client.reset_password(&proof, "Other-Password-9").await;
    assert_eq!(reset["sessionsEnded"], 1, "{reset:#}");
    let back = client.sign_in(json!({ "identifier": "hong", "password": "Other-Password-9" })).await;
    assert_eq!(back["__typename"], "SignInPayload", "{back:#}");
    assert_eq!(client.sign_in_as("hong").await["__typename"], "CredentialsRejected");
    app.stop().await;
}

#[tokio::test]
async fn code_signs_in_instead_of_a_password() {
    let app = app().await;
    app.signed_up("hong", PHONE).await;
    app.advance(Duration::from_secs(61));
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_IN", PHONE).await;
    let signed_in = client.sign_in_with_proof(&proof).await;
    assert_eq!(signed_in["user"]["username"], "hong", "{signed_in:#}");
    assert_eq!(client.sign_in_with_proof(&proof).await["reason"], "SPENT");
    assert_eq!(client.sign_in_with_proof(&json!("0".repeat(64))).await["reason"], "UNKNOWN");
    // TK-06: proofs of other purposes and tokens of other kinds are not accepted here.
    let contact = app.proof(&client, "CONTACT", "+821099990000").await;
    assert_eq!(client.sign_in_with_proof(&contact).await["reason"], "WRONG_PURPOSE");
    let tokens = SignedIn::of(&signed_in);
    for kind in [&tokens.access, &tokens.refresh, &tokens.device] {
        assert_eq!(client.sign_in_with_proof(&json!(kind)).await["reason"], "UNKNOWN");
    }
    app.stop().await;
}

#[tokio::test]
async fn new_device_is_notified_once() {
    let app = app().await;
    let owner = app.signed_up("hong", "hong@example.com").await;
    let elsewhere = app.client_at("198.51.100.66");
    let first = json!({ "identifier": "hong", "password": PASSWORD, "deviceName": "Evil <b>box</b>" });
    let signed_in = elsewhere.sign_in(first).await;
    let notice = &app.messages_to("hong@example.com", 2).await[0];
    assert!(notice["text"].as_str().unwrap().contains("Evil b box b"), "{notice:#}");
    // The same devices again, by device token and by user agent; and the device that signed up.
    let device = SignedIn::of(&signed_in).device;
    let again = json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": device });
    app.client_at("203.0.113.9").sign_in(again).await;
    elsewhere.sign_in_as("hong").await;
    let home = json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": owner.device });
    app.client_at("203.0.113.10").sign_in(home).await;
    app.client_at("203.0.113.11").sign_in_as("hong").await;
    let notice = app.column("SELECT kind FROM delivery WHERE kind = 'new_device'").await;
    assert_eq!(notice.len(), 2, "the unknown device and the last one");
    app.stop().await;
}
