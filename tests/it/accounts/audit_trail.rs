//! The audit trail: every mutation writes an entry, and a deleted account leaves no personal data in it.

use serde_json::{Value, json};

use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";

async fn trail(app: &TestApp) -> Vec<String> {
    app.column("SELECT act || ' ' || outcome FROM audit ORDER BY id").await
}

#[tokio::test]
async fn dr_06_every_mutation_is_in_the_audit_trail() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    let client = app.anonymous();
    let owner = app.client_for(&signed_in);
    client.sign_in(json!({ "identifier": "nobody", "password": "x" })).await;
    let back = SignedIn::of(&client.sign_in_as("hong").await);
    client.refresh(&back.refresh).await;
    client.refresh("nonsense").await;
    owner.mutate("updateProfile", "", json!({ "name": "Hong Gildong" })).await;
    owner.change_password("Wrong-pass-1", "Another-Password-7").await;
    owner.mutate("revokeSession", "", json!({ "sessionId": "ses_x" })).await;
    client.undo_contact_change("nonsense").await;
    client.reset_password(&json!("nonsense"), "Another-Password-7").await;
    let verification = client.send_code_to("+821099990000").await;
    client.resend(&verification["id"]).await;
    client.cancel(&verification["id"]).await;
    client.cancel(&json!("ver_00000000000000000000000000")).await;
    owner.sign_out().await;
    assert_eq!(
        trail(&app).await,
        [
            "sendVerificationCode ok",
            "confirmVerificationCode ok",
            "signUp ok",
            "signIn credentials_rejected",
            "signIn ok",
            "refreshSession ok",
            "refreshSession refresh_unknown",
            "updateProfile ok",
            "changePassword credentials_rejected",
            "revokeSession session_not_found",
            "undoContactChange proof_rejected",
            "resetPassword proof_rejected",
            "sendVerificationCode ok",
            "resendVerificationCode quota_exceeded",
            "cancelVerification ok",
            "cancelVerification verification_not_found",
            "signOut ok",
        ]
    );
    app.stop().await;
}

/// Mutations with invalid input.
fn invalid_inputs() -> [(&'static str, Value); 6] {
    [
        ("sendVerificationCode", json!({ "purpose": "CONTACT", "to": { "phone": "1" } })),
        ("confirmVerificationCode", json!({ "verificationId": "ver_00000000000000000000000000", "code": "" })),
        ("signUp", json!({ "username": "", "password": "x" })),
        ("signIn", json!({ "identifier": "", "password": "" })),
        ("signInWithProof", json!({ "proofToken": "x", "deviceName": "x".repeat(2000) })),
        ("requestPasswordReset", json!({ "contact": { "email": "nobody" } })),
    ]
}

/// Mutations with a malformed id.
fn malformed_ids() -> [(&'static str, Value); 3] {
    [
        ("resendVerificationCode", json!({ "verificationId": "1" })),
        ("confirmVerificationCode", json!({ "verificationId": "1", "code": "1" })),
        ("cancelVerification", json!({ "verificationId": "1" })),
    ]
}

/// Mutations that need a session.
fn mutations_that_need_a_session() -> [(&'static str, Value); 11] {
    [
        ("sendVerificationCode", json!({ "purpose": "PHONE_CHANGE", "to": { "phone": "+821099990000" } })),
        ("changePassword", json!({ "currentPassword": "x", "newPassword": "x" })),
        ("changePhone", json!({ "proofToken": "x" })),
        ("changeEmail", json!({ "proofToken": "x" })),
        ("updateProfile", json!({})),
        ("deleteAccount", json!({ "password": "x" })),
        ("revokeSession", json!({ "sessionId": "x" })),
        ("setAccountStatus", json!({ "id": "x", "status": "ACTIVE" })),
        ("unlockAccount", json!({ "id": "x" })),
        ("endUserSessions", json!({ "id": "x" })),
        ("reauthenticate", json!({ "password": "x" })),
    ]
}

/// Rejections that no quota counts: invalid input, a malformed id, a mutation without a session, an administrator's
/// mutation by a regular user. Each is recorded once a minute, so that a flood does not fill the trail.
#[tokio::test]
async fn dr_06_early_rejections_are_in_the_audit_trail() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    let (client, owner) = (app.anonymous(), app.client_for(&signed_in));
    let before = trail(&app).await.len();
    let mut expected = Vec::new();
    for (act, input) in invalid_inputs() {
        assert_eq!(client.mutate(act, "", input).await["code"], "INVALID_INPUT", "{act}");
        expected.push(format!("{act} invalid_input"));
    }
    for (act, input) in malformed_ids() {
        assert_eq!(client.mutate(act, "", input).await["code"], "VERIFICATION_NOT_FOUND", "{act}");
        expected.push(format!("{act} malformed_id"));
    }
    for (act, input) in mutations_that_need_a_session() {
        assert_eq!(code(&execute_mutation(&client, act, input).await), "UNAUTHENTICATED", "{act}");
        expected.push(format!("{act} unauthenticated"));
    }
    for act in ["signOut", "signOutEverywhere"] {
        let response = client.execute(&format!("mutation {{ {act} {{ sessionsEnded }} }}"), json!({})).await;
        assert_eq!(code(&response), "UNAUTHENTICATED", "{act}");
        expected.push(format!("{act} unauthenticated"));
    }
    assert_eq!(owner.mutate("updateProfile", "", json!({ "nickname": "" })).await["code"], "INVALID_INPUT");
    expected.push("updateProfile invalid_input".to_owned());
    for (act, input) in [
        ("setAccountStatus", json!({ "id": "x", "status": "ACTIVE" })),
        ("unlockAccount", json!({ "id": "x" })),
        ("endUserSessions", json!({ "id": "x" })),
    ] {
        assert_eq!(code(&execute_mutation(&owner, act, input).await), "FORBIDDEN", "{act}");
        expected.push(format!("{act} forbidden"));
    }
    assert_eq!(trail(&app).await[before..], expected);
    // The entry has the account of the session.
    let named = "SELECT act FROM audit WHERE COALESCE(account_id, actor_id) IS NOT NULL \
                 AND outcome IN ('forbidden', 'invalid_input') ORDER BY id";
    assert_eq!(app.column(named).await, ["updateProfile", "setAccountStatus", "unlockAccount", "endUserSessions"]);
    // A flood causes one entry a minute; the next minute has its own.
    let flood = json!({ "identifier": "", "password": "" });
    client.mutate("signIn", "", flood.clone()).await;
    assert_eq!(trail(&app).await.len(), before + expected.len());
    app.advance(std::time::Duration::from_secs(61));
    for _ in 0..3 {
        client.mutate("signIn", "", flood.clone()).await;
    }
    assert_eq!(trail(&app).await[before + expected.len()..], ["signIn invalid_input"]);
    app.stop().await;
}

#[tokio::test]
async fn dr_06_reauthentication_and_its_absence_are_in_the_audit_trail() {
    let app = Setup::new().await.with("REAUTH_MAX_AGE", "0s").start().await;
    let owner = app.client_for(&app.signed_up("hong", PHONE).await);
    let before = trail(&app).await.len();
    owner.send_code(json!({ "purpose": "EMAIL_CHANGE", "to": { "email": "hong@example.com" } })).await;
    owner.change_contact("changeEmail", &json!("0".repeat(64))).await;
    owner.delete_account_with(json!({})).await;
    owner.reauthenticate(json!({ "password": "Wrong-pass-1" })).await;
    owner.reauthenticate(json!({ "proofToken": "0".repeat(64) })).await;
    let fresh = app.reauthenticated(&owner).await;
    let proof = app.proof(&fresh, "EMAIL_CHANGE", "hong@example.com").await;
    fresh.change_contact("changeEmail", &proof).await;
    for _ in 0..3 {
        fresh.delete_account_with(json!({})).await;
    }
    assert_eq!(
        trail(&app).await[before..],
        [
            "sendVerificationCode reauthentication_required",
            "changeEmail reauthentication_required",
            "deleteAccount reauthentication_required",
            "reauthenticate credentials_rejected",
            "reauthenticate proof_rejected",
            "reauthenticate ok",
            "sendVerificationCode ok",
            "confirmVerificationCode ok",
            "changeEmail ok",
            "deleteAccount deletion_held_back",
        ]
    );
    let nameless = "SELECT act FROM audit WHERE account_id IS NULL AND act <> 'confirmVerificationCode' \
                    AND (act <> 'sendVerificationCode' OR outcome <> 'ok')";
    assert_eq!(app.column(nameless).await, Vec::<String>::new());
    app.stop().await;
}

/// The whole response to a mutation.
async fn execute_mutation(client: &ApiClient, act: &str, input: Value) -> Value {
    let name = match act {
        "changePhone" | "changeEmail" => "ChangeContact".to_owned(),
        _ => act[..1].to_uppercase() + &act[1..],
    };
    let document = format!("mutation($input: {name}Input!) {{ {act}(input: $input) {{ __typename }} }}");
    client.execute(&document, json!({ "input": input })).await
}

fn code(response: &Value) -> &str {
    response["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

/// Entries identify which administrator acted.
#[tokio::test]
async fn dr_06_administrator_entry_has_actor_and_account() {
    let app = TestApp::start().await;
    let hong = app.signed_up("hong", PHONE).await;
    app.signed_up("boss", "+821099990000").await;
    let admin = app.promote("boss").await;
    let acting = app.client_for(&admin);
    let id = app.client_for(&hong).data("{ me { id } }", json!({})).await["me"]["id"].take();
    acting.set_account_status(&id, "SUSPENDED").await;
    acting.unlock_account(&id).await;
    acting.unlock_account(&json!("acc_00000000000000000000000000")).await;
    let actor = acting.data("{ me { id } }", json!({})).await["me"]["id"].take();
    let entries = "SELECT act || ' ' || outcome || ' ' || COALESCE(account_id, '') || ' ' || actor_id FROM audit \
                   WHERE actor_id IS NOT NULL ORDER BY id";
    let (id, actor) = (id.as_str().unwrap(), actor.as_str().unwrap());
    assert_eq!(
        app.column(entries).await,
        [
            format!("setAccountStatus ok {id} {actor}"),
            format!("unlockAccount ok {id} {actor}"),
            format!("unlockAccount user_not_found acc_00000000000000000000000000 {actor}"),
        ]
    );
    app.stop().await;
}

/// A repeated deletion is told that there is no account any more, and not that the password was wrong.
#[tokio::test]
async fn second_deletion_reports_a_missing_account() {
    let app = TestApp::start().await;
    let owner = app.client_for(&app.signed_up("hong", PHONE).await);
    let clicks = (0..4).map(|_| execute_mutation(&owner, "deleteAccount", json!({ "password": PASSWORD })));
    let responses = futures_util::future::join_all(clicks).await;
    let done =
        responses.iter().filter(|response| response["data"]["deleteAccount"]["__typename"] == "DeleteAccountPayload");
    assert_eq!(done.count(), 1, "{responses:#?}");
    assert_eq!(responses.iter().filter(|response| code(response) == "UNAUTHENTICATED").count(), 3, "{responses:#?}");
    app.stop().await;
}

#[tokio::test]
async fn dr_05_deleted_account_leaves_no_personal_data() {
    let app = TestApp::start().await;
    let owner = app.client_for(&app.signed_up("hong", PHONE).await);
    let minute = std::time::Duration::from_secs(61);
    app.advance(minute);
    // The notices go to the old number and contain the new one.
    let proof = app.proof(&owner, "PHONE_CHANGE", "+821099990000").await;
    assert!(owner.change_contact("changePhone", &proof).await["user"].is_object());
    app.messages_to(PHONE, 2).await;
    app.advance(minute * 60 * 73);
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    app.proof(&owner, "EMAIL_CHANGE", "hong@example.com").await;
    app.anonymous().send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": "+821099990000" } })).await;
    app.advance(minute);
    owner.send_code(json!({ "purpose": "EMAIL_CHANGE", "to": { "email": "spare@example.com" } })).await;
    // It closes pending verifications.
    assert!(owner.change_password(PASSWORD, "Quiet-Harbour-71!").await["sessionsEnded"].is_number());
    assert!(app.row_count("verification WHERE closed_at IS NOT NULL").await >= 2);
    assert!(owner.delete_account("Quiet-Harbour-71!").await["id"].is_string());
    for table in [
        "SELECT id FROM account",
        "SELECT id FROM session",
        "SELECT token_hash FROM refresh_token",
        "SELECT token_hash FROM device",
        "SELECT subject FROM lockout WHERE account_id IS NOT NULL",
        "SELECT id FROM verification",
        "SELECT contact FROM proof",
        "SELECT old_contact FROM contact_change",
        "SELECT contact FROM delivery WHERE kind <> 'account_deleted'",
        "SELECT kind FROM notice_usage",
        "SELECT outcome FROM audit WHERE account_id IS NOT NULL AND (contact IS NOT NULL OR address IS NOT NULL)",
    ] {
        assert_eq!(app.column(table).await, Vec::<String>::new(), "{table}");
    }
    assert!(trail(&app).await.contains(&"deleteAccount ok".to_owned()));
    app.stop().await;
}

#[tokio::test]
async fn dr_02_no_token_and_no_password_is_stored_in_plain_text() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    let proof = app.proof(&app.anonymous(), "CONTACT", "+821099990000").await;
    app.anonymous().sign_in(json!({ "identifier": "My-secret-typed-here-1", "password": "x" })).await;
    let stored: Vec<String> = [
        app.column("SELECT token_hash FROM refresh_token").await,
        app.column("SELECT token_hash FROM device").await,
        app.column("SELECT token_hash FROM proof").await,
        app.column("SELECT subject FROM lockout").await,
        app.column("SELECT password_hash FROM account").await,
    ]
    .concat();
    assert!(stored.len() >= 6, "{stored:?}");
    let proof = proof.as_str().unwrap();
    for secret in [&signed_in.refresh, &signed_in.device, proof, PASSWORD, "secret-typed", "hong"] {
        assert!(!stored.iter().any(|text| text.to_lowercase().contains(&secret.to_lowercase())), "{secret}");
    }
    assert!(stored.iter().any(|text| text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")));
    app.stop().await;
}

#[tokio::test]
async fn history_shows_only_own_verifications() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    let owner = app.client_for(&signed_in);
    app.advance(std::time::Duration::from_secs(61));
    // Another client requests a reset for this account: while it is pending, only that client knows its id.
    let reset = app.anonymous().request_password_reset(json!({ "contact": { "phone": PHONE } })).await;
    let history = || {
        let owner = owner.clone();
        async move {
            let query = "{ me { verifications(first: 5) { nodes { id purpose status } pageInfo { hasNextPage } } } }";
            owner.data(query, json!({})).await["me"]["verifications"]["nodes"].take()
        }
    };
    let purposes = |nodes: Value| -> Vec<String> {
        nodes.as_array().unwrap().iter().map(|node| format!("{} {}", node["purpose"], node["status"])).collect()
    };
    assert_eq!(purposes(history().await), ["\"SIGN_UP\" \"VERIFIED\""]);
    app.anonymous().cancel(&reset["verification"]["id"]).await;
    assert_eq!(purposes(history().await), ["\"PASSWORD_RESET\" \"CANCELED\"", "\"SIGN_UP\" \"VERIFIED\""]);
    app.stop().await;
}
