//! A thief with an open session, or with nothing but a name to type, and the owner who takes the account back.

use std::time::Duration;

use serde_json::{Value, json};

use super::changes::undo_token;
use crate::support::{Account, ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const OWN: &str = "hong@example.com";
const THIEFS: &str = "thief@example.com";
const MINUTE: Duration = Duration::from_secs(61);

/// Hong, with a phone and an address of their own, which they gave their account long ago.
async fn hong(app: &TestApp) -> (SignedIn, ApiClient) {
    let signed_in = app.signed_up("hong", PHONE).await;
    let holder = app.client_for(&signed_in);
    moved_to(app, &holder, OWN).await;
    app.advance(Duration::from_secs(72 * 3600));
    let signed_in = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let holder = app.client_for(&signed_in);
    (signed_in, holder)
}

async fn moved_to(app: &TestApp, holder: &ApiClient, address: &str) {
    let moved = holder.change_contact("changeEmail", &app.proof(holder, "EMAIL_CHANGE", address).await).await;
    assert_eq!(moved["user"]["email"], address, "{moved:#}");
    app.advance(MINUTE);
}

/// The token in the newest message to an address.
async fn way_back(app: &TestApp, to: &str) -> String {
    undo_token(&app.notices_to(to, "ndo it within", 1).await[0])
}

/// Nobody keeps an owner from their old address by typing it at sign-up.
#[tokio::test]
async fn cl_10_an_address_that_somebody_merely_typed_is_given_back() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    let (_, holder) = hong(&app).await;
    moved_to(&app, &holder, THIEFS).await;
    let token = way_back(&app, OWN).await;
    let squatter = json!({ "username": "squatter", "password": PASSWORD, "email": OWN });
    let typed = app.anonymous().sign_up(squatter).await;
    assert_eq!(typed["__typename"], "SignUpPayload", "{typed:#}");
    let owner = app.client_at("203.0.113.77");
    let proof = app.undo_proof(&owner, &token, PHONE).await;
    let undone = owner.undo_with_proof(&token, &proof).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    app.stop().await;
}

/// A code for the phone that went to the thief's address by letter, and the proof it became, open nothing after that.
#[tokio::test]
async fn cl_09_what_was_asked_for_with_a_thiefs_address_ends_with_it() {
    let setup = Setup::new().await.with("CONTACT_DAILY_SENDS", "unlimited").with("RESEND_COOLDOWN", "0s");
    let app = setup.start().await;
    let (_, holder) = hong(&app).await;
    moved_to(&app, &holder, THIEFS).await;
    let token = way_back(&app, OWN).await;
    let thief = app.anonymous();
    let mut by_letter = Vec::new();
    for purpose in ["PASSWORD_RESET", "SIGN_IN", "SIGN_IN"] {
        let before = app.messages_to(THIEFS, 0).await.len();
        let sent = thief.send_code(json!({ "purpose": purpose, "to": { "phone": PHONE } })).await;
        let id = sent["verification"]["id"].clone();
        thief.resend_via(&id, "EMAIL").await;
        let letter = app.messages_to(THIEFS, before + 1).await[0].clone();
        by_letter.push((id, letter["code"].as_str().unwrap().to_owned()));
    }
    let [reset, sign_in, pending] = &by_letter[..] else { panic!() };
    let proof_of = async |(id, code): &(Value, String)| thief.confirm(id, code).await["proof"]["token"].clone();
    let (reset, sign_in) = (proof_of(reset).await, proof_of(sign_in).await);
    assert!(reset.is_string() && sign_in.is_string());

    let owner = app.client_at("203.0.113.77");
    let proof = app.undo_proof(&owner, &token, PHONE).await;
    let undone = owner.undo_with_proof(&token, &proof).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    assert_eq!(thief.reset_password(&reset, "Stolen-Password-7").await["reason"], "SPENT");
    assert_eq!(thief.sign_in_with_proof(&sign_in).await["reason"], "SPENT");
    // It looks as it did, and its code is wrong.
    assert_eq!(thief.verification(&pending.0).await["status"], "PENDING");
    let guess = thief.confirm(&pending.0, &pending.1).await;
    assert_eq!((&guess["__typename"], &guess["attemptsRemaining"]), (&json!("CodeMismatch"), &json!(4)), "{guess:#}");
    app.stop().await;
}

/// FZ-04: a mailbox whose name differs in case alone may be somebody else's.
#[tokio::test]
async fn fz_04_a_code_goes_to_the_address_as_the_account_has_it() {
    const TYPED: &str = "HONG@example.com";
    let app = TestApp::start().await;
    app.insert_accounts([Account::with_phone(PHONE).and_email(OWN)]).await;
    let sent = app.anonymous().request_password_reset(json!({ "contact": { "email": TYPED } })).await;
    let id = sent["verification"]["id"].clone();
    assert!(sent["verification"]["maskedTo"].as_str().unwrap().starts_with('H'), "it shows what was typed: {sent:#}");
    app.code_sent_to(OWN).await;
    app.advance(MINUTE);
    assert_eq!(app.anonymous().resend(&id).await["__typename"], "SendVerificationCodePayload");
    let letters = app.messages_to(OWN, 2).await;
    assert_eq!(letters[0]["code"], letters[1]["code"]);
    // Who signs up with it is told so at the address that they have.
    app.advance(MINUTE);
    let sign_up = json!({ "purpose": "SIGN_UP", "to": { "email": TYPED } });
    assert_eq!(app.anonymous().send_code(sign_up).await["__typename"], "SendVerificationCodePayload");
    assert!(app.messages_to(OWN, 3).await[0]["code"].is_null());
    assert!(app.messages_to(TYPED, 0).await.is_empty());
    app.stop().await;
}

/// A stream of somebody who is gone ends at its time, and asks the database no more than once (SB-14).
#[tokio::test]
async fn sb_14_who_watches_a_code_that_is_erased_sees_its_end() {
    let app = TestApp::start().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    let sent = holder.send_code(json!({ "purpose": "CONTACT", "to": { "phone": "+821077770000" } })).await;
    let mut watch = app.anonymous().watch(&sent["verification"]["id"]).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;
    assert!(holder.delete_account(PASSWORD).await["id"].is_string());
    app.advance(Duration::from_secs(301));
    assert_eq!(watch.last().await["status"], "EXPIRED");
    app.stop().await;
}

/// BF-09: what is refused before anything happens is refused as often as a quota has it, and leaves as many entries.
#[tokio::test]
async fn bf_09_nothing_writes_the_trail_without_end() {
    let app = TestApp::start().await;
    let visitor = app.client_at("203.0.113.80");
    let id = visitor.send_code_to("+821088880000").await["id"].clone();
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    for _ in 0..70 {
        visitor.sign_up(json!({ "username": "somebody", "password": PASSWORD, "email": OWN })).await;
        visitor.resend_via(&id, "EMAIL").await;
        holder.revoke_session(&json!("ses_0000000000000000000000000")).await;
        holder.send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": PHONE } })).await;
    }
    let entries = app.row_count("audit").await;
    assert!(entries < 130, "{entries} entries after 280 refusals");
    app.stop().await;
}
