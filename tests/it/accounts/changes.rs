//! Changes to one's own account, and recovery from an attacker's changes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const EMAIL: &str = "hong@example.com";

pub fn undo_token(message: &Value) -> String {
    find_undo_token(message).unwrap_or_else(|| panic!("{message:#}"))
}

/// The undo token in a message; `None` if the message is about something else.
pub fn find_undo_token(message: &Value) -> Option<String> {
    let hex = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut words = message["text"].as_str().unwrap().split(|sign: char| !sign.is_ascii_alphanumeric());
    words.find(hex).map(str::to_owned)
}

#[tokio::test]
async fn tk_09_password_change_ends_the_other_sessions() {
    let app = TestApp::start().await;
    let here = app.signed_up("hong", PHONE).await;
    let there = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let signed_in_client = app.client_for(&here);
    let new = "Another-Password-7";
    assert_eq!(signed_in_client.change_password("Wrong-pass-1", new).await["__typename"], "CredentialsRejected");
    let same = signed_in_client.change_password(PASSWORD, PASSWORD).await;
    assert_eq!(same["violations"], json!(["SAME_AS_CURRENT"]), "{same:#}");
    assert_eq!(signed_in_client.change_password(PASSWORD, new).await["sessionsEnded"], 1);
    assert_eq!(signed_in_client.me().await["username"], "hong");
    assert_eq!(app.client_for(&there).me().await, Value::Null);
    assert_eq!(app.anonymous().refresh(&there.refresh).await["reason"], "REVOKED");
    let notice = &app.messages_to(PHONE, 2).await[0];
    assert!(notice["text"].as_str().unwrap().contains("password was changed"), "{notice:#}");
    // Without a session nothing is changed.
    let response = app.anonymous().execute("mutation { signOut { sessionsEnded } }", json!({})).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    app.stop().await;
}

#[tokio::test]
async fn pw_05_guesses_of_the_current_password_are_limited() {
    let app = TestApp::start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    let mut kinds = Vec::new();
    for _ in 0..12 {
        kinds.push(signed_in_client.change_password("Wrong-pass-1", "Another-Password-7").await["__typename"].clone());
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == "CredentialsRejected").count(), 10, "{kinds:?}");
    assert_eq!(signed_in_client.change_password(PASSWORD, "Another-Password-7").await["__typename"], "QuotaExceeded");
    app.stop().await;
}

#[tokio::test]
async fn owner_can_undo_an_attackers_contact_changes() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    let signed_in_client = app.client_for(&signed_in);
    let unchanged = signed_in_client.send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": PHONE } })).await;
    assert_eq!(unchanged["__typename"], "ContactUnchanged");
    let misfit = signed_in_client.send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "email": EMAIL } })).await;
    assert_eq!(misfit["fields"][0]["reason"], "phone_wanted");

    // The attacker, with an open session, changes the number, the address and the password.
    let moved = signed_in_client
        .change_contact("changePhone", &app.proof(&signed_in_client, "PHONE_CHANGE", "+821066660000").await)
        .await;
    assert_eq!(moved["user"]["phone"], "+821066660000", "{moved:#}");
    let notice = app.messages_to(PHONE, 2).await[0].clone();
    let address = app.proof(&signed_in_client, "EMAIL_CHANGE", "thief@example.com").await;
    assert_eq!(signed_in_client.change_contact("changeEmail", &address).await["user"]["email"], "thief@example.com");
    assert_eq!(
        signed_in_client.change_password(PASSWORD, "Stolen-Password-7").await["__typename"],
        "ChangePasswordPayload"
    );

    let owner = app.client_at("203.0.113.77");
    assert_eq!(owner.undo_contact_change(&"0".repeat(64)).await["reason"], "UNKNOWN");
    app.advance(Duration::from_secs(71 * 3600));
    let token = undo_token(&notice);
    let undone = owner.undo_contact_change(&token).await;
    assert_eq!(undone["sessionsEnded"], 1, "{undone:#}");
    assert_eq!(owner.undo_contact_change(&token).await["reason"], "SPENT");
    assert_eq!(signed_in_client.me().await, Value::Null);
    for password in [PASSWORD, "Stolen-Password-7"] {
        let refused = owner.sign_in(json!({ "identifier": "hong", "password": password })).await;
        assert_eq!(refused["__typename"], "CredentialsRejected");
    }
    let proof = app.proof(&owner, "PASSWORD_RESET", PHONE).await;
    assert_eq!(owner.reset_password(&proof, "Owners-Password-7").await["__typename"], "ResetPasswordPayload");
    let back = owner.sign_in(json!({ "identifier": PHONE, "password": "Owners-Password-7" })).await;
    assert_eq!((&back["user"]["phone"], &back["user"]["email"]), (&json!(PHONE), &Value::Null), "{back:#}");
    app.stop().await;
}

#[tokio::test]
async fn undo_token_expires() {
    let app = TestApp::start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&signed_in_client, "PHONE_CHANGE", "+821066660000").await;
    signed_in_client.change_contact("changePhone", &proof).await;
    let token = undo_token(&app.messages_to(PHONE, 2).await[0]);
    app.advance(Duration::from_secs(72 * 3600));
    assert_eq!(app.anonymous().undo_contact_change(&token).await["reason"], "EXPIRED");
    app.stop().await;
}

#[tokio::test]
async fn cl_10_proof_changes_only_the_account_that_requested_it() {
    let app = TestApp::start().await;
    let [hong, kim] = [app.signed_up("hong", PHONE).await, app.signed_up("kim", "+821099990000").await];
    let hongs = app.proof(&app.client_for(&hong), "PHONE_CHANGE", "+821066660000").await;
    assert_eq!(app.client_for(&kim).change_contact("changePhone", &hongs).await["reason"], "UNKNOWN");
    assert_eq!(app.client_for(&hong).change_contact("changeEmail", &hongs).await["reason"], "WRONG_PURPOSE");
    assert_eq!(app.client_for(&hong).change_contact("changePhone", &hongs).await["user"]["phone"], "+821066660000");
    // The number of another account: its owner is notified, and no code is sent.
    let sent =
        app.client_for(&kim).send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": "+821066660000" } })).await;
    assert_eq!(sent["__typename"], "QuotaExceeded", "the number got a code a moment ago: {sent:#}");
    app.advance(Duration::from_secs(61));
    let sent =
        app.client_for(&kim).send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": "+821066660000" } })).await;
    assert_eq!(sent["__typename"], "SendVerificationCodePayload", "{sent:#}");
    assert!(app.messages_to("+821066660000", 2).await[0]["code"].is_null());
    app.stop().await;
}

#[tokio::test]
async fn profile_fields_are_updated_individually() {
    let app = TestApp::start().await;
    let [hong, kim] = [app.signed_up("hong", PHONE).await, app.signed_up("kim", "+821099990000").await];
    let update = |who: &SignedIn, input: Value| {
        let client = app.client_for(who);
        async move { client.update_profile(input).await }
    };
    let set = update(
        &hong,
        json!({ "name": "홍길동", "nickname": "길동", "profileImageUrl": "https://cdn.example.com/a.png" }),
    );
    assert_eq!(set.await["user"]["nickname"], "길동");
    let cleared = update(&hong, json!({ "profileImageUrl": null })).await;
    assert_eq!(cleared["user"], json!({ "name": "홍길동", "nickname": "길동", "profileImageUrl": null }));
    assert_eq!(update(&kim, json!({ "nickname": "길동" })).await["__typename"], "NicknameTaken");
    let wrong = update(&kim, json!({ "nickname": "x", "profileImageUrl": "javascript:alert(1)" })).await;
    let reasons: Vec<_> = wrong["fields"].as_array().unwrap().iter().map(|field| field["reason"].clone()).collect();
    assert_eq!(reasons, ["too_short", "not_a_url"]);
    app.stop().await;
}
