//! Sign-up with a verified contact.

use countersign::account::OperatorOutcome;
use domain::account::rules::AdminRejection;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

#[tokio::test]
async fn account_lifecycle() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_UP", "+821012345678").await;
    let input = json!({
        "proofToken": proof, "username": "Hong.Gildong", "password": PASSWORD, "name": "홍길동", "nickname": "길동이",
        "birthDate": "1990-05-17", "deviceName": "My  phone",
    });
    let made = client.sign_up(input.clone()).await;
    assert_eq!(made["__typename"], "SignUpPayload", "{made:#}");
    let user = &made["user"];
    assert_eq!((&user["status"], &user["role"]), (&json!("ACTIVE"), &json!("USER")));
    assert_eq!(
        (&user["phone"], &user["phoneVerifiedAt"]),
        (&json!("+821012345678"), &json!("2026-03-02T03:00:00.000Z"))
    );
    assert_eq!(made["tokens"]["expiresIn"], 3600);
    assert_eq!(made["tokens"]["refreshExpiresAt"], "2026-03-09T03:00:00.000Z");

    // CL-09: the proof is spent.
    let again = client.sign_up(input).await;
    assert_eq!((&again["__typename"], &again["reason"]), (&json!("ProofRejected"), &json!("SPENT")));

    let signed_in = SignedIn::of(&made);
    let signed_in_client = app.client_for(&signed_in);
    let me = signed_in_client.me().await;
    assert_eq!(me["username"], "Hong.Gildong");
    let session = &me["sessions"]["nodes"][0];
    assert_eq!((&session["current"], &session["deviceName"]), (&json!(true), &json!("My phone")));
    assert_eq!(session["ipAddress"], "198.51.100.1");

    assert_eq!(signed_in_client.sign_out().await["sessionsEnded"], 1);
    assert_eq!(signed_in_client.me().await, Value::Null);
    let refreshed = signed_in_client.refresh(&signed_in.refresh).await;
    assert_eq!((&refreshed["__typename"], &refreshed["reason"]), (&json!("RefreshRejected"), &json!("REVOKED")));

    let back = client.sign_in_as("hong.gildong").await;
    assert_eq!(back["__typename"], "SignInPayload", "{back:#}");
    let signed_in_client = app.client_for(&SignedIn::of(&back));
    assert_eq!(signed_in_client.delete_account("wrong").await["__typename"], "CredentialsRejected");
    assert_eq!(signed_in_client.delete_account(PASSWORD).await["id"], user["id"]);
    assert_eq!(client.sign_in_as("hong.gildong").await["__typename"], "CredentialsRejected");
    // The contact is available again.
    app.advance(std::time::Duration::from_secs(61));
    app.signed_up("hong2", "+821012345678").await;
    app.stop().await;
}

#[tokio::test]
async fn taken_fields_are_reported_by_name() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let [first, second] =
        [app.proof(&client, "SIGN_UP", "+821011110001").await, app.proof(&client, "SIGN_UP", "+821011110002").await];
    let input = |proof: &Value, username: &str, nickname: &str| json!({ "proofToken": proof, "username": username, "nickname": nickname, "password": PASSWORD });
    assert_eq!(client.sign_up(input(&first, "minjun", "민준")).await["__typename"], "SignUpPayload");
    let outcome = client.sign_up(input(&second, "ＭｉｎＪｕｎ", "other")).await;
    assert_eq!(outcome["__typename"], "UsernameTaken", "{outcome:#}");
    assert_eq!(client.sign_up(input(&second, "minjun2", "민준")).await["__typename"], "NicknameTaken");
    for (username, reason) in [("admin", "reserved"), ("a", "too_short"), ("раураl", "confusable")] {
        let refused = client.sign_up(input(&second, username, "other")).await;
        assert_eq!(
            refused["fields"][0],
            json!({
                "path": "username", "reason": reason, "message": refused["fields"][0]["message"],
            })
        );
    }
    let weak = client.sign_up(json!({ "proofToken": second, "username": "minjun2", "password": "Minjun2!" })).await;
    assert_eq!(weak["__typename"], "PasswordRejected", "{weak:#}");
    // None of these rejections spends the proof.
    assert_eq!(client.sign_up(input(&second, "minjun2", "other")).await["__typename"], "SignUpPayload");

    let available = |what: Value| client.available(what);
    assert_eq!(available(json!({ "username": "MINJUN" })).await["available"], false);
    assert_eq!(available(json!({ "username": "minjun3" })).await["available"], true);
    assert_eq!(available(json!({ "nickname": "민준" })).await["available"], false);
    assert_eq!(available(json!({ "username": "root" })).await["fields"][0]["reason"], "reserved");
    // EN-01: only the holder of a proof learns that the contact belongs to an account.
    assert_eq!(available(json!({ "phone": "010-1111-0001" })).await["available"], true);
    app.stop().await;
}

#[tokio::test]
async fn en_02_known_contact_gets_no_proof_and_its_owner_is_notified() {
    let app = TestApp::start().await;
    app.signed_up("landlord", "+821012345678").await;
    app.advance(std::time::Duration::from_secs(61));
    let other_client = app.client_at("198.51.100.7");
    let sent = other_client.send_code(json!({ "purpose": "SIGN_UP", "to": { "phone": "010-1234-5678" } })).await;
    assert_eq!(sent["__typename"], "SendVerificationCodePayload");
    let notice = &app.messages_to("+821012345678", 2).await[0];
    assert!(
        notice["code"].is_null() && notice["text"].as_str().unwrap().contains("already have an account"),
        "{notice:#}"
    );
    let guess = other_client.confirm(&sent["verification"]["id"], "000000").await;
    assert_eq!((&guess["__typename"], &guess["attemptsRemaining"]), (&json!("CodeMismatch"), &json!(4)));
    app.stop().await;
}

#[tokio::test]
async fn sign_up_can_require_approval() {
    let app = Setup::new().await.with("APPROVAL", "admin").start().await;
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_UP", "+821012345678").await;
    let made = client.sign_up(json!({ "proofToken": proof, "username": "hong", "password": PASSWORD })).await;
    assert_eq!((&made["user"]["status"], &made["tokens"]), (&json!("PENDING_APPROVAL"), &Value::Null));
    let refused = client.sign_in_as("hong").await;
    assert_eq!((&refused["__typename"], &refused["status"]), (&json!("AccountNotActive"), &json!("PENDING_APPROVAL")));
    let wrong = client.sign_in(json!({ "identifier": "hong", "password": "Wrong-pass-1" })).await;
    assert_eq!(wrong["__typename"], "CredentialsRejected");
    app.stop().await;
}

#[tokio::test]
async fn email_can_be_verified_after_sign_up() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    let client = app.anonymous();
    let input = |username: &str, email: &str| json!({ "username": username, "password": PASSWORD, "email": email });
    let made = client.sign_up(input("hong", "Hong@Example.com")).await;
    assert_eq!((&made["user"]["status"], &made["tokens"]), (&json!("PENDING_VERIFICATION"), &Value::Null));
    let refused = client.sign_in_as("hong").await;
    assert_eq!(refused["status"], "PENDING_VERIFICATION");
    let code = app.code_sent_to("Hong@example.com").await;
    let confirmed = client.confirm(&made["verification"]["id"], &code).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    let back = client.sign_in_as("hong@example.com").await;
    assert_eq!(back["user"]["status"], "ACTIVE", "{back:#}");
    assert!(back["user"]["emailVerifiedAt"].is_string());
    // The code's proof was used for the account.
    let spent = client
        .sign_up(json!({
            "proofToken": confirmed["proof"]["token"], "username": "hong3", "password": PASSWORD,
        }))
        .await;
    assert_eq!(spent["reason"], "SPENT", "{spent:#}");
    app.stop().await;
}

#[tokio::test]
async fn unverified_email_does_not_block_its_owner() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    let (attacker, owner) = (app.client_at("198.51.100.66"), app.anonymous());
    let input = |username: &str| json!({ "username": username, "password": PASSWORD, "email": "hong@example.com" });
    let first = attacker.sign_up(input("thief")).await;
    let attackers_code = app.code_sent_to("hong@example.com").await;
    app.advance(std::time::Duration::from_secs(61));
    let second = owner.sign_up(input("hong")).await;
    assert_eq!(second["__typename"], "SignUpPayload", "{second:#}");
    let code = &app.messages_to("hong@example.com", 2).await[0]["code"];
    // The first sign-up is gone: even its right code activates nothing.
    attacker.confirm(&first["verification"]["id"], &attackers_code).await;
    assert_eq!(attacker.sign_in_as("thief").await["__typename"], "CredentialsRejected");
    let confirmed = owner.confirm(&second["verification"]["id"], code.as_str().unwrap()).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    assert_eq!(owner.sign_in_as("hong").await["user"]["status"], "ACTIVE");
    app.stop().await;
}

/// Whatever an administrator does to an account with an unverified address, the address remains available to its owner.
/// Only an explicit approval changes that.
#[tokio::test]
async fn unverified_account_is_approved_or_left_to_the_owner_of_its_email() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    app.signed_up("boss", "+821012345678").await;
    let admin = app.promote("boss").await;
    let admin = app.client_for(&admin);
    let (attacker, owner) = (app.client_at("198.51.100.66"), app.anonymous());
    let input = |username: &str, email: &str| json!({ "username": username, "password": PASSWORD, "email": email });
    let typed = attacker.sign_up(input("thief", "hong@example.com")).await;
    let id = &typed["user"]["id"];
    for status in ["SUSPENDED", "PENDING_APPROVAL", "PENDING_VERIFICATION"] {
        assert_eq!(admin.set_account_status(id, status).await["code"], "INVALID_INPUT", "{status}");
    }
    let refused = app.suspend("thief").await;
    assert!(matches!(refused, OperatorOutcome::Forbidden(AdminRejection::StatusNotAllowed)), "{refused:?}");
    app.advance(std::time::Duration::from_secs(61));
    let proof = app.proof(&owner, "SIGN_UP", "hong@example.com").await;
    let made = owner.sign_up(json!({ "proofToken": proof, "username": "hong", "password": PASSWORD })).await;
    assert_eq!(made["__typename"], "SignUpPayload", "{made:#}");
    assert_eq!(attacker.sign_in_as("thief").await["__typename"], "CredentialsRejected");
    // The administrator can see an account whose code does not arrive.
    let waiting = owner.sign_up(input("kim", "kim@example.com")).await;
    let vouched = admin.set_account_status(&waiting["user"]["id"], "ACTIVE").await;
    assert_eq!(vouched["user"]["status"], "ACTIVE", "{vouched:#}");
    app.code_sent_to("kim@example.com").await;
    app.advance(std::time::Duration::from_secs(61));
    let reset = app.proof(&owner, "PASSWORD_RESET", "kim@example.com").await;
    assert_eq!(owner.reset_password(&reset, "Another-Password-7").await["__typename"], "ResetPasswordPayload");
    let back = owner.sign_in(json!({ "identifier": "kim@example.com", "password": "Another-Password-7" })).await;
    assert_eq!(back["user"]["status"], "ACTIVE", "{back:#}");
    app.stop().await;
}

#[tokio::test]
async fn en_02_sign_up_with_known_email_looks_like_unknown() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    app.signed_up("landlord", "owner@example.com").await;
    app.advance(std::time::Duration::from_secs(61));
    let other_client = app.client_at("198.51.100.7");
    // Not the existing account's.
    const OTHER: &str = "Strangers-Password-5";
    let input = |username: &str, email: &str| json!({ "username": username, "password": OTHER, "email": email });
    let sign_in = |identifier: &str| json!({ "identifier": identifier, "password": OTHER });
    let mut seen = Vec::new();
    for (username, email) in [("known", "owner@example.com"), ("unknown", "nobody@example.com")] {
        let mut steps = vec![other_client.sign_up(input(username, email)).await];
        steps.push(other_client.sign_in(sign_in(username)).await);
        steps.push(other_client.sign_in(sign_in(email)).await);
        app.advance(std::time::Duration::from_secs(61));
        steps.push(other_client.sign_up(input(username, email)).await);
        // Another sign-up with the address replaces the previous one, regardless of who owns it.
        app.advance(std::time::Duration::from_secs(61));
        steps.push(other_client.sign_up(input(&format!("{username}-again"), email)).await);
        steps.push(other_client.available(json!({ "username": username })).await);
        let text = serde_json::to_string(&steps).unwrap();
        seen.push(text.replace(username, "<name>").replace(email.split('@').next().unwrap(), "<local>"));
    }
    let masked: Vec<_> = seen.iter().map(|text| without_ids(text)).collect();
    assert_eq!(masked[0], masked[1]);
    let notice = &app.messages_to("owner@example.com", 2).await[0];
    assert!(notice["code"].is_null(), "{notice:#}");
    app.stop().await;
}

/// Removes what differs between any two sign-ups: ids and times.
fn without_ids(text: &str) -> String {
    let words = text.split('"').map(|word| match word {
        id if id.starts_with("acc_") || id.starts_with("ver_") => "<id>",
        instant if instant.starts_with("2026-") => "<instant>",
        other => other,
    });
    words.collect::<Vec<_>>().join("\"")
}
