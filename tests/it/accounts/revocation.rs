//! Ended sessions are rejected in every process, on sockets too, within `REVOCATION_LAG` (TK-08, TK-09): through Redis,
//! or by polling the database without it.

use std::time::Duration;

use serde_json::{Value, json};

use super::changes::find_undo_token;
use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

/// Much longer than `REVOCATION_LAG`, for a slow or busy machine.
const LAG: Duration = Duration::from_secs(60);

/// The operations that end a session. Each one is tested with an account of its own.
const OPERATIONS: [&str; 10] =
    ["signout", "everywhere", "changed", "reset", "phone", "undo", "suspended", "deleted", "reused", "demoted"];

fn phone(operation: usize) -> String {
    format!("+82101111000{operation}")
}

#[tokio::test]
async fn tk_09_ending_a_session_closes_its_sockets_in_every_process() {
    let mut setup = Setup::new().await;
    for name in ["CLIENT_SENDS_PER_MINUTE", "CLIENT_SIGN_INS_PER_MINUTE", "CONTACT_DAILY_SENDS", "PUMPING_MIN_SENDS"] {
        setup = setup.with(name, "unlimited");
    }
    let app = setup.start().await;
    let other = app.another_process().await;
    app.signed_up("boss", "+821022220000").await;
    let admin = app.promote("boss").await;
    let mut sessions = Vec::new();
    for (operation, name) in OPERATIONS.into_iter().enumerate() {
        app.signed_up(name, &phone(operation)).await;
        sessions.push(SignedIn::of(&app.anonymous().sign_in_as(name).await));
    }
    app.advance(Duration::from_secs(61));
    let mut ready = Vec::new();
    for (operation, session) in sessions.iter().enumerate() {
        ready.push(Prepared::of(&app, OPERATIONS[operation], &phone(operation), session).await);
    }
    // The preparation may already have ended a session.
    let watched = app.anonymous().send_code(json!({ "purpose": "CONTACT", "to": { "email": "a@example.com" } })).await;
    let watched = &watched["verification"]["id"];
    let mut sockets = Vec::new();
    for session in &sessions {
        let mut socket = other.client_for(session).watch(watched).await;
        assert_eq!(socket.next().await.unwrap()["status"], "PENDING");
        sockets.push(socket);
    }
    for (session, ready) in sessions.iter().zip(ready) {
        ready.execute(&app, session, &admin).await;
    }
    let gone = tokio::time::Instant::now();
    for (operation, socket) in sockets.iter_mut().enumerate() {
        assert_eq!(socket.close_code().await, 4403, "{}", OPERATIONS[operation]);
    }
    assert!(gone.elapsed() < LAG, "{:?}", gone.elapsed());
    for (operation, session) in sessions.iter().enumerate() {
        for app in [&app, &other] {
            // Each process polls for changes that an operator made on the command line.
            while app.client_for(session).me().await != Value::Null {
                assert!(gone.elapsed() < LAG, "{}", OPERATIONS[operation]);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let refused = app.anonymous().refresh(&session.refresh).await;
            assert_eq!(refused["__typename"], "RefreshRejected", "{}: {refused:#}", OPERATIONS[operation]);
        }
    }
    other.stop().await;
    app.stop().await;
}

/// A prepared operation with its inputs.
enum Prepared {
    Now(&'static str, SignedIn),
    Proof(&'static str, Value, SignedIn),
    Undo(String),
}

impl Prepared {
    async fn of(app: &TestApp, operation: &'static str, phone: &str, session: &SignedIn) -> Self {
        let another = async || SignedIn::of(&app.anonymous().sign_in_as(operation).await);
        match operation {
            "reset" => {
                Prepared::Proof(operation, app.proof(&app.anonymous(), "PASSWORD_RESET", phone).await, another().await)
            }
            "phone" => {
                let another = another().await;
                let proof = app.proof(&app.client_for(&another), "PHONE_CHANGE", "+821033330001").await;
                Prepared::Proof(operation, proof, another)
            }
            "undo" => {
                // The attacker's session itself.
                let owner = app.client_for(session);
                let proof = app.proof(&owner, "PHONE_CHANGE", "+821033330002").await;
                let changed = owner.change_contact("changePhone", &proof).await;
                assert_eq!(changed["__typename"], "ChangeContactPayload", "{changed:#}");
                // The code, the notice of the second device, and the undo token.
                let notice = app.messages_to(phone, 3).await;
                Prepared::Undo(notice.iter().find_map(find_undo_token).unwrap())
            }
            _ => Prepared::Now(operation, another().await),
        }
    }

    async fn execute(self, app: &TestApp, session: &SignedIn, admin: &SignedIn) {
        let (client, owner) = (app.anonymous(), |signed_in: &SignedIn| -> ApiClient { app.client_for(signed_in) });
        let done = match self {
            Prepared::Now("signout", _) => owner(session).sign_out().await["sessionsEnded"].is_number(),
            Prepared::Now("everywhere", another) => {
                owner(&another).sign_out_everywhere().await["sessionsEnded"].is_number()
            }
            Prepared::Now("changed", another) => {
                owner(&another).change_password(PASSWORD, "Quiet-Harbour-71!").await["sessionsEnded"].is_number()
            }
            Prepared::Now("suspended", _) => {
                owner(admin).set_account_status(&session.user["id"], "SUSPENDED").await["user"]["status"] == "SUSPENDED"
            }
            Prepared::Now("deleted", another) => owner(&another).delete_account(PASSWORD).await["id"].is_string(),
            Prepared::Now("reused", _) => {
                let next = SignedIn::of(&with_device(client.refresh(&session.refresh).await));
                client.refresh(&next.refresh).await;
                app.advance(Duration::from_secs(11));
                client.refresh(&session.refresh).await["reason"] == "REUSED"
            }
            Prepared::Now(_, _) => {
                app.grant(session.user["id"].as_str().unwrap()).await;
                true
            }
            Prepared::Proof("reset", proof, _) => {
                client.reset_password(&proof, "Quiet-Harbour-71!").await["sessionsEnded"].is_number()
            }
            Prepared::Proof(_, proof, another) => {
                owner(&another).change_contact("changePhone", &proof).await["user"]["phone"] == "+821033330001"
            }
            Prepared::Undo(token) => client.undo_contact_change(&token).await["sessionsEnded"].is_number(),
        };
        assert!(done);
    }
}

/// A refresh needs no device token.
fn with_device(mut payload: Value) -> Value {
    payload["deviceToken"] = json!("");
    payload
}

#[tokio::test]
async fn tk_08_socket_ends_with_its_token_and_anonymous_socket_stays_open() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    // E-mail codes are valid as long as the token.
    let watched = app.anonymous().send_code(json!({ "purpose": "CONTACT", "to": { "email": "a@example.com" } })).await;
    let watched = &watched["verification"]["id"];
    let (mut holders, mut anonymous) = (app.client_for(&signed_in).socket().await, app.anonymous().socket().await);
    app.client_for(&signed_in).watch(watched).await.next().await.unwrap();
    app.advance(Duration::from_secs(3600));
    assert_eq!(holders.close_code().await, 4403);
    anonymous.send(&json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ me { id } }" } })).await;
    assert_eq!(anonymous.receive().await.unwrap()["type"], "next");
    // After a refresh a new socket can be opened.
    let next = app.anonymous().refresh(&signed_in.refresh).await;
    let token = next["tokens"]["accessToken"].as_str().unwrap();
    app.anonymous().with_token(token).socket().await;
    app.stop().await;
}

/// A process that does not know yet that a session has ended still serves reads, but no changes (CR-06): a signed-out
/// attacker cannot change the contacts during the lag.
#[tokio::test]
async fn cr_06_ended_session_changes_nothing_at_a_process_that_does_not_know_yet() {
    let app = Setup::new().await.with("REVOCATION_LAG", "40s").start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let before = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let proof = app.proof(&app.client_for(&signed_in), "PHONE_CHANGE", "+821066660000").await;
    // It gets no message through Redis and has just polled the database: the next poll is in 20 seconds.
    let late = app.another_process_with(&[("REDIS_URL", None), ("REDIS_PREFIX", None)]).await;
    app.client_for(&before).sign_out().await;
    let deadline = tokio::time::Instant::now() + LAG * 2;
    while late.client_for(&before).me().await != Value::Null {
        assert!(tokio::time::Instant::now() < deadline, "it never polls");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.client_for(&signed_in).sign_out().await["sessionsEnded"], 1);
    let attacker = late.client_for(&signed_in);
    assert_eq!(attacker.me().await["username"], "hong", "it already knows, so this test proves nothing");
    assert_eq!(attacker.change_contact("changePhone", &proof).await["reason"], "UNKNOWN");
    for current in [PASSWORD, "a wrong one"] {
        let input = json!({ "currentPassword": current, "newPassword": "Quiet-Harbour-71!" });
        let change = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) { __typename } }";
        let response = attacker.execute(change, json!({ "input": input })).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{response:#}");
    }
    let back = app.anonymous().sign_in_as("hong").await;
    assert_eq!(back["user"]["phone"], "+821012345678", "{back:#}");
    late.stop().await;
    app.stop().await;
}
