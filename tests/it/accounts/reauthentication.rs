//! Reauthentication: the token's claims, how long it counts, and which operations require it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const EMAIL: &str = "hong@example.com";
const MINUTE: Duration = Duration::from_secs(60);

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn request_email_change(client: &ApiClient) -> Value {
    client.send_code(json!({ "purpose": "EMAIL_CHANGE", "to": { "email": "other@example.com" } })).await["__typename"]
        .clone()
}

#[tokio::test]
async fn token_has_time_and_methods_of_authentication() {
    let setup = Setup::new().await.with("RESEND_COOLDOWN", "0s").with("NOTIFY_NEW_DEVICE", "off");
    let app = setup.start().await;
    let start = app.now().timestamp();
    let has_claims = |token: &str| {
        let claims = claims(token);
        (claims["auth_time"].as_i64().unwrap() - start, claims["amr"].clone(), claims["acr"].clone())
    };
    let signed_up = app.signed_up("hong", PHONE).await;
    assert_eq!(has_claims(&signed_up.access), (0, json!(["otp", "sms"]), json!("sign_in")));
    app.advance(MINUTE);
    let by_password = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    assert_eq!(has_claims(&by_password.access), (60, json!(["pwd"]), json!("sign_in")));
    // A refreshed token keeps the time of the sign-in.
    app.advance(MINUTE);
    let refreshed = app.anonymous().refresh(&by_password.refresh).await;
    let access = refreshed["tokens"]["accessToken"].as_str().unwrap();
    assert_eq!(has_claims(access), (60, json!(["pwd"]), json!("sign_in")));

    let signed_in_client = app.client_for(&by_password);
    let again = signed_in_client.reauthenticate(json!({ "password": PASSWORD })).await;
    assert_eq!(has_claims(again["accessToken"].as_str().unwrap()), (120, json!(["pwd"]), json!("reauthentication")));
    assert_eq!((&again["expiresIn"], &again["freshUntil"]), (&json!(3600), &json!("2026-03-02T03:12:00.000Z")));
    // A code by a voice call has its own authentication method.
    let call = json!({ "purpose": "SIGN_IN", "to": { "phone": PHONE }, "channel": "VOICE" });
    let before = app.messages_to(PHONE, 0).await.len();
    let sent = app.anonymous().send_code(call).await;
    let code = app.messages_to(PHONE, before + 1).await[0]["code"].as_str().unwrap().to_owned();
    let proof = app.anonymous().confirm(&sent["verification"]["id"], &code).await["proof"]["token"].clone();
    let by_call = SignedIn::of(&app.anonymous().sign_in_with_proof(&proof).await);
    assert_eq!(has_claims(&by_call.access).1, json!(["otp", "tel"]));
    let by_email = SignedIn::of(&app.anonymous().sign_in_with_proof(&signed_up_by_address(&app).await).await);
    assert_eq!(has_claims(&by_email.access), (120, json!(["otp"]), json!("sign_in")));
    app.stop().await;
}

/// A SIGN_IN proof of an account that signed up with an e-mail address.
async fn signed_up_by_address(app: &TestApp) -> Value {
    app.signed_up("kim", EMAIL).await;
    app.proof(&app.anonymous(), "SIGN_IN", EMAIL).await
}

#[tokio::test]
async fn sign_in_counts_for_ten_minutes_and_reauthentication_only_for_the_new_token() {
    let app = Setup::new().await.with("CONTACT_DAILY_SENDS", "unlimited").start().await;
    let owner = app.signed_up("hong", PHONE).await;
    let signed_in_client = app.client_for(&owner);
    app.advance(MINUTE * 10 - Duration::from_millis(1));
    assert_eq!(request_email_change(&signed_in_client).await, "SendVerificationCodePayload");
    app.advance(Duration::from_millis(1));
    assert_eq!(request_email_change(&signed_in_client).await, "ReauthenticationRequired");
    let fresh = app.reauthenticated(&signed_in_client).await;
    app.advance(MINUTE * 2);
    assert_eq!(request_email_change(&fresh).await, "SendVerificationCodePayload");
    // Neither the session nor the earlier token became more recent.
    assert_eq!(request_email_change(&signed_in_client).await, "ReauthenticationRequired");
    let refreshed = app.anonymous().refresh(&owner.refresh).await;
    let refreshed = app.anonymous().with_token(refreshed["tokens"]["accessToken"].as_str().unwrap());
    assert_eq!(request_email_change(&refreshed).await, "ReauthenticationRequired");
    app.advance(MINUTE * 8);
    assert_eq!(request_email_change(&fresh).await, "ReauthenticationRequired");
    app.stop().await;
}

/// With `REAUTH_MAX_AGE=0s` no sign-in counts, however recent; `reauthenticate` does, for ten minutes.
#[tokio::test]
async fn sign_in_never_counts_with_a_zero_max_age() {
    let app = Setup::new().await.with("REAUTH_MAX_AGE", "0s").start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    assert_eq!(request_email_change(&signed_in_client).await, "ReauthenticationRequired");
    assert_eq!(signed_in_client.delete_account_with(json!({})).await["methods"], json!(["PASSWORD", "PHONE_CODE"]));
    let signed_in = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    assert_eq!(request_email_change(&signed_in).await, "ReauthenticationRequired");
    let again = signed_in_client.reauthenticate(json!({ "password": PASSWORD })).await;
    assert_eq!(again["freshUntil"], "2026-03-02T03:10:00.000Z", "{again:#}");
    let fresh = app.client_from(&again);
    app.advance(MINUTE * 10 - Duration::from_millis(1));
    assert_eq!(request_email_change(&fresh).await, "SendVerificationCodePayload");
    app.advance(Duration::from_millis(1));
    assert_eq!(request_email_change(&fresh).await, "ReauthenticationRequired");
    // The current password in the request itself is an authentication.
    assert_eq!(
        signed_in_client.change_password(PASSWORD, "Another-Password-7").await["__typename"],
        "ChangePasswordPayload"
    );
    assert!(signed_in_client.delete_account("Another-Password-7").await["id"].is_string());
    app.stop().await;
}

/// A rejected operation does not spend its proof: after `reauthenticate` the same proof is accepted.
#[tokio::test]
async fn rejected_change_does_not_spend_its_proof() {
    let app = Setup::new().await.with("REAUTH_MAX_AGE", "1m").start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&signed_in_client, "EMAIL_CHANGE", EMAIL).await;
    let sent =
        signed_in_client.send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": "+821066660000" } })).await;
    let id = sent["verification"]["id"].clone();
    app.advance(MINUTE + Duration::from_secs(1));
    for _ in 0..2 {
        let refused = signed_in_client.change_contact("changeEmail", &proof).await;
        assert_eq!(refused["__typename"], "ReauthenticationRequired", "{refused:#}");
    }
    // A resend of an earlier code is rejected as well.
    assert_eq!(signed_in_client.resend(&id).await["__typename"], "ReauthenticationRequired");
    let resend = "mutation($id: ID!) { resendVerificationCode(input: { verificationId: $id }) { __typename } }";
    let response = app.anonymous().execute(resend, json!({ "id": id })).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(app.messages_to("+821066660000", 1).await.len(), 1);
    let fresh = app.reauthenticated(&signed_in_client).await;
    assert_eq!(fresh.resend(&id).await["__typename"], "SendVerificationCodePayload");
    assert_eq!(fresh.change_contact("changeEmail", &proof).await["user"]["email"], EMAIL);
    app.stop().await;
}

/// A STEP_UP code is sent and resent only to a contact of the signed-in account.
#[tokio::test]
async fn step_up_code_is_bound_to_its_account() {
    let app = Setup::new().await.with("RESEND_COOLDOWN", "0s").start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    let other_client = app.client_for(&app.signed_up("kim", "+821099990000").await);
    let document =
        "mutation($input: SendVerificationCodeInput!) { sendVerificationCode(input: $input) { __typename } }";
    let input = json!({ "input": { "purpose": "STEP_UP", "to": { "phone": PHONE } } });
    let response = app.anonymous().execute(document, input).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{response:#}");
    let sent = signed_in_client.send_code(json!({ "purpose": "STEP_UP", "to": { "phone": "010-1234-5678" } })).await;
    assert_eq!(sent["verification"]["purpose"], "STEP_UP", "{sent:#}");
    let id = &sent["verification"]["id"];
    let resend = "mutation($id: ID!) { resendVerificationCode(input: { verificationId: $id }) { __typename } }";
    for other in [other_client.clone(), app.anonymous()] {
        let response = other.execute(resend, json!({ "id": id })).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{response:#}");
    }
    assert_eq!(signed_in_client.resend_via(id, "EMAIL").await["fields"][0]["reason"], "wrong_channel");
    assert_eq!(signed_in_client.resend(id).await["__typename"], "SendVerificationCodePayload");
    let message = app.messages_to(PHONE, 3).await[0].clone();
    assert!(message["text"].as_str().unwrap().contains("ecurity check"), "{message:#}");
    let proof = signed_in_client.confirm(id, message["code"].as_str().unwrap()).await["proof"]["token"].clone();
    assert_eq!(other_client.reauthenticate(json!({ "proofToken": proof })).await["reason"], "UNKNOWN");
    let again = signed_in_client.reauthenticate(json!({ "proofToken": proof })).await;
    assert_eq!(claims(again["accessToken"].as_str().unwrap())["amr"], json!(["otp", "sms"]), "{again:#}");
    // Without a valid session it is rejected.
    signed_in_client.sign_out().await;
    let gone = signed_in_client
        .execute("mutation { reauthenticate(input: { password: \"x\" }) { __typename } }", json!({}))
        .await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    app.stop().await;
}

/// A code sent to a contact that is changed before the code is spent does not count.
#[tokio::test]
async fn step_up_code_ends_when_its_contact_changes() {
    let app = Setup::new().await.with("RESEND_COOLDOWN", "0s").start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    let old = app.proof(&signed_in_client, "STEP_UP", PHONE).await;
    let pending = signed_in_client.send_code(json!({ "purpose": "STEP_UP", "to": { "phone": PHONE } })).await;
    let moved = app.proof(&signed_in_client, "PHONE_CHANGE", "+821066660000").await;
    assert_eq!(signed_in_client.change_contact("changePhone", &moved).await["user"]["phone"], "+821066660000");
    assert_eq!(signed_in_client.reauthenticate(json!({ "proofToken": old })).await["reason"], "SPENT");
    let refused = signed_in_client.resend(&pending["verification"]["id"]).await;
    assert_eq!(refused["fields"][0]["reason"], "not_your_contact", "{refused:#}");
    app.stop().await;
}

#[tokio::test]
async fn password_guesses_by_reauthenticate_are_limited() {
    let app = TestApp::start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    let mut kinds = Vec::new();
    for _ in 0..6 {
        kinds.push(signed_in_client.reauthenticate(json!({ "password": "Wrong-pass-1" })).await["__typename"].clone());
        kinds.push(signed_in_client.change_password("Wrong-pass-1", "Another-Password-7").await["__typename"].clone());
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == "CredentialsRejected").count(), 10, "{kinds:?}");
    assert_eq!(signed_in_client.reauthenticate(json!({ "password": PASSWORD })).await["__typename"], "QuotaExceeded");
    app.stop().await;
}

/// A session of an earlier version continues, but the time of its authentication is unknown, so it does not count.
#[tokio::test]
async fn session_of_an_earlier_version_does_not_count() {
    let app = TestApp::start().await;
    let owner = app.signed_up("hong", PHONE).await;
    app.column(
        "UPDATE session SET authenticated_at = NULL, authentication_methods = NULL, authentication_counts = FALSE \
         RETURNING id",
    )
    .await;
    let refreshed = app.anonymous().refresh(&owner.refresh).await;
    let access = refreshed["tokens"]["accessToken"].as_str().unwrap();
    let claims = claims(access);
    assert_eq!((&claims["auth_time"], &claims["amr"]), (&json!(app.now().timestamp()), &Value::Null));
    let signed_in_client = app.anonymous().with_token(access);
    assert_eq!(request_email_change(&signed_in_client).await, "ReauthenticationRequired");
    assert_eq!(
        request_email_change(&app.reauthenticated(&signed_in_client).await).await,
        "SendVerificationCodePayload"
    );
    app.stop().await;
}
