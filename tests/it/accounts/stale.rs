//! An access token of an ended session cannot act, even at a process that does not know yet: operations for a
//! signed-in account read the database.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const NEW_PHONE: &str = "+821066660000";

async fn app() -> TestApp {
    let setup = Setup::new().await.with("RESEND_COOLDOWN", "0s").with("CONTACT_DAILY_SENDS", "unlimited");
    // Longer than the tests take, so that no poll interferes.
    setup.with("CLIENT_SENDS_PER_MINUTE", "unlimited").with("REVOCATION_LAG", "60s").start().await
}

const WRONG: &str = "Wrong-Password-9";

/// Every operation of a signed-in account, each with its document.
fn operations(session: &Value, verification: &Value) -> Vec<(String, Value)> {
    let one = |mutation: &str, input: &str, value: Value| {
        let document = format!("mutation($input: {input}!) {{ {mutation}(input: $input) {{ __typename }} }}");
        (document, json!({ "input": value }))
    };
    let send = |purpose: &str, to: Value| {
        one("sendVerificationCode", "SendVerificationCodeInput", json!({ "purpose": purpose, "to": to }))
    };
    let change = |current: &str| {
        let input = json!({ "currentPassword": current, "newPassword": "Another-Password-7" });
        one("changePassword", "ChangePasswordInput", input)
    };
    vec![
        ("mutation { signOutEverywhere { sessionsEnded } }".to_owned(), json!({})),
        one("revokeSession", "RevokeSessionInput", json!({ "sessionId": session })),
        one("updateProfile", "UpdateProfileInput", json!({ "nickname": "Thief" })),
        send("PHONE_CHANGE", json!({ "phone": NEW_PHONE })),
        send("EMAIL_CHANGE", json!({ "email": "thief@example.com" })),
        send("STEP_UP", json!({ "phone": PHONE })),
        one("resendVerificationCode", "ResendVerificationCodeInput", json!({ "verificationId": verification })),
        one("reauthenticate", "ReauthenticateInput", json!({ "password": PASSWORD })),
        one("deleteAccount", "DeleteAccountInput", json!({ "password": PASSWORD })),
        change(PASSWORD),
        // A wrong password gets the same response as the right one.
        one("reauthenticate", "ReauthenticateInput", json!({ "password": WRONG })),
        one("deleteAccount", "DeleteAccountInput", json!({ "password": WRONG })),
        change(WRONG),
    ]
}

fn current_session(me: &Value) -> Value {
    let sessions = me["sessions"]["nodes"].as_array().unwrap_or_else(|| panic!("{me:#}"));
    sessions.iter().find(|session| session["current"] == true).unwrap()["id"].clone()
}

#[tokio::test]
async fn token_of_an_ended_session_is_rejected_everywhere() {
    let app = app().await;
    let attacker = app.signed_up("hong", PHONE).await;
    let pending =
        app.client_for(&attacker).send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": NEW_PHONE } })).await;
    app.advance(std::time::Duration::from_secs(61));
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    let session = current_session(&owner.me().await);
    // No process knows of it.
    let end = "UPDATE session SET ended_at = created_at WHERE created_at = (SELECT MIN(created_at) FROM session) \
               RETURNING id";
    assert_eq!(app.column(end).await.len(), 1);
    let before = app.row_count("verification").await;
    let operations = operations(&session, &pending["verification"]["id"]);
    for (document, variables) in &operations {
        let response = app.client_for(&attacker).execute(document, variables.clone()).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{document}: {response:#}");
    }
    assert_eq!(app.row_count("verification").await, before, "nothing was sent");
    let refused = "SELECT DISTINCT act FROM audit WHERE outcome = 'unauthenticated' ORDER BY act";
    let recorded = [
        "changePassword",
        "deleteAccount",
        "reauthenticate",
        "resendVerificationCode",
        "revokeSession",
        "sendVerificationCode",
        "signOutEverywhere",
        "updateProfile",
    ];
    assert_eq!(app.column(refused).await, recorded);
    // A code that needs no session is sent as for an anonymous client: it is not in the account's history.
    let sent = app.client_for(&attacker).send_code_to("+821077770000").await;
    let me = owner.data("{ me { nickname verifications { nodes { id } } } }", json!({})).await["me"].take();
    assert_eq!(me["nickname"], Value::Null);
    let ids = me["verifications"]["nodes"].as_array().unwrap();
    assert!(!ids.is_empty() && ids.iter().all(|node| node["id"] != sent["id"]), "{me:#}");
    // The owner can do what the ended token cannot, and the operations that end the ended session change nothing.
    assert_eq!(app.client_for(&attacker).sign_out().await["sessionsEnded"], 0);
    assert_eq!(current_session(&owner.me().await), session);
    assert_eq!(owner.sign_out_everywhere().await["sessionsEnded"], 1);
    app.stop().await;
}

/// The attacker's session is ended at one process, and the owner signs in again. The other process knows of neither.
#[tokio::test]
async fn ended_token_cannot_end_a_new_session_at_another_process() {
    let app = app().await;
    let other = app.another_process().await;
    let attacker = app.signed_up("hong", PHONE).await;
    for _ in 0..3 {
        app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await)).sign_out_everywhere().await;
        let owner = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
        let session = current_session(&app.client_for(&owner).me().await);
        for (document, variables) in &operations(&session, &json!("ver_00000000000000000000000000"))[..6] {
            let response = other.client_for(&attacker).execute(document, variables.clone()).await;
            assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{document}: {response:#}");
        }
        for app in [&app, &other] {
            assert_eq!(app.client_for(&owner).me().await["username"], "hong");
        }
    }
    other.stop().await;
    app.stop().await;
}

/// Tokens of ended sessions do not use up the password checks of the account: the sessions of an attacker whom the owner
/// signed out, at a process that does not know it yet.
#[tokio::test]
async fn ended_tokens_do_not_spend_the_owners_password_checks() {
    let setup = Setup::new().await.with("ACCOUNT_HOURLY_PASSWORDS", "1").with("REVOCATION_LAG", "60s");
    let app = setup.start().await;
    let mut ended = vec![app.signed_up("hong", PHONE).await];
    // As many sessions as the account has checks.
    for _ in 1..5 {
        ended.push(SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    }
    app.advance(std::time::Duration::from_secs(1));
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    let end = "UPDATE session SET ended_at = created_at WHERE created_at < (SELECT MAX(created_at) FROM session) \
               RETURNING id";
    assert_eq!(app.column(end).await.len(), ended.len());
    let document = "mutation($input: ReauthenticateInput!) { reauthenticate(input: $input) { __typename } }";
    let input = json!({ "input": { "password": WRONG } });
    for signed_in in &ended {
        let response = app.client_for(signed_in).execute(document, input.clone()).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{response:#}");
    }
    let response = owner.reauthenticate(json!({ "password": PASSWORD })).await;
    assert_eq!(response["__typename"], "ReauthenticatePayload", "{response:#}");
    app.stop().await;
}
