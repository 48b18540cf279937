//! An attacker with only an access token, and one who managed to change a contact: what they cannot do (cases 1 of
//! accounts; invariant 8).

use std::time::Duration;

use serde_json::{Value, json};

use super::changes::find_undo_token;
use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const EMAIL: &str = "hong@example.com";
const ATTACKER_PHONE: &str = "+821066660000";
const ATTACKER_EMAIL: &str = "thief@example.com";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Quotas that would interfere with a test that sends many messages.
async fn setup() -> Setup {
    let mut setup = Setup::new().await.with("RESEND_COOLDOWN", "0s").with("NOTIFY_NEW_DEVICE", "off");
    for name in
        ["CONTACT_DAILY_SENDS", "CLIENT_SENDS_PER_MINUTE", "CLIENT_SIGN_INS_PER_MINUTE", "CLIENT_GUESSES_PER_MINUTE"]
    {
        setup = setup.with(name, "unlimited");
    }
    setup
}

fn required(response: &Value) -> Vec<&str> {
    assert_eq!(response["__typename"], "ReauthenticationRequired", "{response:#}");
    assert_eq!(response["code"], "REAUTHENTICATION_REQUIRED");
    response["methods"].as_array().unwrap().iter().map(|method| method.as_str().unwrap()).collect()
}

async fn send(client: &ApiClient, purpose: &str, to: &str) -> Value {
    let contact = if to.contains('@') { json!({ "email": to }) } else { json!({ "phone": to }) };
    client.send_code(json!({ "purpose": purpose, "to": contact })).await
}

/// The owner's phone is changed by a client with a recently authenticated token.
async fn phone_changed(app: &TestApp, signed_in_client: &ApiClient) -> String {
    let proof = app.proof(signed_in_client, "PHONE_CHANGE", ATTACKER_PHONE).await;
    let before = app.messages_to(PHONE, 0).await.len();
    let changed = signed_in_client.change_contact("changePhone", &proof).await;
    assert_eq!(changed["user"]["phone"], ATTACKER_PHONE, "{changed:#}");
    app.messages_to(PHONE, before + 1).await.iter().find_map(find_undo_token).unwrap()
}

/// Step by step: each step is rejected, and nothing is sent to the attacker.
#[tokio::test]
async fn access_token_alone_cannot_take_over_the_account() {
    let app = setup().await.start().await;
    let owner = app.signed_up("hong", PHONE).await;
    let attacker = app.client_for(&owner);
    app.advance(MINUTE * 10);
    assert_eq!(required(&send(&attacker, "PHONE_CHANGE", ATTACKER_PHONE).await), ["PASSWORD", "PHONE_CODE"]);
    required(&send(&attacker, "EMAIL_CHANGE", ATTACKER_EMAIL).await);
    for kind in ["changePhone", "changeEmail"] {
        required(&attacker.change_contact(kind, &json!("0".repeat(64))).await);
    }
    assert_eq!(
        attacker.change_password("Wrong-pass-1", "Stolen-Password-7").await["__typename"],
        "CredentialsRejected"
    );
    required(&attacker.delete_account_with(json!({})).await);
    required(&attacker.delete_account_with(json!({ "password": null })).await);
    assert_eq!(attacker.delete_account("Wrong-pass-1").await["__typename"], "CredentialsRejected");
    assert_eq!(
        attacker.reauthenticate(json!({ "password": "Wrong-pass-1" })).await["__typename"],
        "CredentialsRejected"
    );
    assert_eq!(attacker.reauthenticate(json!({ "proofToken": "0".repeat(64) })).await["reason"], "UNKNOWN");
    assert_eq!(attacker.reauthenticate(json!({ "proofToken": "nonsense" })).await["reason"], "UNKNOWN");
    for to in [ATTACKER_PHONE, ATTACKER_EMAIL] {
        let refused = send(&attacker, "STEP_UP", to).await;
        assert_eq!(refused["fields"][0]["reason"], "not_your_contact", "{refused:#}");
        assert!(app.messages_to(to, 0).await.is_empty());
    }
    // The owner's account is unchanged.
    let me = app.anonymous().sign_in_as("hong").await;
    assert_eq!(me["user"]["phone"], PHONE, "{me:#}");
    app.stop().await;
}

/// Contact changes and deletion by other means that an attacker may try.
#[tokio::test]
async fn refresh_and_foreign_proofs_are_no_recent_authentication() {
    let app = setup().await.start().await;
    let owner = app.signed_up("hong", PHONE).await;
    let attackers_own = app.client_for(&app.signed_up("thief", ATTACKER_PHONE).await);
    app.advance(MINUTE * 10);
    let refreshed = app.anonymous().refresh(&owner.refresh).await;
    let refreshed = app.anonymous().with_token(refreshed["tokens"]["accessToken"].as_str().unwrap());
    required(&send(&refreshed, "EMAIL_CHANGE", ATTACKER_EMAIL).await);
    required(&refreshed.delete_account_with(json!({})).await);

    // A proof of the attacker's own account is not accepted for the owner's account, and the attempt does not spend it.
    let proof = app.proof(&attackers_own, "STEP_UP", ATTACKER_PHONE).await;
    assert_eq!(refreshed.reauthenticate(json!({ "proofToken": proof })).await["reason"], "UNKNOWN");
    assert_eq!(
        attackers_own.reauthenticate(json!({ "proofToken": proof })).await["__typename"],
        "ReauthenticatePayload"
    );
    // Codes of other purposes are not STEP_UP codes, whichever contact they were sent to.
    for purpose in ["SIGN_IN", "PASSWORD_RESET", "CONTACT"] {
        let proof = app.proof(&refreshed, purpose, PHONE).await;
        let refused = refreshed.reauthenticate(json!({ "proofToken": proof })).await;
        assert_eq!(refused["reason"], "WRONG_PURPOSE", "{purpose}: {refused:#}");
    }
    // A STEP_UP proof is valid for nothing else.
    let proof = app.proof(&refreshed, "STEP_UP", PHONE).await;
    assert_eq!(app.anonymous().sign_in_with_proof(&proof).await["reason"], "WRONG_PURPOSE");
    assert_eq!(app.anonymous().reset_password(&proof, "Stolen-Password-7").await["reason"], "WRONG_PURPOSE");
    let sign_up = json!({ "proofToken": proof, "username": "somebody", "password": PASSWORD });
    assert_eq!(app.anonymous().sign_up(sign_up).await["reason"], "WRONG_PURPOSE");
    let fresh = app.client_from(&refreshed.reauthenticate(json!({ "proofToken": proof })).await);
    let address = app.proof(&fresh, "EMAIL_CHANGE", EMAIL).await;
    assert_eq!(fresh.change_contact("changeEmail", &address).await["user"]["email"], EMAIL);
    assert_eq!(fresh.reauthenticate(json!({ "proofToken": proof })).await["reason"], "SPENT");
    app.stop().await;
}

/// The documented residual risk: within ten minutes of a sign-in a stolen token can change a contact. The new contact
/// does not count as an authentication, so the attacker gets no further, and the owner undoes the change.
#[tokio::test]
async fn contact_and_password_of_an_open_change_do_not_count() {
    let app = setup().await.start().await;
    let stolen = app.client_for(&app.signed_up("hong", PHONE).await);
    let undo = phone_changed(&app, &stolen).await;
    let held = stolen.delete_account_with(json!({})).await;
    assert_eq!((&held["__typename"], &held["code"]), (&json!("DeletionHeldBack"), &json!("DELETION_HELD_BACK")));
    assert_eq!(held["until"], "2026-03-05T03:00:00.000Z");
    assert_eq!(stolen.delete_account(PASSWORD).await["__typename"], "DeletionHeldBack");

    // A code to the new number signs in and sets a password; neither counts as an authentication.
    let code = app.proof(&app.anonymous(), "SIGN_IN", ATTACKER_PHONE).await;
    let by_code = app.client_for(&SignedIn::of(&app.anonymous().sign_in_with_proof(&code).await));
    let reset = app.proof(&app.anonymous(), "PASSWORD_RESET", ATTACKER_PHONE).await;
    assert_no_access(&app, &by_code, None, &["PASSWORD"]).await;
    assert_eq!(app.anonymous().reset_password(&reset, "Stolen-Password-7").await["__typename"], "ResetPasswordPayload");
    let by_password = json!({ "identifier": ATTACKER_PHONE, "password": "Stolen-Password-7" });
    let by_password = app.client_for(&SignedIn::of(&app.anonymous().sign_in(by_password).await));
    assert_no_access(&app, &by_password, Some("Stolen-Password-7"), &[]).await;

    let owner = app.client_at("203.0.113.77");
    assert_eq!(owner.undo_contact_change(&undo).await["__typename"], "UndoContactChangePayload");
    app.stop().await;
}

/// Asserts that this session cannot perform any operation that decides who owns the account, and that its contacts and
/// password do not count as an authentication.
async fn assert_no_access(app: &TestApp, attacker: &ApiClient, password: Option<&str>, methods: &[&str]) {
    assert_eq!(required(&send(attacker, "EMAIL_CHANGE", ATTACKER_EMAIL).await), methods);
    required(&send(attacker, "PHONE_CHANGE", "+821055550000").await);
    required(&attacker.delete_account_with(json!({})).await);
    let refused = send(attacker, "STEP_UP", ATTACKER_PHONE).await;
    assert_eq!(refused["fields"][0]["reason"], "contact_changed_recently", "{refused:#}");
    assert_eq!(send(attacker, "STEP_UP", PHONE).await["fields"][0]["reason"], "not_your_contact");
    if let Some(password) = password {
        required(&attacker.reauthenticate(json!({ "password": password })).await);
        required(&attacker.change_password(password, "Another-Password-7").await);
        required(&attacker.delete_account(password).await);
    }
    for to in [ATTACKER_EMAIL, "+821055550000"] {
        assert!(app.messages_to(to, 0).await.is_empty());
    }
}

/// Once a change can no longer be undone, its contact counts like any other.
#[tokio::test]
async fn contact_counts_once_its_change_is_final() {
    let app = setup().await.start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    phone_changed(&app, &signed_in_client).await;
    let reset = app.proof(&app.anonymous(), "PASSWORD_RESET", ATTACKER_PHONE).await;
    app.anonymous().reset_password(&reset, "Another-Password-7").await;
    app.advance(HOUR * 72 - MINUTE);
    let sign_in = json!({ "identifier": "hong", "password": "Another-Password-7" });
    let before = app.client_for(&SignedIn::of(&app.anonymous().sign_in(sign_in.clone()).await));
    required(&before.delete_account("Another-Password-7").await);
    app.advance(MINUTE);
    // An authentication that did not count then does not count later.
    assert_eq!(required(&before.delete_account_with(json!({})).await), ["PASSWORD", "PHONE_CODE"]);
    let proof = app.proof(&before, "STEP_UP", ATTACKER_PHONE).await;
    let fresh = app.client_from(&before.reauthenticate(json!({ "proofToken": proof })).await);
    assert_eq!(send(&fresh, "EMAIL_CHANGE", EMAIL).await["__typename"], "SendVerificationCodePayload");
    assert!(before.delete_account("Another-Password-7").await["id"].is_string());
    app.stop().await;
}

/// The oldest change that can be undone decides, for both contacts and the password.
#[tokio::test]
async fn oldest_of_two_open_changes_decides() {
    let app = setup().await.start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    let address = app.proof(&signed_in_client, "EMAIL_CHANGE", EMAIL).await;
    assert_eq!(signed_in_client.change_contact("changeEmail", &address).await["user"]["email"], EMAIL);
    app.advance(HOUR * 24);
    let signed_in_client = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    phone_changed(&app, &signed_in_client).await;
    app.advance(MINUTE * 10);
    assert_eq!(required(&send(&signed_in_client, "EMAIL_CHANGE", "other@example.com").await), ["PASSWORD"]);
    for to in [EMAIL, ATTACKER_PHONE] {
        assert_eq!(send(&signed_in_client, "STEP_UP", to).await["fields"][0]["reason"], "contact_changed_recently");
    }
    // A password set between the two changes is too recent for the first.
    let fresh = app.reauthenticated(&signed_in_client).await;
    assert_eq!(fresh.change_password(PASSWORD, "Another-Password-7").await["__typename"], "ChangePasswordPayload");
    required(&signed_in_client.reauthenticate(json!({ "password": "Another-Password-7" })).await);
    // The first change is final: the earlier address and number are old enough for the second, the password is not.
    app.advance(HOUR * 48);
    let sign_in = json!({ "identifier": "hong", "password": "Another-Password-7" });
    let signed_in_client = app.client_for(&SignedIn::of(&app.anonymous().sign_in(sign_in).await));
    assert_eq!(required(&send(&signed_in_client, "PHONE_CHANGE", "+821055550000").await), ["EMAIL_CODE"]);
    let proof = app.proof(&signed_in_client, "STEP_UP", EMAIL).await;
    let fresh = app.client_from(&signed_in_client.reauthenticate(json!({ "proofToken": proof })).await);
    let proof = app.proof(&fresh, "PHONE_CHANGE", "+821055550000").await;
    assert_eq!(fresh.change_contact("changePhone", &proof).await["user"]["phone"], "+821055550000");
    app.stop().await;
}

/// A code for the phone that was sent by e-mail counts only if the mailbox counts.
#[tokio::test]
async fn code_by_email_to_a_changed_mailbox_does_not_count() {
    let app = setup().await.start().await;
    let stolen = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&stolen, "EMAIL_CHANGE", ATTACKER_EMAIL).await;
    assert_eq!(stolen.change_contact("changeEmail", &proof).await["user"]["email"], ATTACKER_EMAIL);
    // The notice of the change, so that the next message to the phone is the code.
    app.messages_to(PHONE, 2).await;
    let attacker = app.anonymous();
    let sent = send(&attacker, "SIGN_IN", PHONE).await;
    let before = app.messages_to(ATTACKER_EMAIL, 0).await.len();
    assert_eq!(
        attacker.resend_via(&sent["verification"]["id"], "EMAIL").await["__typename"],
        "SendVerificationCodePayload"
    );
    let emailed_code = app.messages_to(ATTACKER_EMAIL, before + 1).await[0]["code"].as_str().unwrap().to_owned();
    let proof = attacker.confirm(&sent["verification"]["id"], &emailed_code).await["proof"]["token"].clone();
    let signed_in = app.client_for(&SignedIn::of(&attacker.sign_in_with_proof(&proof).await));
    required(&send(&signed_in, "PHONE_CHANGE", ATTACKER_PHONE).await);
    // A code sent to the new mailbox does not count either.
    let proof = app.proof(&app.anonymous(), "SIGN_IN", ATTACKER_EMAIL).await;
    let signed_in = app.client_for(&SignedIn::of(&app.anonymous().sign_in_with_proof(&proof).await));
    required(&send(&signed_in, "PHONE_CHANGE", ATTACKER_PHONE).await);
    // A code read on the phone, which the account had before, does count.
    let proof = app.proof(&app.anonymous(), "SIGN_IN", PHONE).await;
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_with_proof(&proof).await));
    assert_eq!(send(&owner, "PHONE_CHANGE", "+821055550000").await["__typename"], "SendVerificationCodePayload");
    app.stop().await;
}

/// Of a concurrent change and deletion in two processes one wins: an account is never deleted while a change can be
/// undone.
#[tokio::test]
async fn concurrent_deletion_and_change_exclude_each_other() {
    let app = setup().await.start().await;
    let other = app.another_process().await;
    for number in 0..4 {
        let signed_in_client = app.signed_up(&format!("racer{number}x"), &format!("+82101111000{number}")).await;
        let new = format!("+82102222000{number}");
        let proof = app.proof(&app.client_for(&signed_in_client), "PHONE_CHANGE", &new).await;
        let (here, there) = (app.client_for(&signed_in_client), other.client_for(&signed_in_client));
        let change = format!("mutation {{ changePhone(input: {{ proofToken: {proof} }}) {{ __typename }} }}");
        let (changed, deleted) = tokio::join!(
            here.execute(&change, json!({})),
            there.execute("mutation { deleteAccount(input: {}) { __typename } }", json!({})),
        );
        let changed = changed["data"]["changePhone"]["__typename"] == "ChangeContactPayload";
        let deleted = deleted["data"]["deleteAccount"]["__typename"] == "DeleteAccountPayload";
        assert!(changed != deleted, "changed: {changed}, deleted: {deleted}");
    }
    other.stop().await;
    app.stop().await;
}
