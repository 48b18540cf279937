//! Notices to the contacts of an account: their texts in both languages, and how often they are sent.

use serde_json::json;

use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const EMAIL: &str = "hong@example.com";
const NEW: &str = "Another-Password-7";

async fn app() -> TestApp {
    let mut setup = Setup::new().await.with("RESEND_COOLDOWN", "0s");
    for name in [
        "CLIENT_SENDS_PER_MINUTE",
        "CLIENT_PROOFS_PER_MINUTE",
        "CLIENT_SIGN_INS_PER_MINUTE",
        "ACCOUNT_HOURLY_PASSWORDS",
        "CONTACT_DAILY_SENDS",
        "PUMPING_MIN_SENDS",
    ] {
        setup = setup.with(name, "unlimited");
    }
    setup.start().await
}

/// Hong with this language, a phone and an e-mail address that were not changed recently.
async fn hong(app: &TestApp, language: &str) -> (SignedIn, ApiClient) {
    let client = app.client_at("203.0.113.5").with_language(language);
    let proof = app.proof(&client, "SIGN_UP", PHONE).await;
    let input = json!({ "proofToken": proof, "username": "hong", "password": PASSWORD });
    let signed_in = SignedIn::of(&client.sign_up(input).await);
    let owner = app.client_for(&signed_in).with_language(language);
    let changed = owner.change_contact("changeEmail", &app.proof(&owner, "EMAIL_CHANGE", EMAIL).await).await;
    assert_eq!(changed["user"]["email"], EMAIL, "{changed:#}");
    app.advance(std::time::Duration::from_secs(73 * 3600));
    let known = json!({ "identifier": "hong", "password": PASSWORD, "deviceToken": signed_in.device });
    let signed_in = SignedIn::of(&app.anonymous().sign_in(known).await);
    let owner = app.client_for(&signed_in).with_language(language);
    (signed_in, owner)
}

/// Asserts that the phone got the first text and the e-mail address the second.
async fn assert_both_notified(app: &TestApp, [by_text_message, by_email]: [&str; 2]) {
    app.notices_to(PHONE, by_text_message, 1).await;
    app.notices_to(EMAIL, by_email, 1).await;
}

#[tokio::test]
async fn every_change_of_sign_in_access_is_notified_to_all_contacts() {
    let app = app().await;
    let (signed_in, owner) = hong(&app, "en").await;
    app.signed_up("boss", "+821033330000").await;
    let admin = app.client_for(&app.promote("boss").await);
    let id = &signed_in.user["id"];

    app.client_at("198.51.100.66").sign_in_as("hong").await;
    assert_both_notified(&app, ["New device signed in", "on a new device"]).await;
    assert_eq!(owner.change_password(PASSWORD, NEW).await["__typename"], "ChangePasswordPayload");
    assert_both_notified(&app, ["Your password was changed", "other devices were signed out"]).await;
    admin.unlock_account(id).await;
    assert_both_notified(&app, ["Your account was unlocked", "unlocked your"]).await;
    admin.end_user_sessions(id).await;
    assert_both_notified(&app, ["All devices were signed out", "signed all devices out"]).await;
    admin.set_account_status(id, "SUSPENDED").await;
    assert_both_notified(&app, ["Your account was suspended", "suspended your"]).await;
    admin.set_account_status(id, "PENDING_APPROVAL").await;
    assert_both_notified(&app, ["has to be approved", "has to approve"]).await;
    admin.set_account_status(id, "ACTIVE").await;
    assert_both_notified(&app, ["can be used now", "activated your"]).await;
    // Nothing changes, and no notice is sent.
    admin.set_account_status(id, "ACTIVE").await;
    assert_eq!(app.column("SELECT kind FROM delivery WHERE kind = 'account_activated'").await.len(), 2);
    let back = SignedIn::of(&app.anonymous().sign_in(json!({ "identifier": "hong", "password": NEW })).await);
    assert!(app.client_for(&back).delete_account(NEW).await["id"].is_string());
    assert_both_notified(&app, ["were deleted", "were deleted"]).await;
    app.stop().await;
}

/// The unchanged contact gets a notice of the change without the undo token.
#[tokio::test]
async fn contact_change_is_notified_to_the_unchanged_contact() {
    let app = app().await;
    let (_, owner) = hong(&app, "en").await;
    let moved = owner.change_contact("changePhone", &app.proof(&owner, "PHONE_CHANGE", "+821066660000").await).await;
    assert_eq!(moved["user"]["phone"], "+821066660000");
    let notices = app.notices_to(EMAIL, "phone number", 1).await;
    assert!(super::changes::find_undo_token(&notices[0]).is_none(), "{notices:#?}");
    app.stop().await;
}

#[tokio::test]
async fn notices_are_in_the_language_of_the_account() {
    let app = app().await;
    let (_, owner) = hong(&app, "ko").await;
    for _ in 0..11 {
        let wrong = json!({ "identifier": "hong", "password": "Wrong-pass-1" });
        app.client_at("198.51.100.66").sign_in(wrong).await;
    }
    assert_both_notified(&app, ["비밀번호를 여러 번 틀", "비밀번호를 여러 번 틀"]).await;
    assert!(owner.delete_account(PASSWORD).await["id"].is_string());
    assert_both_notified(&app, ["계정과 개인정보가 삭제", "계정과 개인정보가 삭제"]).await;
    app.stop().await;
}

/// Anyone who knows a username can lock its account, but must not cause more than one notice a day, across processes.
#[tokio::test]
async fn lockout_is_notified_once_a_day_across_processes() {
    let app = app().await;
    let other = app.another_process().await;
    hong(&app, "en").await;
    let locks = "SELECT act FROM audit WHERE act = 'account locked'";
    let lock = async |app: &TestApp| {
        let wrong = json!({ "identifier": "hong", "password": "Wrong-pass-1" });
        let before = app.column(locks).await.len();
        for _ in 0..10 {
            app.client_at("198.51.100.66").sign_in(wrong.clone()).await;
            if app.column(locks).await.len() > before {
                return;
            }
        }
        panic!("it is not locked");
    };
    lock(&app).await;
    assert_both_notified(&app, ["wrong password", "wrong password"]).await;
    for app in [&other, &app] {
        app.advance(std::time::Duration::from_secs(7 * 3600));
        lock(app).await;
    }
    app.advance(std::time::Duration::from_secs(11 * 3600));
    lock(&other).await;
    // The second notice, of the next day; none was sent in between.
    for contact in [PHONE, EMAIL] {
        assert_eq!(app.notices_to(contact, "wrong password", 2).await.len(), 2);
    }
    assert_eq!(app.column("SELECT kind FROM delivery WHERE kind = 'account_locked'").await.len(), 4);
    other.stop().await;
    app.stop().await;
}

/// A flood of sign-ins on new devices causes at most ten notices and does not suppress the notice of a contact change.
#[tokio::test]
async fn notices_of_one_kind_are_limited_and_do_not_suppress_contact_changes() {
    let app = app().await;
    let (_, owner) = hong(&app, "en").await;
    for address in 0..12 {
        app.client_at(&format!("198.51.100.{address}")).sign_in_as("hong").await;
    }
    assert_eq!(
        app.column("SELECT kind FROM delivery WHERE kind = 'new_device'").await.len(),
        20,
        "ten to each contact"
    );
    for at in 0..12 {
        let phone = format!("+8210666600{at:02}");
        let proof = app.proof(&owner, "PHONE_CHANGE", &phone).await;
        assert_eq!(owner.change_contact("changePhone", &proof).await["user"]["phone"], phone);
    }
    assert_eq!(app.notices_to(EMAIL, "phone number", 12).await.len(), 12);
    app.stop().await;
}

/// A sign-in by code is reported to the other contact: the reader of the code would also read a notice sent to the same
/// contact.
#[tokio::test]
async fn sign_in_by_code_is_notified_to_the_other_contact() {
    let app = app().await;
    hong(&app, "en").await;
    let attacker = app.client_at("198.51.100.66");
    let proof = app.proof(&attacker, "SIGN_IN", EMAIL).await;
    assert_eq!(attacker.sign_in_with_proof(&proof).await["__typename"], "SignInPayload");
    app.notices_to(PHONE, "New device signed in", 1).await;
    let to: Vec<String> = app.column("SELECT contact FROM delivery WHERE kind = 'new_device'").await;
    assert_eq!(to, [PHONE]);
    app.stop().await;
}

/// The notices of a deletion are sent although the account is deleted, and are deleted once they were sent.
#[tokio::test]
async fn deletion_notices_are_sent_and_then_deleted() {
    let app = app().await;
    let (_, owner) = hong(&app, "en").await;
    assert!(owner.delete_account(PASSWORD).await["id"].is_string());
    assert_both_notified(&app, ["were deleted", "were deleted"]).await;
    let deadline = tokio::time::Instant::now() + crate::support::TEST_TIMEOUT;
    loop {
        app.advance(std::time::Duration::from_secs(601));
        if app.column("SELECT contact FROM delivery").await.is_empty() {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "it is kept");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(app.column("SELECT id FROM account").await, Vec::<String>::new());
    app.stop().await;
}
