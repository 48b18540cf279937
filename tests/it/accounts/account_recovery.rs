//! Attackers with an open session, or with only an identifier, and the owner who recovers the account.

use std::time::Duration;

use serde_json::{Value, json};

use super::changes::undo_token;
use crate::support::{Account, ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const OWN: &str = "hong@example.com";
const ATTACKER_EMAIL: &str = "thief@example.com";
const MINUTE: Duration = Duration::from_secs(61);

/// Hong with a phone and an e-mail address that were added long ago.
async fn hong(app: &TestApp) -> (SignedIn, ApiClient) {
    let signed_in = app.signed_up("hong", PHONE).await;
    let signed_in_client = app.client_for(&signed_in);
    change_email_to(app, &signed_in_client, OWN).await;
    app.advance(Duration::from_secs(72 * 3600));
    let signed_in = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let signed_in_client = app.client_for(&signed_in);
    (signed_in, signed_in_client)
}

async fn change_email_to(app: &TestApp, signed_in_client: &ApiClient, address: &str) {
    let moved = signed_in_client
        .change_contact("changeEmail", &app.proof(signed_in_client, "EMAIL_CHANGE", address).await)
        .await;
    assert_eq!(moved["user"]["email"], address, "{moved:#}");
    app.advance(MINUTE);
}

/// The undo token in the newest message to an address.
async fn undo_token_sent_to(app: &TestApp, to: &str) -> String {
    undo_token(&app.notices_to(to, "ndo it within", 1).await[0])
}

/// An address in an unverified sign-up does not block its owner.
#[tokio::test]
async fn cl_10_unverified_email_is_released_to_its_owner() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    let (_, signed_in_client) = hong(&app).await;
    change_email_to(&app, &signed_in_client, ATTACKER_EMAIL).await;
    let token = undo_token_sent_to(&app, OWN).await;
    let squatter = json!({ "username": "squatter", "password": PASSWORD, "email": OWN });
    let typed = app.anonymous().sign_up(squatter).await;
    assert_eq!(typed["__typename"], "SignUpPayload", "{typed:#}");
    let owner = app.client_at("203.0.113.77");
    let proof = app.undo_proof(&owner, &token, PHONE).await;
    let undone = owner.undo_with_proof(&token, &proof).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    app.stop().await;
}

/// A code for the phone that was sent to the attacker's address by e-mail, and its proof, are not valid after the undo.
#[tokio::test]
async fn cl_09_codes_and_proofs_via_an_attackers_email_end_with_the_undo() {
    let setup = Setup::new().await.with("CONTACT_DAILY_SENDS", "unlimited").with("RESEND_COOLDOWN", "0s");
    let app = setup.start().await;
    let (_, signed_in_client) = hong(&app).await;
    change_email_to(&app, &signed_in_client, ATTACKER_EMAIL).await;
    let token = undo_token_sent_to(&app, OWN).await;
    let attacker = app.anonymous();
    let mut by_email = Vec::new();
    for purpose in ["PASSWORD_RESET", "SIGN_IN", "SIGN_IN"] {
        let before = app.messages_to(ATTACKER_EMAIL, 0).await.len();
        let sent = attacker.send_code(json!({ "purpose": purpose, "to": { "phone": PHONE } })).await;
        let id = sent["verification"]["id"].clone();
        attacker.resend_via(&id, "EMAIL").await;
        let message = app.messages_to(ATTACKER_EMAIL, before + 1).await[0].clone();
        by_email.push((id, message["code"].as_str().unwrap().to_owned()));
    }
    let [reset, sign_in, pending] = &by_email[..] else { panic!() };
    let proof_of = async |(id, code): &(Value, String)| attacker.confirm(id, code).await["proof"]["token"].clone();
    let (reset, sign_in) = (proof_of(reset).await, proof_of(sign_in).await);
    assert!(reset.is_string() && sign_in.is_string());

    let owner = app.client_at("203.0.113.77");
    let proof = app.undo_proof(&owner, &token, PHONE).await;
    let undone = owner.undo_with_proof(&token, &proof).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    assert_eq!(attacker.reset_password(&reset, "Stolen-Password-7").await["reason"], "SPENT");
    assert_eq!(attacker.sign_in_with_proof(&sign_in).await["reason"], "SPENT");
    // The verification looks unchanged, but its code is rejected.
    assert_eq!(attacker.verification(&pending.0).await["status"], "PENDING");
    let guess = attacker.confirm(&pending.0, &pending.1).await;
    assert_eq!((&guess["__typename"], &guess["attemptsRemaining"]), (&json!("CodeMismatch"), &json!(4)), "{guess:#}");
    app.stop().await;
}

/// FZ-04: a mailbox whose name differs only in case may belong to another person.
#[tokio::test]
async fn fz_04_code_is_sent_to_the_address_as_stored_in_the_account() {
    const TYPED: &str = "HONG@example.com";
    let app = TestApp::start().await;
    app.insert_accounts([Account::with_phone(PHONE).and_email(OWN)]).await;
    let sent = app.anonymous().request_password_reset(json!({ "contact": { "email": TYPED } })).await;
    let id = sent["verification"]["id"].clone();
    assert!(
        sent["verification"]["maskedTo"].as_str().unwrap().starts_with('H'),
        "it shows the address as entered: {sent:#}"
    );
    app.code_sent_to(OWN).await;
    app.advance(MINUTE);
    assert_eq!(app.anonymous().resend(&id).await["__typename"], "SendVerificationCodePayload");
    let messages = app.messages_to(OWN, 2).await;
    assert_eq!(messages[0]["code"], messages[1]["code"]);
    // A sign-up with it notifies the owner at the address of the account.
    app.advance(MINUTE);
    let sign_up = json!({ "purpose": "SIGN_UP", "to": { "email": TYPED } });
    assert_eq!(app.anonymous().send_code(sign_up).await["__typename"], "SendVerificationCodePayload");
    assert!(app.messages_to(OWN, 3).await[0]["code"].is_null());
    assert!(app.messages_to(TYPED, 0).await.is_empty());
    app.stop().await;
}

/// A subscription for a deleted verification ends at its expiry, and queries the database at most once (SB-14).
#[tokio::test]
async fn sb_14_subscription_to_a_deleted_verification_ends() {
    let app = TestApp::start().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    let sent = signed_in_client.send_code(json!({ "purpose": "CONTACT", "to": { "phone": "+821077770000" } })).await;
    let mut watch = app.anonymous().watch(&sent["verification"]["id"]).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;
    assert!(signed_in_client.delete_account(PASSWORD).await["id"].is_string());
    app.advance(Duration::from_secs(301));
    assert_eq!(watch.last().await["status"], "EXPIRED");
    app.stop().await;
}

/// BF-09: requests that are rejected early are limited by quotas, and so are their audit entries.
#[tokio::test]
async fn bf_09_audit_entries_of_rejected_requests_are_limited() {
    let app = TestApp::start().await;
    let client = app.client_at("203.0.113.80");
    let id = client.send_code_to("+821088880000").await["id"].clone();
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    for _ in 0..70 {
        client.sign_up(json!({ "username": "somebody", "password": PASSWORD, "email": OWN })).await;
        client.resend_via(&id, "EMAIL").await;
        signed_in_client.revoke_session(&json!("ses_0000000000000000000000000")).await;
        signed_in_client.send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": PHONE } })).await;
    }
    let entries = app.row_count("audit").await;
    assert!(entries < 130, "{entries} audit entries after 280 rejections");
    app.stop().await;
}
