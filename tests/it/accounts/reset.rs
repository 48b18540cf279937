//! Password reset (PW-07), and what a password must not contain.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, SignedIn, TestApp};

const PHONE: &str = "+821012345678";

/// The request changes nothing. The code is valid once. The new password replaces the old one and ends every session.
/// The owner is notified, and no session is created.
#[tokio::test]
async fn pw_07_reset_by_code_ends_sessions_and_notifies_the_owner() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    app.advance(Duration::from_secs(61));
    let client = app.client_at("198.51.100.66");
    let sent = client.request_password_reset(json!({ "contact": { "phone": "010-1234-5678" } })).await;
    let id = sent["verification"]["id"].clone();
    assert_eq!(app.client_for(&signed_in).me().await["username"], "hong");
    let again = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let code = app.messages_to(PHONE, 3).await.into_iter().find(|message| message["code"].is_string()).unwrap();
    let proof = client.confirm(&id, code["code"].as_str().unwrap()).await["proof"]["token"].clone();
    assert_eq!(app.anonymous().sign_in_as("hong").await["__typename"], "SignInPayload", "nothing has changed yet");

    let mut reset = client.reset_password(&proof, "Quiet-Harbour-71!").await;
    assert!(reset["deviceToken"].take().is_string());
    let expected = json!({
        "__typename": "ResetPasswordPayload", "sessionsEnded": 3, "notificationQueued": true, "deviceToken": null,
    });
    assert_eq!(reset, expected, "and no tokens");
    assert_eq!(client.reset_password(&proof, "Quiet-Harbour-72!").await["reason"], "SPENT");
    for ended in [&signed_in, &again] {
        assert_eq!(app.client_for(ended).me().await, Value::Null);
        assert_eq!(client.refresh(&ended.refresh).await["reason"], "REVOKED");
    }
    assert_eq!(client.sign_in_as("hong").await["__typename"], "CredentialsRejected");
    let back = client.sign_in(json!({ "identifier": "hong", "password": "Quiet-Harbour-71!" })).await;
    assert_eq!(back["__typename"], "SignInPayload");
    let notice = app.messages_to(PHONE, 4).await;
    assert!(
        notice.iter().any(|message| message["text"].as_str().unwrap().contains("password was changed")),
        "{notice:#?}"
    );
    app.stop().await;
}

/// All personal data is context for the password check: a password made of it is rejected at the reset as at the
/// sign-up, and costs neither the proof nor an attempt.
#[tokio::test]
async fn pw_02_new_password_must_not_contain_personal_data() {
    let app = TestApp::start().await;
    let client = app.client_at("198.51.100.8");
    let proof = app.proof(&client, "SIGN_UP", PHONE).await;
    let input = |password: &str| {
        json!({
            "proofToken": proof, "username": "skywalker", "password": password, "name": "Kim Minjun",
            "nickname": "thunderbolt", "birthDate": "1990-05-17",
        })
    };
    let made_of =
        ["Xq!7-skywalker-Wv", "Xq!7-Minjun-Wvzk9", "Xq!7-thunderbolt-W", "Xq!7-19900517-Wvz", "Xq!7-12345678-Wvz"];
    for password in made_of {
        let refused = client.sign_up(input(password)).await;
        assert_eq!(refused["violations"], json!(["CONTAINS_PERSONAL_DATA"]), "{password}: {refused:#}");
    }
    assert_eq!(client.sign_up(input(PASSWORD)).await["__typename"], "SignUpPayload");
    app.advance(Duration::from_secs(61));
    let proof = app.proof(&client, "PASSWORD_RESET", PHONE).await;
    for password in made_of {
        let refused = client.reset_password(&proof, password).await;
        assert_eq!(refused["violations"], json!(["CONTAINS_PERSONAL_DATA"]), "{password}: {refused:#}");
    }
    assert_eq!(client.reset_password(&proof, PASSWORD).await["violations"], json!(["SAME_AS_CURRENT"]));
    assert_eq!(client.reset_password(&proof, "Quiet-Harbour-71!").await["__typename"], "ResetPasswordPayload");
    app.stop().await;
}
