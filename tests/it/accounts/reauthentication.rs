//! Authenticating again: what the token says, how long it counts, and what asks for it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const EMAIL: &str = "hong@example.com";
const MINUTE: Duration = Duration::from_secs(60);

/// What a token says.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn wants_to_move(person: &ApiClient) -> Value {
    person.send_code(json!({ "purpose": "EMAIL_CHANGE", "to": { "email": "other@example.com" } })).await["__typename"]
        .clone()
}

#[tokio::test]
async fn a_token_says_when_and_how_its_holder_authenticated() {
    let setup = Setup::new().await.with("RESEND_COOLDOWN", "0s").with("NOTIFY_NEW_DEVICE", "off");
    let app = setup.start().await;
    let start = app.now().timestamp();
    let says = |token: &str| {
        let claims = claims(token);
        (claims["auth_time"].as_i64().unwrap() - start, claims["amr"].clone(), claims["acr"].clone())
    };
    let signed_up = app.signed_up("hong", PHONE).await;
    assert_eq!(says(&signed_up.access), (0, json!(["otp", "sms"]), json!("sign_in")));
    app.advance(MINUTE);
    let by_password = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    assert_eq!(says(&by_password.access), (60, json!(["pwd"]), json!("sign_in")));
    // A refreshed token keeps the time of the sign-in.
    app.advance(MINUTE);
    let refreshed = app.anonymous().refresh(&by_password.refresh).await;
    let access = refreshed["tokens"]["accessToken"].as_str().unwrap();
    assert_eq!(says(access), (60, json!(["pwd"]), json!("sign_in")));

    let holder = app.client_for(&by_password);
    let again = holder.reauthenticate(json!({ "password": PASSWORD })).await;
    assert_eq!(says(again["accessToken"].as_str().unwrap()), (120, json!(["pwd"]), json!("reauthentication")));
    assert_eq!((&again["expiresIn"], &again["freshUntil"]), (&json!(3600), &json!("2026-03-02T03:12:00.000Z")));
    // By a call, the code is heard and not read.
    let call = json!({ "purpose": "SIGN_IN", "to": { "phone": PHONE }, "channel": "VOICE" });
    let before = app.messages_to(PHONE, 0).await.len();
    let sent = app.anonymous().send_code(call).await;
    let code = app.messages_to(PHONE, before + 1).await[0]["code"].as_str().unwrap().to_owned();
    let proof = app.anonymous().confirm(&sent["verification"]["id"], &code).await["proof"]["token"].clone();
    let by_call = SignedIn::of(&app.anonymous().sign_in_with_proof(&proof).await);
    assert_eq!(says(&by_call.access).1, json!(["otp", "tel"]));
    let by_letter = SignedIn::of(&app.anonymous().sign_in_with_proof(&signed_up_by_address(&app).await).await);
    assert_eq!(says(&by_letter.access), (120, json!(["otp"]), json!("sign_in")));
    app.stop().await;
}

/// A SIGN_IN proof of an account that signed up with an address.
async fn signed_up_by_address(app: &TestApp) -> Value {
    app.signed_up("kim", EMAIL).await;
    app.proof(&app.anonymous(), "SIGN_IN", EMAIL).await
}

#[tokio::test]
async fn a_sign_in_counts_for_ten_minutes_and_the_token_after_it_alone() {
    let app = Setup::new().await.with("CONTACT_DAILY_SENDS", "unlimited").start().await;
    let owner = app.signed_up("hong", PHONE).await;
    let holder = app.client_for(&owner);
    app.advance(MINUTE * 10 - Duration::from_millis(1));
    assert_eq!(wants_to_move(&holder).await, "SendVerificationCodePayload");
    app.advance(Duration::from_millis(1));
    assert_eq!(wants_to_move(&holder).await, "ReauthenticationRequired");
    let fresh = app.reauthenticated(&holder).await;
    app.advance(MINUTE * 2);
    assert_eq!(wants_to_move(&fresh).await, "SendVerificationCodePayload");
    // The session did not become younger by it, nor did the token before.
    assert_eq!(wants_to_move(&holder).await, "ReauthenticationRequired");
    let refreshed = app.anonymous().refresh(&owner.refresh).await;
    let refreshed = app.anonymous().with_token(refreshed["tokens"]["accessToken"].as_str().unwrap());
    assert_eq!(wants_to_move(&refreshed).await, "ReauthenticationRequired");
    app.advance(MINUTE * 8);
    assert_eq!(wants_to_move(&fresh).await, "ReauthenticationRequired");
    app.stop().await;
}

/// `REAUTH_MAX_AGE=0s`: no sign-in counts, however young; `reauthenticate` does, for ten minutes.
#[tokio::test]
async fn with_no_age_a_sign_in_never_counts() {
    let app = Setup::new().await.with("REAUTH_MAX_AGE", "0s").start().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    assert_eq!(wants_to_move(&holder).await, "ReauthenticationRequired");
    assert_eq!(holder.delete_account_with(json!({})).await["methods"], json!(["PASSWORD", "PHONE_CODE"]));
    let signed_in = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    assert_eq!(wants_to_move(&signed_in).await, "ReauthenticationRequired");
    let again = holder.reauthenticate(json!({ "password": PASSWORD })).await;
    assert_eq!(again["freshUntil"], "2026-03-02T03:10:00.000Z", "{again:#}");
    let fresh = app.client_from(&again);
    app.advance(MINUTE * 10 - Duration::from_millis(1));
    assert_eq!(wants_to_move(&fresh).await, "SendVerificationCodePayload");
    app.advance(Duration::from_millis(1));
    assert_eq!(wants_to_move(&fresh).await, "ReauthenticationRequired");
    // The present password in the request itself is an authentication.
    assert_eq!(holder.change_password(PASSWORD, "Another-Password-7").await["__typename"], "ChangePasswordPayload");
    assert!(holder.delete_account("Another-Password-7").await["id"].is_string());
    app.stop().await;
}

/// A refused act does not spend its proof: after reauthenticate the same one is taken.
#[tokio::test]
async fn a_refused_change_does_not_spend_its_proof() {
    let app = Setup::new().await.with("REAUTH_MAX_AGE", "1m").start().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&holder, "EMAIL_CHANGE", EMAIL).await;
    let sent = holder.send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": "+821066660000" } })).await;
    let id = sent["verification"]["id"].clone();
    app.advance(MINUTE + Duration::from_secs(1));
    for _ in 0..2 {
        let refused = holder.change_contact("changeEmail", &proof).await;
        assert_eq!(refused["__typename"], "ReauthenticationRequired", "{refused:#}");
    }
    // Nor is another message paid for a code that was asked for before.
    assert_eq!(holder.resend(&id).await["__typename"], "ReauthenticationRequired");
    let resend = "mutation($id: ID!) { resendVerificationCode(input: { verificationId: $id }) { __typename } }";
    let answer = app.anonymous().execute(resend, json!({ "id": id })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(app.messages_to("+821066660000", 1).await.len(), 1);
    let fresh = app.reauthenticated(&holder).await;
    assert_eq!(fresh.resend(&id).await["__typename"], "SendVerificationCodePayload");
    assert_eq!(fresh.change_contact("changeEmail", &proof).await["user"]["email"], EMAIL);
    app.stop().await;
}

/// A STEP_UP code is sent, and sent again, to the account's own contact for whoever is signed in to it.
#[tokio::test]
async fn a_step_up_code_is_its_accounts() {
    let app = Setup::new().await.with("RESEND_COOLDOWN", "0s").start().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    let stranger = app.client_for(&app.signed_up("kim", "+821099990000").await);
    let document =
        "mutation($input: SendVerificationCodeInput!) { sendVerificationCode(input: $input) { __typename } }";
    let input = json!({ "input": { "purpose": "STEP_UP", "to": { "phone": PHONE } } });
    let answer = app.anonymous().execute(document, input).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
    let sent = holder.send_code(json!({ "purpose": "STEP_UP", "to": { "phone": "010-1234-5678" } })).await;
    assert_eq!(sent["verification"]["purpose"], "STEP_UP", "{sent:#}");
    let id = &sent["verification"]["id"];
    let resend = "mutation($id: ID!) { resendVerificationCode(input: { verificationId: $id }) { __typename } }";
    for other in [stranger.clone(), app.anonymous()] {
        let answer = other.execute(resend, json!({ "id": id })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
    }
    assert_eq!(holder.resend_via(id, "EMAIL").await["fields"][0]["reason"], "wrong_channel");
    assert_eq!(holder.resend(id).await["__typename"], "SendVerificationCodePayload");
    let message = app.messages_to(PHONE, 3).await[0].clone();
    assert!(message["text"].as_str().unwrap().contains("ecurity check"), "{message:#}");
    let proof = holder.confirm(id, message["code"].as_str().unwrap()).await["proof"]["token"].clone();
    assert_eq!(stranger.reauthenticate(json!({ "proofToken": proof })).await["reason"], "UNKNOWN");
    let again = holder.reauthenticate(json!({ "proofToken": proof })).await;
    assert_eq!(claims(again["accessToken"].as_str().unwrap())["amr"], json!(["otp", "sms"]), "{again:#}");
    // Who is signed in no more can't.
    holder.sign_out().await;
    let gone =
        holder.execute("mutation { reauthenticate(input: { password: \"x\" }) { __typename } }", json!({})).await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    app.stop().await;
}

/// A code that was sent to a contact which is changed before it is spent counts no more.
#[tokio::test]
async fn a_step_up_code_ends_with_its_contact() {
    let app = Setup::new().await.with("RESEND_COOLDOWN", "0s").start().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    let old = app.proof(&holder, "STEP_UP", PHONE).await;
    let pending = holder.send_code(json!({ "purpose": "STEP_UP", "to": { "phone": PHONE } })).await;
    let moved = app.proof(&holder, "PHONE_CHANGE", "+821066660000").await;
    assert_eq!(holder.change_contact("changePhone", &moved).await["user"]["phone"], "+821066660000");
    assert_eq!(holder.reauthenticate(json!({ "proofToken": old })).await["reason"], "SPENT");
    let refused = holder.resend(&pending["verification"]["id"]).await;
    assert_eq!(refused["fields"][0]["reason"], "not_your_contact", "{refused:#}");
    app.stop().await;
}

#[tokio::test]
async fn guessing_a_password_by_reauthenticate_is_bounded() {
    let app = TestApp::start().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    let mut kinds = Vec::new();
    for _ in 0..6 {
        kinds.push(holder.reauthenticate(json!({ "password": "Wrong-pass-1" })).await["__typename"].clone());
        kinds.push(holder.change_password("Wrong-pass-1", "Another-Password-7").await["__typename"].clone());
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == "CredentialsRejected").count(), 10, "{kinds:?}");
    assert_eq!(holder.reauthenticate(json!({ "password": PASSWORD })).await["__typename"], "QuotaExceeded");
    app.stop().await;
}

/// A session that an earlier version began goes on, and its age is not known: it does not count.
#[tokio::test]
async fn a_session_of_before_does_not_count() {
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
    let holder = app.anonymous().with_token(access);
    assert_eq!(wants_to_move(&holder).await, "ReauthenticationRequired");
    assert_eq!(wants_to_move(&app.reauthenticated(&holder).await).await, "SendVerificationCodePayload");
    app.stop().await;
}
