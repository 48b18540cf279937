//! From a proved contact to an account.

use countersign::account::{Operated, rules::Forbidden};
use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

#[tokio::test]
async fn the_life_of_an_account() {
    let app = TestApp::start().await;
    let person = app.anonymous();
    let proof = app.proof(&person, "SIGN_UP", "+821012345678").await;
    let input = json!({
        "proofToken": proof, "username": "Hong.Gildong", "password": PASSWORD, "name": "홍길동", "nickname": "길동이",
        "birthDate": "1990-05-17", "deviceName": "My  phone",
    });
    let made = person.sign_up(input.clone()).await;
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
    let again = person.sign_up(input).await;
    assert_eq!((&again["__typename"], &again["reason"]), (&json!("ProofRejected"), &json!("SPENT")));

    let signed_in = SignedIn::of(&made);
    let holder = app.client_for(&signed_in);
    let me = holder.me().await;
    assert_eq!(me["username"], "Hong.Gildong");
    let session = &me["sessions"]["nodes"][0];
    assert_eq!((&session["current"], &session["deviceName"]), (&json!(true), &json!("My phone")));
    assert_eq!(session["ipAddress"], "198.51.100.1");

    assert_eq!(holder.sign_out().await["sessionsEnded"], 1);
    assert_eq!(holder.me().await, Value::Null);
    let refreshed = holder.refresh(&signed_in.refresh).await;
    assert_eq!((&refreshed["__typename"], &refreshed["reason"]), (&json!("RefreshRejected"), &json!("REVOKED")));

    let back = person.sign_in_as("hong.gildong").await;
    assert_eq!(back["__typename"], "SignInPayload", "{back:#}");
    let holder = app.client_for(&SignedIn::of(&back));
    assert_eq!(holder.delete_account("wrong").await["__typename"], "CredentialsRejected");
    assert_eq!(holder.delete_account(PASSWORD).await["id"], user["id"]);
    assert_eq!(person.sign_in_as("hong.gildong").await["__typename"], "CredentialsRejected");
    // The contact is free again.
    app.advance(std::time::Duration::from_secs(61));
    app.signed_up("hong2", "+821012345678").await;
    app.stop().await;
}

#[tokio::test]
async fn what_is_taken_is_told_by_its_name() {
    let app = TestApp::start().await;
    let person = app.anonymous();
    let [first, rival] =
        [app.proof(&person, "SIGN_UP", "+821011110001").await, app.proof(&person, "SIGN_UP", "+821011110002").await];
    let input = |proof: &Value, username: &str, nickname: &str| json!({ "proofToken": proof, "username": username, "nickname": nickname, "password": PASSWORD });
    assert_eq!(person.sign_up(input(&first, "minjun", "민준")).await["__typename"], "SignUpPayload");
    let outcome = person.sign_up(input(&rival, "ＭｉｎＪｕｎ", "other")).await;
    assert_eq!(outcome["__typename"], "UsernameTaken", "{outcome:#}");
    assert_eq!(person.sign_up(input(&rival, "minjun2", "민준")).await["__typename"], "NicknameTaken");
    for (username, reason) in [("admin", "reserved"), ("a", "too_short"), ("раураl", "confusable")] {
        let refused = person.sign_up(input(&rival, username, "other")).await;
        assert_eq!(
            refused["fields"][0],
            json!({
                "path": "username", "reason": reason, "message": refused["fields"][0]["message"],
            })
        );
    }
    let weak = person.sign_up(json!({ "proofToken": rival, "username": "minjun2", "password": "Minjun2!" })).await;
    assert_eq!(weak["__typename"], "PasswordRejected", "{weak:#}");
    // None of these cost the proof.
    assert_eq!(person.sign_up(input(&rival, "minjun2", "other")).await["__typename"], "SignUpPayload");

    let available = |what: Value| person.available(what);
    assert_eq!(available(json!({ "username": "MINJUN" })).await["available"], false);
    assert_eq!(available(json!({ "username": "minjun3" })).await["available"], true);
    assert_eq!(available(json!({ "nickname": "민준" })).await["available"], false);
    assert_eq!(available(json!({ "username": "root" })).await["fields"][0]["reason"], "reserved");
    // EN-01: whose a contact is learns who proves to hold it.
    assert_eq!(available(json!({ "phone": "010-1111-0001" })).await["available"], true);
    app.stop().await;
}

#[tokio::test]
async fn en_02_a_known_contact_gets_no_proof_and_its_owner_is_told() {
    let app = TestApp::start().await;
    app.signed_up("landlord", "+821012345678").await;
    app.advance(std::time::Duration::from_secs(61));
    let stranger = app.client_at("198.51.100.7");
    let sent = stranger.send_code(json!({ "purpose": "SIGN_UP", "to": { "phone": "010-1234-5678" } })).await;
    assert_eq!(sent["__typename"], "SendVerificationCodePayload");
    let told = &app.messages_to("+821012345678", 2).await[0];
    assert!(told["code"].is_null() && told["text"].as_str().unwrap().contains("already have an account"), "{told:#}");
    let guess = stranger.confirm(&sent["verification"]["id"], "000000").await;
    assert_eq!((&guess["__typename"], &guess["attemptsRemaining"]), (&json!("CodeMismatch"), &json!(4)));
    app.stop().await;
}

#[tokio::test]
async fn an_administrator_may_have_to_approve() {
    let app = Setup::new().await.with("APPROVAL", "admin").start().await;
    let person = app.anonymous();
    let proof = app.proof(&person, "SIGN_UP", "+821012345678").await;
    let made = person.sign_up(json!({ "proofToken": proof, "username": "hong", "password": PASSWORD })).await;
    assert_eq!((&made["user"]["status"], &made["tokens"]), (&json!("PENDING_APPROVAL"), &Value::Null));
    let refused = person.sign_in_as("hong").await;
    assert_eq!((&refused["__typename"], &refused["status"]), (&json!("AccountNotActive"), &json!("PENDING_APPROVAL")));
    let wrong = person.sign_in(json!({ "identifier": "hong", "password": "Wrong-pass-1" })).await;
    assert_eq!(wrong["__typename"], "CredentialsRejected");
    app.stop().await;
}

#[tokio::test]
async fn an_address_can_be_proved_after_the_sign_up() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    let person = app.anonymous();
    let input = |username: &str, email: &str| json!({ "username": username, "password": PASSWORD, "email": email });
    let made = person.sign_up(input("hong", "Hong@Example.com")).await;
    assert_eq!((&made["user"]["status"], &made["tokens"]), (&json!("PENDING_VERIFICATION"), &Value::Null));
    let refused = person.sign_in_as("hong").await;
    assert_eq!(refused["status"], "PENDING_VERIFICATION");
    let code = app.code_sent_to("Hong@example.com").await;
    let confirmed = person.confirm(&made["verification"]["id"], &code).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    let back = person.sign_in_as("hong@example.com").await;
    assert_eq!(back["user"]["status"], "ACTIVE", "{back:#}");
    assert!(back["user"]["emailVerifiedAt"].is_string());
    // What the code was exchanged for went into the account.
    let spent = person
        .sign_up(json!({
            "proofToken": confirmed["proof"]["token"], "username": "hong3", "password": PASSWORD,
        }))
        .await;
    assert_eq!(spent["reason"], "SPENT", "{spent:#}");
    app.stop().await;
}

#[tokio::test]
async fn an_address_that_was_only_typed_keeps_nobody_out() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    let (thief, owner) = (app.client_at("198.51.100.66"), app.anonymous());
    let input = |username: &str| json!({ "username": username, "password": PASSWORD, "email": "hong@example.com" });
    let first = thief.sign_up(input("thief")).await;
    let thiefs_code = app.code_sent_to("hong@example.com").await;
    app.advance(std::time::Duration::from_secs(61));
    let second = owner.sign_up(input("hong")).await;
    assert_eq!(second["__typename"], "SignUpPayload", "{second:#}");
    let code = &app.messages_to("hong@example.com", 2).await[0]["code"];
    // The first sign-up is gone: even its right code activates nothing.
    thief.confirm(&first["verification"]["id"], &thiefs_code).await;
    assert_eq!(thief.sign_in_as("thief").await["__typename"], "CredentialsRejected");
    let confirmed = owner.confirm(&second["verification"]["id"], code.as_str().unwrap()).await;
    assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    assert_eq!(owner.sign_in_as("hong").await["user"]["status"], "ACTIVE");
    app.stop().await;
}

/// Whatever an administrator does to an account whose address nobody proved, the address stays its owner's; to vouch
/// for it is the one thing that can be done.
#[tokio::test]
async fn an_unproved_account_is_vouched_for_or_left_to_its_owner() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    app.signed_up("boss", "+821012345678").await;
    let boss = app.promote("boss").await;
    let boss = app.client_for(&boss);
    let (thief, owner) = (app.client_at("198.51.100.66"), app.anonymous());
    let input = |username: &str, email: &str| json!({ "username": username, "password": PASSWORD, "email": email });
    let typed = thief.sign_up(input("thief", "hong@example.com")).await;
    let id = &typed["user"]["id"];
    for status in ["SUSPENDED", "PENDING_APPROVAL", "PENDING_VERIFICATION"] {
        assert_eq!(boss.set_account_status(id, status).await["code"], "INVALID_INPUT", "{status}");
    }
    let refused = app.suspend("thief").await;
    assert!(matches!(refused, Operated::Forbidden(Forbidden::NotAStatusToSet)), "{refused:?}");
    app.advance(std::time::Duration::from_secs(61));
    let proof = app.proof(&owner, "SIGN_UP", "hong@example.com").await;
    let made = owner.sign_up(json!({ "proofToken": proof, "username": "hong", "password": PASSWORD })).await;
    assert_eq!(made["__typename"], "SignUpPayload", "{made:#}");
    assert_eq!(thief.sign_in_as("thief").await["__typename"], "CredentialsRejected");
    // Somebody whose code does not arrive is known to the administrator.
    let waiting = owner.sign_up(input("kim", "kim@example.com")).await;
    let vouched = boss.set_account_status(&waiting["user"]["id"], "ACTIVE").await;
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
async fn en_02_a_known_address_signs_up_like_an_unknown_one() {
    let app = Setup::new().await.with("ACTIVATION", "email").start().await;
    app.signed_up("landlord", "owner@example.com").await;
    app.advance(std::time::Duration::from_secs(61));
    let stranger = app.client_at("198.51.100.7");
    // Not the landlord's.
    const OTHER: &str = "Strangers-Password-5";
    let input = |username: &str, email: &str| json!({ "username": username, "password": OTHER, "email": email });
    let sign_in = |identifier: &str| json!({ "identifier": identifier, "password": OTHER });
    let mut seen = Vec::new();
    for (username, email) in [("known", "owner@example.com"), ("unknown", "nobody@example.com")] {
        let mut steps = vec![stranger.sign_up(input(username, email)).await];
        steps.push(stranger.sign_in(sign_in(username)).await);
        steps.push(stranger.sign_in(sign_in(email)).await);
        app.advance(std::time::Duration::from_secs(61));
        steps.push(stranger.sign_up(input(username, email)).await);
        // Another sign-up with the address takes the place of the one before, whosever the address is.
        app.advance(std::time::Duration::from_secs(61));
        steps.push(stranger.sign_up(input(&format!("{username}-again"), email)).await);
        steps.push(stranger.available(json!({ "username": username })).await);
        let text = serde_json::to_string(&steps).unwrap();
        seen.push(text.replace(username, "<name>").replace(email.split('@').next().unwrap(), "<local>"));
    }
    let masked: Vec<_> = seen.iter().map(|text| without_ids(text)).collect();
    assert_eq!(masked[0], masked[1]);
    let told = &app.messages_to("owner@example.com", 2).await[0];
    assert!(told["code"].is_null(), "{told:#}");
    app.stop().await;
}

/// Without what differs between any two sign-ups: ids and instants.
fn without_ids(text: &str) -> String {
    let words = text.split('"').map(|word| match word {
        id if id.starts_with("acc_") || id.starts_with("ver_") => "<id>",
        instant if instant.starts_with("2026-") => "<instant>",
        other => other,
    });
    words.collect::<Vec<_>>().join("\"")
}
