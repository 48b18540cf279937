//! An access token whose session is over acts nowhere, also in a process that does not know yet that it is over: what
//! acts for somebody who is signed in asks the database.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const NEW_PHONE: &str = "+821066660000";

async fn app() -> TestApp {
    let setup = Setup::new().await.with("RESEND_COOLDOWN", "0s").with("CONTACT_DAILY_SENDS", "unlimited");
    // Longer than the tests take: what they see was not read by a poll.
    setup.with("CLIENT_SENDS_PER_MINUTE", "unlimited").with("REVOCATION_LAG", "60s").start().await
}

const WRONG: &str = "Wrong-Password-9";

/// Every operation that acts for a signed-in account, by a document of its own.
fn acts(session: &Value, verification: &Value) -> Vec<(String, Value)> {
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
        // A wrong password is answered like the right one.
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
async fn a_token_of_an_ended_session_acts_nowhere() {
    let app = app().await;
    let thief = app.signed_up("hong", PHONE).await;
    let pending =
        app.client_for(&thief).send_code(json!({ "purpose": "PHONE_CHANGE", "to": { "phone": NEW_PHONE } })).await;
    app.advance(std::time::Duration::from_secs(61));
    let owner = app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await));
    let session = current_session(&owner.me().await);
    // No process has heard of it.
    let end = "UPDATE session SET ended_at = created_at WHERE created_at = (SELECT MIN(created_at) FROM session) \
               RETURNING id";
    assert_eq!(app.column(end).await.len(), 1);
    let before = app.row_count("verification").await;
    let acts = acts(&session, &pending["verification"]["id"]);
    for (document, variables) in &acts {
        let answer = app.client_for(&thief).execute(document, variables.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{document}: {answer:#}");
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
    // A code that needs nobody signed in is sent as if the token had been refused: the account knows nothing of it.
    let sent = app.client_for(&thief).send_code_to("+821077770000").await;
    let me = owner.data("{ me { nickname verifications { nodes { id } } } }", json!({})).await["me"].take();
    assert_eq!(me["nickname"], Value::Null);
    let ids = me["verifications"]["nodes"].as_array().unwrap();
    assert!(!ids.is_empty() && ids.iter().all(|node| node["id"] != sent["id"]), "{me:#}");
    // What the ended token can't do, the owner's can, and what signs the ended session out changes nothing.
    assert_eq!(app.client_for(&thief).sign_out().await["sessionsEnded"], 0);
    assert_eq!(current_session(&owner.me().await), session);
    assert_eq!(owner.sign_out_everywhere().await["sessionsEnded"], 1);
    app.stop().await;
}

/// The thief's session is ended at one process, and the owner signs in anew. The other process has heard of neither.
#[tokio::test]
async fn an_ended_token_ends_no_new_session_at_another_process() {
    let app = app().await;
    let other = app.another_process().await;
    let thief = app.signed_up("hong", PHONE).await;
    for _ in 0..3 {
        app.client_for(&SignedIn::of(&app.anonymous().sign_in_as("hong").await)).sign_out_everywhere().await;
        let owner = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
        let session = current_session(&app.client_for(&owner).me().await);
        for (document, variables) in &acts(&session, &json!("ver_00000000000000000000000000"))[..6] {
            let answer = other.client_for(&thief).execute(document, variables.clone()).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{document}: {answer:#}");
        }
        for app in [&app, &other] {
            assert_eq!(app.client_for(&owner).me().await["username"], "hong");
        }
    }
    other.stop().await;
    app.stop().await;
}
