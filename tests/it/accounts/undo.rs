//! Undo of contact changes: all of them together, confirmed by an unchanged contact, and final.

use std::time::Duration;

use serde_json::{Value, json};

use super::changes::{find_undo_token, undo_token};
use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const EMAIL: &str = "hong@example.com";
const ATTACKER_PHONE: &str = "+821066660000";
const ATTACKER_EMAIL: &str = "thief@example.com";
const UNDO: &str = "ndo it within";
const UNDONE: &str = "was undone";

async fn app() -> TestApp {
    let setup = Setup::new().await.with("CONTACT_DAILY_SENDS", "unlimited").with("RESEND_COOLDOWN", "0s");
    setup.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await
}

async fn change_contact_to(app: &TestApp, signed_in_client: &ApiClient, to: &str) {
    let (mutation, purpose, field) = match to.contains('@') {
        true => ("changeEmail", "EMAIL_CHANGE", "email"),
        false => ("changePhone", "PHONE_CHANGE", "phone"),
    };
    let changed = signed_in_client.change_contact(mutation, &app.proof(signed_in_client, purpose, to).await).await;
    assert_eq!(changed["user"][field], to, "{changed:#}");
}

/// Hong with a phone, and an e-mail address that was added too long ago to be undone.
async fn hong_with_both(app: &TestApp) -> ApiClient {
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    change_contact_to(app, &signed_in_client, EMAIL).await;
    // Sent before the clock advances, so that it does not expire.
    app.notices_to(PHONE, UNDO, 1).await;
    app.advance(Duration::from_secs(72 * 3600));
    app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await))
}

async fn contacts_of_owner(app: &TestApp, owner: &ApiClient) -> Value {
    let proof = app.proof(owner, "PASSWORD_RESET", PHONE).await;
    let reset = owner.reset_password(&proof, "Owners-Password-7").await;
    assert_eq!(reset["__typename"], "ResetPasswordPayload", "{reset:#}");
    let back = owner.sign_in(json!({ "identifier": "hong", "password": "Owners-Password-7" })).await;
    json!([back["user"]["phone"], back["user"]["email"]])
}

/// An attacker who changes the e-mail address first and the phone second loses both, whichever undo token the owner
/// uses.
#[tokio::test]
async fn either_token_undoes_earlier_and_later_changes() {
    let app = app().await;
    let mut signed_in_client = hong_with_both(&app).await;
    for (round, contact) in [EMAIL, PHONE].into_iter().enumerate() {
        change_contact_to(&app, &signed_in_client, ATTACKER_EMAIL).await;
        change_contact_to(&app, &signed_in_client, ATTACKER_PHONE).await;
        let owner = app.client_at("203.0.113.77");
        let to_email = app.notices_to(EMAIL, UNDO, round + 1).await;
        // The phone also got a notice when the address was added.
        let to_phone = app.notices_to(PHONE, UNDO, round + 2).await;
        let token = undo_token(if contact == EMAIL { &to_email[0] } else { &to_phone[0] });
        let undone = owner.undo_contact_change(&token).await;
        assert_eq!(undone["__typename"], "UndoContactChangePayload", "no contact was unchanged: {undone:#}");
        assert_eq!(contacts_of_owner(&app, &owner).await, json!([PHONE, EMAIL]));
        app.advance(Duration::from_secs(73 * 3600));
        let again = json!({ "identifier": "hong", "password": "Owners-Password-7" });
        signed_in_client = app.client_for(&SignedIn::of(&app.anonymous().sign_in(again).await));
    }
    app.stop().await;
}

/// Every former contact of the account gets a notice of an undo. No undo token was sent to the attacker's contact, so
/// nothing can undo the undo.
#[tokio::test]
async fn every_contact_is_notified_of_an_undo_and_it_is_final() {
    let app = app().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    change_contact_to(&app, &signed_in_client, ATTACKER_PHONE).await;
    change_contact_to(&app, &signed_in_client, "+821066660001").await;
    change_contact_to(&app, &signed_in_client, ATTACKER_EMAIL).await;
    let to_attacker = app.messages_to(ATTACKER_PHONE, 2).await;
    assert!(to_attacker.iter().all(|message| find_undo_token(message).is_none()), "{to_attacker:#?}");
    let owner = app.client_at("203.0.113.77");
    let token = undo_token(&app.notices_to(PHONE, UNDO, 1).await[0]);
    assert_eq!(owner.undo_contact_change(&token).await["sessionsEnded"], 1);
    for contact in [PHONE, ATTACKER_PHONE, "+821066660001", ATTACKER_EMAIL] {
        let messages = app.notices_to(contact, UNDONE, 1).await;
        assert!(messages.iter().all(|message| find_undo_token(message).is_none()), "{messages:#?}");
    }
    assert_eq!(app.anonymous().undo_contact_change(&token).await["reason"], "SPENT");
    assert_eq!(contacts_of_owner(&app, &owner).await, json!([PHONE, null]));
    app.stop().await;
}

/// The finder of a lost SIM card has the old number and its undo token, but not the unchanged e-mail address.
#[tokio::test]
async fn lost_sim_card_alone_cannot_undo_a_change() {
    let app = app().await;
    let signed_in_client = hong_with_both(&app).await;
    change_contact_to(&app, &signed_in_client, "+821077770000").await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let finder = app.client_at("203.0.113.66");
    let requested = finder.undo_contact_change(&token).await;
    assert_eq!(requested["__typename"], "UndoConfirmationRequired", "{requested:#}");
    assert_eq!(requested["code"], "UNDO_CONFIRMATION_REQUIRED");
    let id = &requested["verification"]["id"];
    assert!(app.codes_to(PHONE, 0).await.len() == 1, "no second code is sent to the old number");
    assert_eq!(finder.confirm(id, "00000000").await["__typename"], "CodeMismatch");
    // Nothing else that the finder can obtain replaces that proof.
    let foreign = app.proof(&finder, "CONTACT", PHONE).await;
    assert_eq!(finder.undo_with_proof(&token, &foreign).await["reason"], "WRONG_PURPOSE");
    assert_eq!(finder.undo_with_proof(&token, &json!("0".repeat(64))).await["reason"], "UNKNOWN");
    assert_eq!(finder.undo_with_proof(&token, &json!("nonsense")).await["reason"], "UNKNOWN");
    assert_eq!(signed_in_client.me().await["phone"], "+821077770000");
    // A client that has the address as well is the owner.
    let code = app.codes_to(EMAIL, 2).await[0].clone();
    let proof = finder.confirm(id, &code).await["proof"]["token"].clone();
    assert_eq!(finder.sign_in_with_proof(&proof).await["reason"], "WRONG_PURPOSE", "it is valid for nothing else");
    let undone = finder.undo_with_proof(&token, &proof).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    assert_eq!(signed_in_client.me().await, Value::Null);
    app.stop().await;
}

/// An owner who changes the contact back from an attacker's has not undone the change. The attacker's contact gets no
/// undo token for the owner's change, and an undo of any later change restores the owner's contact.
#[tokio::test]
async fn attacker_cannot_undo_the_owners_reverse_change() {
    let app = app().await;
    let attacker = app.client_for(&app.signed_up("hong", EMAIL).await);
    change_contact_to(&app, &attacker, ATTACKER_EMAIL).await;
    app.advance(Duration::from_secs(300));
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    change_contact_to(&app, &owner, EMAIL).await;
    change_contact_to(&app, &owner, PHONE).await;
    let to_attacker = app.notices_to(ATTACKER_EMAIL, "hanged", 1).await;
    assert!(to_attacker.iter().all(|message| find_undo_token(message).is_none()), "{to_attacker:#?}");
    // The attacker's change can no longer be undone; the owner's changes can.
    app.advance(Duration::from_secs(72 * 3600 - 60));
    let changes = "contact_change WHERE replaced_contact IS NOT NULL AND old_contact = 'hong@example.com'";
    assert_eq!(app.row_count(changes).await, 1);
    let back = app.anonymous().sign_in(json!({ "identifier": EMAIL, "password": PASSWORD })).await;
    assert_eq!(back["user"]["email"], EMAIL, "{back:#}");
    app.stop().await;
}

/// A contact that an attacker added and changed again can still be undone by the contact that the account had before.
#[tokio::test]
async fn established_contact_can_undo_each_change_of_the_other() {
    let app = app().await;
    let attacker = app.client_for(&app.signed_up("hong", PHONE).await);
    change_contact_to(&app, &attacker, ATTACKER_EMAIL).await;
    change_contact_to(&app, &attacker, "thief2@example.com").await;
    let tokens: Vec<_> = app.notices_to(PHONE, UNDO, 2).await.iter().map(undo_token).collect();
    assert_ne!(tokens[0], tokens[1]);
    let to_attacker = app.messages_to(ATTACKER_EMAIL, 2).await;
    assert!(to_attacker.iter().all(|message| find_undo_token(message).is_none()), "{to_attacker:#?}");
    let owner = app.client_at("203.0.113.77");
    let proof = app.undo_proof(&owner, &tokens[0], PHONE).await;
    let undone = owner.undo_with_proof(&tokens[0], &proof).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    assert_eq!(contacts_of_owner(&app, &owner).await, json!([PHONE, null]));
    app.stop().await;
}

/// An attacker with a session ends neither the code nor the proof that the owner's undo needs.
#[tokio::test]
async fn attacker_cannot_end_the_confirmation_of_an_undo() {
    let app = app().await;
    let signed_in_client = hong_with_both(&app).await;
    change_contact_to(&app, &signed_in_client, ATTACKER_PHONE).await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let owner = app.client_at("203.0.113.77");
    let requested = owner.undo_contact_change(&token).await;
    let code = app.codes_to(EMAIL, 2).await[0].clone();
    let everywhere = async || {
        let attacker = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
        assert!(attacker.sign_out_everywhere().await["sessionsEnded"].is_number());
    };
    everywhere().await;
    let confirmed = owner.confirm(&requested["verification"]["id"], &code).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    everywhere().await;
    let undone = owner.undo_with_proof(&token, &confirmed["proof"]["token"]).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    app.stop().await;
}

/// An attacker who has the old address signs up with it so that it cannot be restored. The phone is restored all the
/// same.
#[tokio::test]
async fn contact_of_another_account_is_not_restored() {
    let app = app().await;
    let signed_in_client = hong_with_both(&app).await;
    change_contact_to(&app, &signed_in_client, ATTACKER_EMAIL).await;
    change_contact_to(&app, &signed_in_client, ATTACKER_PHONE).await;
    app.signed_up("thief", EMAIL).await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let owner = app.client_at("203.0.113.77");
    let undone = owner.undo_contact_change(&token).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    assert_eq!(contacts_of_owner(&app, &owner).await, json!([PHONE, null]));
    app.stop().await;
}

/// Codes that anyone can request do not use up the code that the owner needs for the undo.
#[tokio::test]
async fn other_clients_cannot_use_up_the_undo_code() {
    let setup = Setup::new().await.with("CONTACT_DAILY_SENDS", "2").with("CONTACT_DAILY_GUESSES", "2");
    let app = setup.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
    let signed_in_client = hong_with_both(&app).await;
    change_contact_to(&app, &signed_in_client, "+821077770000").await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let other_client = app.client_at("198.51.100.66");
    let send = json!({ "purpose": "CONTACT", "to": { "email": EMAIL } });
    for quota in ["", "", "CONTACT_DAILY"] {
        let sent = other_client.send_code(send.clone()).await;
        assert_eq!(sent["quota"].as_str().unwrap_or(""), quota, "{sent:#}");
        if quota.is_empty() {
            other_client.confirm(&sent["verification"]["id"], "00000000").await;
        }
        app.advance(Duration::from_secs(61));
    }
    let owner = app.client_at("203.0.113.77");
    let requested = owner.undo_contact_change(&token).await;
    assert_eq!(requested["__typename"], "UndoConfirmationRequired", "{requested:#}");
    let code = app.codes_to(EMAIL, 4).await[0].clone();
    let confirmed = owner.confirm(&requested["verification"]["id"], &code).await;
    let undone = owner.undo_with_proof(&token, &confirmed["proof"]["token"]).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    app.stop().await;
}

/// An address that was added by the session that changed the number confirms nothing: both changes are by the same
/// client.
#[tokio::test]
async fn contact_added_since_the_change_cannot_confirm_the_undo() {
    let app = app().await;
    let signed_in_client = app.client_for(&app.signed_up("hong", PHONE).await);
    change_contact_to(&app, &signed_in_client, ATTACKER_EMAIL).await;
    change_contact_to(&app, &signed_in_client, ATTACKER_PHONE).await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let undone = app.client_at("203.0.113.77").undo_contact_change(&token).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    app.stop().await;
}

/// A proof of another account's address confirms nothing.
#[tokio::test]
async fn confirmation_is_bound_to_its_account() {
    let app = app().await;
    let signed_in_client = hong_with_both(&app).await;
    change_contact_to(&app, &signed_in_client, "+821077770000").await;
    let hongs = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let kim = app.client_for(&app.signed_up("kim", "+821099990000").await);
    change_contact_to(&app, &kim, "kim@example.com").await;
    let kims = undo_token(&app.notices_to("+821099990000", UNDO, 1).await[0]);
    let attacker = app.client_at("203.0.113.66");
    let proof = app.undo_proof(&attacker, &kims, "+821099990000").await;
    assert_eq!(attacker.undo_with_proof(&hongs, &proof).await["reason"], "UNKNOWN");
    assert_eq!(attacker.undo_with_proof(&kims, &proof).await["__typename"], "UndoContactChangePayload");
    app.stop().await;
}

#[tokio::test]
async fn undo_purpose_cannot_be_requested() {
    let app = TestApp::start().await;
    let hong = app.signed_up("hong", PHONE).await;
    for client in [app.anonymous(), app.client_for(&hong)] {
        let refused = client.send_code(json!({ "purpose": "CONTACT_UNDO", "to": { "email": EMAIL } })).await;
        assert_eq!(refused["fields"][0]["reason"], "not_a_purpose_to_request", "{refused:#}");
    }
    assert_eq!(
        app.anonymous().sign_in(json!({ "identifier": "hong", "password": PASSWORD })).await["user"]["phone"],
        PHONE
    );
    app.stop().await;
}
