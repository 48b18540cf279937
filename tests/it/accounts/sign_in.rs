//! Signing in: one answer for unknown and wrong, and locks that lock out strangers alone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";

fn roomy() -> [(&'static str, &'static str); 2] {
    [("CLIENT_SIGN_INS_PER_MINUTE", "unlimited"), ("ACCOUNT_HOURLY_PASSWORDS", "unlimited")]
}

async fn app() -> TestApp {
    let mut setup = Setup::new().await;
    for (name, value) in roomy() {
        setup = setup.with(name, value);
    }
    setup.start().await
}

fn wrong(identifier: &str) -> Value {
    json!({ "identifier": identifier, "password": "Wrong-pass-1" })
}

#[tokio::test]
async fn every_identifier_signs_in_and_nothing_tells_unknown_from_wrong() {
    let app = app().await;
    app.signed_up("hong", PHONE).await;
    let person = app.anonymous();
    for identifier in ["hong", " HONG ", "010-1234-5678", "+82 10 1234 5678"] {
        let signed_in = person.sign_in_as(identifier).await;
        assert_eq!(signed_in["__typename"], "SignInPayload", "{identifier}: {signed_in:#}");
    }
    let refused = person.sign_in(wrong("hong")).await;
    assert_eq!(refused["__typename"], "CredentialsRejected");
    for unknown in ["kim", "010-9999-0000", "kim@example.com", "\u{0}", "x".repeat(10_000).as_str()] {
        assert_eq!(person.sign_in(wrong(unknown)).await, refused, "{unknown:.20}");
    }
    let empty = person.sign_in(json!({ "identifier": " ", "password": "" })).await;
    assert_eq!(
        empty["fields"],
        json!([{ "path": "identifier", "reason": "empty" }, { "path": "password", "reason": "empty" }])
    );
    app.stop().await;
}

#[tokio::test]
async fn bf_12_wrong_passwords_lock_the_known_and_the_unknown_alike() {
    let app = app().await;
    app.signed_up("hong", PHONE).await;
    let person = app.anonymous();
    let mut answers = Vec::new();
    for identifier in ["hong", "nobody"] {
        let mut seen = Vec::new();
        for _ in 0..12 {
            seen.push(person.sign_in(wrong(identifier)).await);
        }
        // Locked, the right password is no better.
        seen.push(person.sign_in_as(identifier).await);
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0][9]["__typename"], "CredentialsRejected");
    assert_eq!(answers[0][10]["__typename"], "AccountLocked");
    assert_eq!(answers[0][12]["unlocksAt"], "2026-03-02T03:15:00.000Z");
    // By its other identifier the account is closed as well, without a sign that it is the same one: a number that
    // nobody has is counted, and locked, in the same steps.
    let mut others = Vec::new();
    for phone in ["010-1234-5678", "010-1234-0000"] {
        let mut seen = vec![person.sign_in_as(phone).await];
        for _ in 0..11 {
            seen.push(person.sign_in(wrong(phone)).await);
        }
        others.push(seen);
    }
    assert_eq!(others[0], others[1]);
    assert_eq!(others[0][0]["__typename"], "CredentialsRejected");
    assert_eq!(others[0][11]["__typename"], "AccountLocked");

    // Time unlocks, and the next wrong one locks for twice as long.
    app.advance(Duration::from_secs(15 * 60));
    assert_eq!(person.sign_in(wrong("hong")).await["__typename"], "CredentialsRejected");
    assert_eq!(person.sign_in_as("hong").await["unlocksAt"], "2026-03-02T03:45:00.000Z");
    app.advance(Duration::from_secs(30 * 60));
    assert_eq!(person.sign_in_as("hong").await["__typename"], "SignInPayload");
    app.stop().await;
}

#[tokio::test]
async fn bf_02_strangers_do_not_lock_out_a_known_device() {
    let app = app().await;
    let owner = app.signed_up("hong", PHONE).await;
    let (stranger, home) = (app.client_at("198.51.100.66"), app.anonymous());
    for _ in 0..11 {
        stranger.sign_in(wrong("hong")).await;
    }
    assert_eq!(home.sign_in_as("hong").await["__typename"], "AccountLocked");
    let known = json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": owner.device });
    assert_eq!(home.sign_in(known.clone()).await["__typename"], "SignInPayload");
    assert_eq!(app.client_for(&owner).me().await["username"], "hong");
    // Its own wrong ones count, by themselves.
    for _ in 0..10 {
        home.sign_in(json!({ "identifier": "hong", "password": "Wrong-pass-1", "deviceToken": owner.device })).await;
    }
    assert_eq!(home.sign_in(known).await["__typename"], "AccountLocked");
    // A device token of one's own making is none.
    let made_up = json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": "A".repeat(43) });
    assert_eq!(stranger.sign_in(made_up).await["__typename"], "AccountLocked");
    app.stop().await;
}

#[tokio::test]
async fn a_password_reset_unlocks() {
    let app = app().await;
    app.signed_up("hong", PHONE).await;
    let person = app.anonymous();
    for _ in 0..11 {
        person.sign_in(wrong("hong")).await;
    }
    app.advance(Duration::from_secs(61));
    let proof = app.proof(&person, "PASSWORD_RESET", PHONE).await;
    let reset = person.reset_password(&proof, "Other-Password-9").await;
    assert_eq!(reset["sessionsEnded"], 1, "{reset:#}");
    let back = person.sign_in(json!({ "identifier": "hong", "password": "Other-Password-9" })).await;
    assert_eq!(back["__typename"], "SignInPayload", "{back:#}");
    assert_eq!(person.sign_in_as("hong").await["__typename"], "CredentialsRejected");
    app.stop().await;
}

#[tokio::test]
async fn a_code_signs_in_in_place_of_a_password() {
    let app = app().await;
    app.signed_up("hong", PHONE).await;
    app.advance(Duration::from_secs(61));
    let person = app.anonymous();
    let proof = app.proof(&person, "SIGN_IN", PHONE).await;
    let signed_in = person.sign_in_with_proof(&proof).await;
    assert_eq!(signed_in["user"]["username"], "hong", "{signed_in:#}");
    assert_eq!(person.sign_in_with_proof(&proof).await["reason"], "SPENT");
    assert_eq!(person.sign_in_with_proof(&json!("0".repeat(64))).await["reason"], "UNKNOWN");
    // TK-06: proofs of other purposes, and tokens of other kinds, are worth nothing here.
    let contact = app.proof(&person, "CONTACT", "+821099990000").await;
    assert_eq!(person.sign_in_with_proof(&contact).await["reason"], "WRONG_PURPOSE");
    let tokens = SignedIn::of(&signed_in);
    for kind in [&tokens.access, &tokens.refresh, &tokens.device] {
        assert_eq!(person.sign_in_with_proof(&json!(kind)).await["reason"], "UNKNOWN");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_sign_in_on_a_new_device_is_told_once() {
    let app = app().await;
    let owner = app.signed_up("hong", "hong@example.com").await;
    let elsewhere = app.client_at("198.51.100.66");
    let first = json!({ "identifier": "hong", "password": PASSWORD, "deviceName": "Evil <b>box</b>" });
    let signed_in = elsewhere.sign_in(first).await;
    let told = &app.messages_to("hong@example.com", 2).await[0];
    assert!(told["text"].as_str().unwrap().contains("Evil b box b"), "{told:#}");
    // The same again, by its token and by its looks; and the device that signed up.
    let device = SignedIn::of(&signed_in).device;
    let again = json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": device });
    app.client_at("203.0.113.9").sign_in(again).await;
    elsewhere.sign_in_as("hong").await;
    let home = json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": owner.device });
    app.client_at("203.0.113.10").sign_in(home).await;
    app.client_at("203.0.113.11").sign_in_as("hong").await;
    let told = app.column("SELECT kind FROM delivery WHERE kind = 'new_device'").await;
    assert_eq!(told.len(), 2, "the stranger's box, and the last one");
    app.stop().await;
}
