//! A thief with nothing but an access token, and one who got as far as a contact change: what neither can do
//! (cases 1 of accounts; invariant 8).

use std::time::Duration;

use serde_json::{Value, json};

use super::changes::find_undo_token;
use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const EMAIL: &str = "hong@example.com";
const THIEFS_PHONE: &str = "+821066660000";
const THIEFS_EMAIL: &str = "thief@example.com";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Quotas that would stand in the way of a test with many messages.
async fn setup() -> Setup {
    let mut setup = Setup::new().await.with("RESEND_COOLDOWN", "0s").with("NOTIFY_NEW_DEVICE", "off");
    for name in
        ["CONTACT_DAILY_SENDS", "CLIENT_SENDS_PER_MINUTE", "CLIENT_SIGN_INS_PER_MINUTE", "CLIENT_GUESSES_PER_MINUTE"]
    {
        setup = setup.with(name, "unlimited");
    }
    setup
}

fn required(answer: &Value) -> Vec<&str> {
    assert_eq!(answer["__typename"], "ReauthenticationRequired", "{answer:#}");
    assert_eq!(answer["code"], "REAUTHENTICATION_REQUIRED");
    answer["methods"].as_array().unwrap().iter().map(|method| method.as_str().unwrap()).collect()
}

async fn send(person: &ApiClient, purpose: &str, to: &str) -> Value {
    let contact = if to.contains('@') { json!({ "email": to }) } else { json!({ "phone": to }) };
    person.send_code(json!({ "purpose": purpose, "to": contact })).await
}

/// The owner's phone is changed by somebody who holds a token that is still fresh.
async fn phone_changed(app: &TestApp, holder: &ApiClient) -> String {
    let proof = app.proof(holder, "PHONE_CHANGE", THIEFS_PHONE).await;
    let before = app.messages_to(PHONE, 0).await.len();
    let changed = holder.change_contact("changePhone", &proof).await;
    assert_eq!(changed["user"]["phone"], THIEFS_PHONE, "{changed:#}");
    app.messages_to(PHONE, before + 1).await.iter().find_map(find_undo_token).unwrap()
}

/// Case 1, step by step: each step is refused, and nothing is sent to the thief.
#[tokio::test]
async fn an_access_token_alone_takes_nothing_over() {
    let app = setup().await.start().await;
    let owner = app.signed_up("hong", PHONE).await;
    let thief = app.client_for(&owner);
    app.advance(MINUTE * 10);
    assert_eq!(required(&send(&thief, "PHONE_CHANGE", THIEFS_PHONE).await), ["PASSWORD", "PHONE_CODE"]);
    required(&send(&thief, "EMAIL_CHANGE", THIEFS_EMAIL).await);
    for kind in ["changePhone", "changeEmail"] {
        required(&thief.change_contact(kind, &json!("0".repeat(64))).await);
    }
    assert_eq!(thief.change_password("Wrong-pass-1", "Stolen-Password-7").await["__typename"], "CredentialsRejected");
    required(&thief.delete_account_with(json!({})).await);
    required(&thief.delete_account_with(json!({ "password": null })).await);
    assert_eq!(thief.delete_account("Wrong-pass-1").await["__typename"], "CredentialsRejected");
    assert_eq!(thief.reauthenticate(json!({ "password": "Wrong-pass-1" })).await["__typename"], "CredentialsRejected");
    assert_eq!(thief.reauthenticate(json!({ "proofToken": "0".repeat(64) })).await["reason"], "UNKNOWN");
    assert_eq!(thief.reauthenticate(json!({ "proofToken": "nonsense" })).await["reason"], "UNKNOWN");
    for to in [THIEFS_PHONE, THIEFS_EMAIL] {
        let refused = send(&thief, "STEP_UP", to).await;
        assert_eq!(refused["fields"][0]["reason"], "not_your_contact", "{refused:#}");
        assert!(app.messages_to(to, 0).await.is_empty());
    }
    // The owner is still who they were.
    let me = app.anonymous().sign_in_as("hong").await;
    assert_eq!(me["user"]["phone"], PHONE, "{me:#}");
    app.stop().await;
}

/// Changes of a contact to another number, and the deletion, by the other ways that a thief may try.
#[tokio::test]
async fn a_refresh_and_other_accounts_proofs_make_no_token_fresh() {
    let app = setup().await.start().await;
    let owner = app.signed_up("hong", PHONE).await;
    let thiefs_own = app.client_for(&app.signed_up("thief", THIEFS_PHONE).await);
    app.advance(MINUTE * 10);
    let refreshed = app.anonymous().refresh(&owner.refresh).await;
    let refreshed = app.anonymous().with_token(refreshed["tokens"]["accessToken"].as_str().unwrap());
    required(&send(&refreshed, "EMAIL_CHANGE", THIEFS_EMAIL).await);
    required(&refreshed.delete_account_with(json!({})).await);

    // A proof of the thief's own account is none for the owner's, and is not spent by the attempt.
    let proof = app.proof(&thiefs_own, "STEP_UP", THIEFS_PHONE).await;
    assert_eq!(refreshed.reauthenticate(json!({ "proofToken": proof })).await["reason"], "UNKNOWN");
    assert_eq!(thiefs_own.reauthenticate(json!({ "proofToken": proof })).await["__typename"], "ReauthenticatePayload");
    // Codes for other purposes are no STEP_UP codes, whatever contact they went to.
    for purpose in ["SIGN_IN", "PASSWORD_RESET", "CONTACT"] {
        let proof = app.proof(&refreshed, purpose, PHONE).await;
        let refused = refreshed.reauthenticate(json!({ "proofToken": proof })).await;
        assert_eq!(refused["reason"], "WRONG_PURPOSE", "{purpose}: {refused:#}");
    }
    // And a STEP_UP proof opens nothing else.
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

/// The stated residual risk: a token of the last ten minutes changes a contact. What the thief brings in does not count,
/// so that is as far as it goes, and the owner takes it back.
#[tokio::test]
async fn what_came_with_a_contact_change_opens_nothing_more() {
    let app = setup().await.start().await;
    let stolen = app.client_for(&app.signed_up("hong", PHONE).await);
    let undo = phone_changed(&app, &stolen).await;
    let held = stolen.delete_account_with(json!({})).await;
    assert_eq!((&held["__typename"], &held["code"]), (&json!("DeletionHeldBack"), &json!("DELETION_HELD_BACK")));
    assert_eq!(held["until"], "2026-03-05T03:00:00.000Z");
    assert_eq!(stolen.delete_account(PASSWORD).await["__typename"], "DeletionHeldBack");

    // A code to the new number signs in and sets a password; neither is an authentication that counts.
    let code = app.proof(&app.anonymous(), "SIGN_IN", THIEFS_PHONE).await;
    let by_code = app.client_for(&SignedIn::of(&app.anonymous().sign_in_with_proof(&code).await));
    let reset = app.proof(&app.anonymous(), "PASSWORD_RESET", THIEFS_PHONE).await;
    nothing_opens(&app, &by_code, None, &["PASSWORD"]).await;
    assert_eq!(app.anonymous().reset_password(&reset, "Stolen-Password-7").await["__typename"], "ResetPasswordPayload");
    let by_password = json!({ "identifier": THIEFS_PHONE, "password": "Stolen-Password-7" });
    let by_password = app.client_for(&SignedIn::of(&app.anonymous().sign_in(by_password).await));
    nothing_opens(&app, &by_password, Some("Stolen-Password-7"), &[]).await;

    let owner = app.client_at("203.0.113.77");
    assert_eq!(owner.undo_contact_change(&undo).await["__typename"], "UndoContactChangePayload");
    app.stop().await;
}

/// Nothing that decides who owns the account is open to this session, and what it came with can't make it fresh.
async fn nothing_opens(app: &TestApp, thief: &ApiClient, password: Option<&str>, methods: &[&str]) {
    assert_eq!(required(&send(thief, "EMAIL_CHANGE", THIEFS_EMAIL).await), methods);
    required(&send(thief, "PHONE_CHANGE", "+821055550000").await);
    required(&thief.delete_account_with(json!({})).await);
    let refused = send(thief, "STEP_UP", THIEFS_PHONE).await;
    assert_eq!(refused["fields"][0]["reason"], "contact_changed_recently", "{refused:#}");
    assert_eq!(send(thief, "STEP_UP", PHONE).await["fields"][0]["reason"], "not_your_contact");
    if let Some(password) = password {
        required(&thief.reauthenticate(json!({ "password": password })).await);
        required(&thief.change_password(password, "Another-Password-7").await);
        required(&thief.delete_account(password).await);
    }
    for to in [THIEFS_EMAIL, "+821055550000"] {
        assert!(app.messages_to(to, 0).await.is_empty());
    }
}

/// Once the change can't be undone any more, what came with it is the account's like everything else.
#[tokio::test]
async fn a_change_that_stands_counts_in_the_end() {
    let app = setup().await.start().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    phone_changed(&app, &holder).await;
    let reset = app.proof(&app.anonymous(), "PASSWORD_RESET", THIEFS_PHONE).await;
    app.anonymous().reset_password(&reset, "Another-Password-7").await;
    app.advance(HOUR * 72 - MINUTE);
    let sign_in = json!({ "identifier": "hong", "password": "Another-Password-7" });
    let before = app.client_for(&SignedIn::of(&app.anonymous().sign_in(sign_in.clone()).await));
    required(&before.delete_account("Another-Password-7").await);
    app.advance(MINUTE);
    // What was not an authentication then does not become one.
    assert_eq!(required(&before.delete_account_with(json!({})).await), ["PASSWORD", "PHONE_CODE"]);
    let proof = app.proof(&before, "STEP_UP", THIEFS_PHONE).await;
    let fresh = app.client_from(&before.reauthenticate(json!({ "proofToken": proof })).await);
    assert_eq!(send(&fresh, "EMAIL_CHANGE", EMAIL).await["__typename"], "SendVerificationCodePayload");
    assert!(before.delete_account("Another-Password-7").await["id"].is_string());
    app.stop().await;
}

/// The oldest change that can be undone decides, for both contacts and the password.
#[tokio::test]
async fn of_two_changes_the_oldest_decides() {
    let app = setup().await.start().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    let address = app.proof(&holder, "EMAIL_CHANGE", EMAIL).await;
    assert_eq!(holder.change_contact("changeEmail", &address).await["user"]["email"], EMAIL);
    app.advance(HOUR * 24);
    let holder = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    phone_changed(&app, &holder).await;
    app.advance(MINUTE * 10);
    assert_eq!(required(&send(&holder, "EMAIL_CHANGE", "other@example.com").await), ["PASSWORD"]);
    for to in [EMAIL, THIEFS_PHONE] {
        assert_eq!(send(&holder, "STEP_UP", to).await["fields"][0]["reason"], "contact_changed_recently");
    }
    // A password between the two changes is too new for the first.
    let fresh = app.reauthenticated(&holder).await;
    assert_eq!(fresh.change_password(PASSWORD, "Another-Password-7").await["__typename"], "ChangePasswordPayload");
    required(&holder.reauthenticate(json!({ "password": "Another-Password-7" })).await);
    // The first change stands: the address and the number of before are old enough for the second, the password is not.
    app.advance(HOUR * 48);
    let sign_in = json!({ "identifier": "hong", "password": "Another-Password-7" });
    let holder = app.client_for(&SignedIn::of(&app.anonymous().sign_in(sign_in).await));
    assert_eq!(required(&send(&holder, "PHONE_CHANGE", "+821055550000").await), ["EMAIL_CODE"]);
    let proof = app.proof(&holder, "STEP_UP", EMAIL).await;
    let fresh = app.client_from(&holder.reauthenticate(json!({ "proofToken": proof })).await);
    let proof = app.proof(&fresh, "PHONE_CHANGE", "+821055550000").await;
    assert_eq!(fresh.change_contact("changePhone", &proof).await["user"]["phone"], "+821055550000");
    app.stop().await;
}

/// A code for the phone that is read in the account's mailbox counts only if the mailbox does.
#[tokio::test]
async fn a_code_by_letter_to_a_changed_mailbox_does_not_count() {
    let app = setup().await.start().await;
    let stolen = app.client_for(&app.signed_up("hong", PHONE).await);
    let proof = app.proof(&stolen, "EMAIL_CHANGE", THIEFS_EMAIL).await;
    assert_eq!(stolen.change_contact("changeEmail", &proof).await["user"]["email"], THIEFS_EMAIL);
    // The notice of the change, so that the next message to the phone is the code.
    app.messages_to(PHONE, 2).await;
    let thief = app.anonymous();
    let sent = send(&thief, "SIGN_IN", PHONE).await;
    let before = app.messages_to(THIEFS_EMAIL, 0).await.len();
    assert_eq!(
        thief.resend_via(&sent["verification"]["id"], "EMAIL").await["__typename"],
        "SendVerificationCodePayload"
    );
    let letter = app.messages_to(THIEFS_EMAIL, before + 1).await[0]["code"].as_str().unwrap().to_owned();
    let proof = thief.confirm(&sent["verification"]["id"], &letter).await["proof"]["token"].clone();
    let signed_in = app.client_for(&SignedIn::of(&thief.sign_in_with_proof(&proof).await));
    required(&send(&signed_in, "PHONE_CHANGE", THIEFS_PHONE).await);
    // Nor does a code that was for the new mailbox.
    let proof = app.proof(&app.anonymous(), "SIGN_IN", THIEFS_EMAIL).await;
    let signed_in = app.client_for(&SignedIn::of(&app.anonymous().sign_in_with_proof(&proof).await));
    required(&send(&signed_in, "PHONE_CHANGE", THIEFS_PHONE).await);
    // Read on the phone, which was the account's before, it does.
    let proof = app.proof(&app.anonymous(), "SIGN_IN", PHONE).await;
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_with_proof(&proof).await));
    assert_eq!(send(&owner, "PHONE_CHANGE", "+821055550000").await["__typename"], "SendVerificationCodePayload");
    app.stop().await;
}

/// Of a change and a deletion at once, in two processes, one wins: the account is never gone with a change to undo.
#[tokio::test]
async fn a_deletion_and_a_change_at_once_leave_nothing_to_regret() {
    let app = setup().await.start().await;
    let other = app.another_process().await;
    for number in 0..4 {
        let holder = app.signed_up(&format!("racer{number}x"), &format!("+82101111000{number}")).await;
        let new = format!("+82102222000{number}");
        let proof = app.proof(&app.client_for(&holder), "PHONE_CHANGE", &new).await;
        let (here, there) = (app.client_for(&holder), other.client_for(&holder));
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
