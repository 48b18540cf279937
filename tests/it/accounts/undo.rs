//! Undoing changes of contact: all of them at once, confirmed by a contact that was not changed, and for good.

use std::time::Duration;

use serde_json::{Value, json};

use super::changes::{find_undo_token, undo_token};
use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const EMAIL: &str = "hong@example.com";
const THIEF_PHONE: &str = "+821066660000";
const THIEF_EMAIL: &str = "thief@example.com";
const UNDO: &str = "ndo it within";
const UNDONE: &str = "was undone";

async fn app() -> TestApp {
    let setup = Setup::new().await.with("CONTACT_DAILY_SENDS", "unlimited").with("RESEND_COOLDOWN", "0s");
    setup.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await
}

async fn moved(app: &TestApp, holder: &ApiClient, to: &str) {
    let (mutation, purpose, field) = match to.contains('@') {
        true => ("changeEmail", "EMAIL_CHANGE", "email"),
        false => ("changePhone", "PHONE_CHANGE", "phone"),
    };
    let changed = holder.change_contact(mutation, &app.proof(holder, purpose, to).await).await;
    assert_eq!(changed["user"][field], to, "{changed:#}");
}

/// Hong with a phone, and an address that was added too long ago to be undone.
async fn hong_with_both(app: &TestApp) -> ApiClient {
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    moved(app, &holder, EMAIL).await;
    // Sent before the clock moves on, or it expires.
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

/// A thief who changes the e-mail address first and the phone second loses both, whichever token the owner uses.
#[tokio::test]
async fn either_token_undoes_what_was_changed_before_it_and_after_it() {
    let app = app().await;
    let mut holder = hong_with_both(&app).await;
    for (round, told) in [EMAIL, PHONE].into_iter().enumerate() {
        moved(&app, &holder, THIEF_EMAIL).await;
        moved(&app, &holder, THIEF_PHONE).await;
        let owner = app.client_at("203.0.113.77");
        let to_email = app.notices_to(EMAIL, UNDO, round + 1).await;
        // The phone was told when the address was added, too.
        let to_phone = app.notices_to(PHONE, UNDO, round + 2).await;
        let token = undo_token(if told == EMAIL { &to_email[0] } else { &to_phone[0] });
        let undone = owner.undo_contact_change(&token).await;
        assert_eq!(undone["__typename"], "UndoContactChangePayload", "no contact was left as it was: {undone:#}");
        assert_eq!(contacts_of_owner(&app, &owner).await, json!([PHONE, EMAIL]));
        app.advance(Duration::from_secs(73 * 3600));
        let again = json!({ "identifier": "hong", "password": "Owners-Password-7" });
        holder = app.client_for(&SignedIn::of(&app.anonymous().sign_in(again).await));
    }
    app.stop().await;
}

/// Every contact that the account had gets a notice of an undo. No undo token was sent to a contact that a thief brought,
/// so nothing undoes the undo.
#[tokio::test]
async fn every_contact_is_notified_of_an_undo_and_nothing_undoes_it() {
    let app = app().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    moved(&app, &holder, THIEF_PHONE).await;
    moved(&app, &holder, "+821066660001").await;
    moved(&app, &holder, THIEF_EMAIL).await;
    let to_thief = app.messages_to(THIEF_PHONE, 2).await;
    assert!(to_thief.iter().all(|message| find_undo_token(message).is_none()), "{to_thief:#?}");
    let owner = app.client_at("203.0.113.77");
    let token = undo_token(&app.notices_to(PHONE, UNDO, 1).await[0]);
    assert_eq!(owner.undo_contact_change(&token).await["sessionsEnded"], 1);
    for told in [PHONE, THIEF_PHONE, "+821066660001", THIEF_EMAIL] {
        let messages = app.notices_to(told, UNDONE, 1).await;
        assert!(messages.iter().all(|message| find_undo_token(message).is_none()), "{messages:#?}");
    }
    assert_eq!(app.anonymous().undo_contact_change(&token).await["reason"], "SPENT");
    assert_eq!(contacts_of_owner(&app, &owner).await, json!([PHONE, null]));
    app.stop().await;
}

/// The finder of a lost SIM card has the old number and its undo token, and not the e-mail address that stayed.
#[tokio::test]
async fn a_lost_sim_card_alone_does_not_take_the_account_back() {
    let app = app().await;
    let holder = hong_with_both(&app).await;
    moved(&app, &holder, "+821077770000").await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let finder = app.client_at("203.0.113.66");
    let asked = finder.undo_contact_change(&token).await;
    assert_eq!(asked["__typename"], "UndoConfirmationRequired", "{asked:#}");
    assert_eq!(asked["code"], "UNDO_CONFIRMATION_REQUIRED");
    let id = &asked["verification"]["id"];
    assert!(app.codes_to(PHONE, 0).await.len() == 1, "the old number is sent no second code");
    assert_eq!(finder.confirm(id, "00000000").await["__typename"], "CodeMismatch");
    // Nothing that the finder can get hold of stands in for that proof.
    let foreign = app.proof(&finder, "CONTACT", PHONE).await;
    assert_eq!(finder.undo_with_proof(&token, &foreign).await["reason"], "WRONG_PURPOSE");
    assert_eq!(finder.undo_with_proof(&token, &json!("0".repeat(64))).await["reason"], "UNKNOWN");
    assert_eq!(finder.undo_with_proof(&token, &json!("nonsense")).await["reason"], "UNKNOWN");
    assert_eq!(holder.me().await["phone"], "+821077770000");
    // Whoever holds the address as well is the owner.
    let code = app.codes_to(EMAIL, 2).await[0].clone();
    let proof = finder.confirm(id, &code).await["proof"]["token"].clone();
    assert_eq!(finder.sign_in_with_proof(&proof).await["reason"], "WRONG_PURPOSE", "it is good for nothing else");
    let undone = finder.undo_with_proof(&token, &proof).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    assert_eq!(holder.me().await, Value::Null);
    app.stop().await;
}

/// The owner who moves the account back from a thief's contact has not undone the change. The thief's contact gets no
/// token for the owner's change, and an undo of any later change restores the owner's contact.
#[tokio::test]
async fn a_thief_does_not_undo_the_change_that_the_owner_made_back() {
    let app = app().await;
    let thief = app.client_for(&app.signed_up("hong", EMAIL).await);
    moved(&app, &thief, THIEF_EMAIL).await;
    app.advance(Duration::from_secs(300));
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    moved(&app, &owner, EMAIL).await;
    moved(&app, &owner, PHONE).await;
    let to_thief = app.notices_to(THIEF_EMAIL, "hanged", 1).await;
    assert!(to_thief.iter().all(|message| find_undo_token(message).is_none()), "{to_thief:#?}");
    // The thief's change can't be undone any more; those of the owner can.
    app.advance(Duration::from_secs(72 * 3600 - 60));
    let changes = "contact_change WHERE replaced_contact IS NOT NULL AND old_contact = 'hong@example.com'";
    assert_eq!(app.row_count(changes).await, 1);
    let back = app.anonymous().sign_in(json!({ "identifier": EMAIL, "password": PASSWORD })).await;
    assert_eq!(back["user"]["email"], EMAIL, "{back:#}");
    app.stop().await;
}

/// A contact that a thief added and changed again is still undone by the contact that the account had before.
#[tokio::test]
async fn the_established_contact_undoes_each_change_of_the_other_one() {
    let app = app().await;
    let thief = app.client_for(&app.signed_up("hong", PHONE).await);
    moved(&app, &thief, THIEF_EMAIL).await;
    moved(&app, &thief, "thief2@example.com").await;
    let tokens: Vec<_> = app.notices_to(PHONE, UNDO, 2).await.iter().map(undo_token).collect();
    assert_ne!(tokens[0], tokens[1]);
    let to_thief = app.messages_to(THIEF_EMAIL, 2).await;
    assert!(to_thief.iter().all(|message| find_undo_token(message).is_none()), "{to_thief:#?}");
    let owner = app.client_at("203.0.113.77");
    let proof = app.undo_proof(&owner, &tokens[0], PHONE).await;
    let undone = owner.undo_with_proof(&tokens[0], &proof).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    assert_eq!(contacts_of_owner(&app, &owner).await, json!([PHONE, null]));
    app.stop().await;
}

/// A thief who acts for the account ends neither the code nor the proof that the owner's undo needs.
#[tokio::test]
async fn a_thief_does_not_end_the_confirmation_of_an_undo() {
    let app = app().await;
    let holder = hong_with_both(&app).await;
    moved(&app, &holder, THIEF_PHONE).await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let owner = app.client_at("203.0.113.77");
    let asked = owner.undo_contact_change(&token).await;
    let code = app.codes_to(EMAIL, 2).await[0].clone();
    let everywhere = async || {
        let thief = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
        assert!(thief.sign_out_everywhere().await["sessionsEnded"].is_number());
    };
    everywhere().await;
    let confirmed = owner.confirm(&asked["verification"]["id"], &code).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    everywhere().await;
    let undone = owner.undo_with_proof(&token, &confirmed["proof"]["token"]).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    app.stop().await;
}

/// A thief who holds the old address signs up with it, so that it can't be restored. The phone is restored all the same.
#[tokio::test]
async fn a_contact_that_another_account_has_is_left_out() {
    let app = app().await;
    let holder = hong_with_both(&app).await;
    moved(&app, &holder, THIEF_EMAIL).await;
    moved(&app, &holder, THIEF_PHONE).await;
    app.signed_up("thief", EMAIL).await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let owner = app.client_at("203.0.113.77");
    let undone = owner.undo_contact_change(&token).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    assert_eq!(contacts_of_owner(&app, &owner).await, json!([PHONE, null]));
    app.stop().await;
}

/// Sends that anybody can ask for do not use up the code that the owner of a stolen account needs.
#[tokio::test]
async fn a_stranger_can_not_use_up_the_code_that_an_undo_needs() {
    let setup = Setup::new().await.with("CONTACT_DAILY_SENDS", "2").with("CONTACT_DAILY_GUESSES", "2");
    let app = setup.with("CLIENT_SENDS_PER_MINUTE", "unlimited").start().await;
    let holder = hong_with_both(&app).await;
    moved(&app, &holder, "+821077770000").await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let stranger = app.client_at("198.51.100.66");
    let send = json!({ "purpose": "CONTACT", "to": { "email": EMAIL } });
    for quota in ["", "", "CONTACT_DAILY"] {
        let sent = stranger.send_code(send.clone()).await;
        assert_eq!(sent["quota"].as_str().unwrap_or(""), quota, "{sent:#}");
        if quota.is_empty() {
            stranger.confirm(&sent["verification"]["id"], "00000000").await;
        }
        app.advance(Duration::from_secs(61));
    }
    let owner = app.client_at("203.0.113.77");
    let asked = owner.undo_contact_change(&token).await;
    assert_eq!(asked["__typename"], "UndoConfirmationRequired", "{asked:#}");
    let code = app.codes_to(EMAIL, 4).await[0].clone();
    let confirmed = owner.confirm(&asked["verification"]["id"], &code).await;
    let undone = owner.undo_with_proof(&token, &confirmed["proof"]["token"]).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    app.stop().await;
}

/// An address that was added with the session that changed the number confirms nothing: whoever did the one did the
/// other.
#[tokio::test]
async fn a_contact_that_was_added_since_confirms_no_undo() {
    let app = app().await;
    let holder = app.client_for(&app.signed_up("hong", PHONE).await);
    moved(&app, &holder, THIEF_EMAIL).await;
    moved(&app, &holder, THIEF_PHONE).await;
    let token = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let undone = app.client_at("203.0.113.77").undo_contact_change(&token).await;
    assert_eq!(undone["__typename"], "UndoContactChangePayload", "{undone:#}");
    app.stop().await;
}

/// A proof of another account's address confirms nothing.
#[tokio::test]
async fn a_confirmation_is_good_for_its_own_account_alone() {
    let app = app().await;
    let holder = hong_with_both(&app).await;
    moved(&app, &holder, "+821077770000").await;
    let hongs = undo_token(&app.notices_to(PHONE, UNDO, 2).await[0]);
    let kim = app.client_for(&app.signed_up("kim", "+821099990000").await);
    moved(&app, &kim, "kim@example.com").await;
    let kims = undo_token(&app.notices_to("+821099990000", UNDO, 1).await[0]);
    let thief = app.client_at("203.0.113.66");
    let proof = app.undo_proof(&thief, &kims, "+821099990000").await;
    assert_eq!(thief.undo_with_proof(&hongs, &proof).await["reason"], "UNKNOWN");
    assert_eq!(thief.undo_with_proof(&kims, &proof).await["__typename"], "UndoContactChangePayload");
    app.stop().await;
}

#[tokio::test]
async fn the_purpose_of_an_undo_is_not_to_be_asked_for() {
    let app = TestApp::start().await;
    let hong = app.signed_up("hong", PHONE).await;
    for person in [app.anonymous(), app.client_for(&hong)] {
        let refused = person.send_code(json!({ "purpose": "CONTACT_UNDO", "to": { "email": EMAIL } })).await;
        assert_eq!(refused["fields"][0]["reason"], "not_a_purpose_to_request", "{refused:#}");
    }
    assert_eq!(
        app.anonymous().sign_in(json!({ "identifier": "hong", "password": PASSWORD })).await["user"]["phone"],
        PHONE
    );
    app.stop().await;
}
