//! What ends access ends it in every process, on sockets too, within `REVOCATION_LAG` (TK-08, TK-09): told through
//! Redis, or, where there is none, read from the database.

use std::time::Duration;

use serde_json::{Value, json};

use super::changes::find_undo_token;
use crate::support::{ApiClient, PASSWORD, Setup, SignedIn, TestApp};

/// Far more than `REVOCATION_LAG`, for a slow or busy machine.
const LAG: Duration = Duration::from_secs(60);

/// Ways out of a session. Each has an account of its own.
const WAYS: [&str; 10] =
    ["signout", "everywhere", "changed", "reset", "phone", "undo", "suspended", "deleted", "reused", "demoted"];

fn phone(way: usize) -> String {
    format!("+82101111000{way}")
}

#[tokio::test]
async fn tk_09_whatever_ends_a_session_closes_its_sockets_in_every_process() {
    let mut setup = Setup::new().await;
    for name in ["CLIENT_SENDS_PER_MINUTE", "CLIENT_SIGN_INS_PER_MINUTE", "CONTACT_DAILY_SENDS", "PUMPING_MIN_SENDS"] {
        setup = setup.with(name, "unlimited");
    }
    let app = setup.start().await;
    let other = app.another_process().await;
    app.signed_up("boss", "+821022220000").await;
    let boss = app.promote("boss").await;
    let mut sessions = Vec::new();
    for (way, name) in WAYS.into_iter().enumerate() {
        app.signed_up(name, &phone(way)).await;
        sessions.push(SignedIn::of(&app.anonymous().sign_in_as(name).await));
    }
    app.advance(Duration::from_secs(61));
    let mut ready = Vec::new();
    for (way, session) in sessions.iter().enumerate() {
        ready.push(Ready::of(&app, WAYS[way], &phone(way), session).await);
    }
    // What was signed out to make ready for it may have ended a session before.
    let watched = app.anonymous().send_code(json!({ "purpose": "CONTACT", "to": { "email": "a@example.com" } })).await;
    let watched = &watched["verification"]["id"];
    let mut sockets = Vec::new();
    for session in &sessions {
        let mut socket = other.client_for(session).watch(watched).await;
        assert_eq!(socket.next().await.unwrap()["status"], "PENDING");
        sockets.push(socket);
    }
    for (session, ready) in sessions.iter().zip(ready) {
        ready.go(&app, session, &boss).await;
    }
    let gone = tokio::time::Instant::now();
    for (way, socket) in sockets.iter_mut().enumerate() {
        assert_eq!(socket.close_code().await, 4403, "{}", WAYS[way]);
    }
    assert!(gone.elapsed() < LAG, "{:?}", gone.elapsed());
    for (way, session) in sessions.iter().enumerate() {
        for app in [&app, &other] {
            // Each process reads by itself what an operator at the command line did.
            while app.client_for(session).me().await != Value::Null {
                assert!(gone.elapsed() < LAG, "{}", WAYS[way]);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let refused = app.anonymous().refresh(&session.refresh).await;
            assert_eq!(refused["__typename"], "RefreshRejected", "{}: {refused:#}", WAYS[way]);
        }
    }
    other.stop().await;
    app.stop().await;
}

/// A way out, with what it needs.
enum Ready {
    Now(&'static str, SignedIn),
    Proof(&'static str, Value, SignedIn),
    Undo(String),
}

impl Ready {
    async fn of(app: &TestApp, way: &'static str, phone: &str, session: &SignedIn) -> Self {
        let another = async || SignedIn::of(&app.anonymous().sign_in_as(way).await);
        match way {
            "reset" => Ready::Proof(way, app.proof(&app.anonymous(), "PASSWORD_RESET", phone).await, another().await),
            "phone" => {
                let another = another().await;
                let proof = app.proof(&app.client_for(&another), "PHONE_CHANGE", "+821033330001").await;
                Ready::Proof(way, proof, another)
            }
            "undo" => {
                // The session itself is the thief's.
                let holder = app.client_for(session);
                let proof = app.proof(&holder, "PHONE_CHANGE", "+821033330002").await;
                let changed = holder.change_contact("changePhone", &proof).await;
                assert_eq!(changed["__typename"], "ChangeContactPayload", "{changed:#}");
                // The code, the word of the second device, and the way back.
                let told = app.messages_to(phone, 3).await;
                Ready::Undo(told.iter().find_map(find_undo_token).unwrap())
            }
            _ => Ready::Now(way, another().await),
        }
    }

    async fn go(self, app: &TestApp, session: &SignedIn, boss: &SignedIn) {
        let (person, holder) = (app.anonymous(), |signed_in: &SignedIn| -> ApiClient { app.client_for(signed_in) });
        let done = match self {
            Ready::Now("signout", _) => holder(session).sign_out().await["sessionsEnded"].is_number(),
            Ready::Now("everywhere", another) => {
                holder(&another).sign_out_everywhere().await["sessionsEnded"].is_number()
            }
            Ready::Now("changed", another) => {
                holder(&another).change_password(PASSWORD, "Quiet-Harbour-71!").await["sessionsEnded"].is_number()
            }
            Ready::Now("suspended", _) => {
                holder(boss).set_account_status(&session.user["id"], "SUSPENDED").await["user"]["status"] == "SUSPENDED"
            }
            Ready::Now("deleted", another) => holder(&another).delete_account(PASSWORD).await["id"].is_string(),
            Ready::Now("reused", _) => {
                let next = SignedIn::of(&with_device(person.refresh(&session.refresh).await));
                person.refresh(&next.refresh).await;
                app.advance(Duration::from_secs(11));
                person.refresh(&session.refresh).await["reason"] == "REUSED"
            }
            Ready::Now(_, _) => {
                app.grant(session.user["id"].as_str().unwrap()).await;
                true
            }
            Ready::Proof("reset", proof, _) => {
                person.reset_password(&proof, "Quiet-Harbour-71!").await["sessionsEnded"].is_number()
            }
            Ready::Proof(_, proof, another) => {
                holder(&another).change_contact("changePhone", &proof).await["user"]["phone"] == "+821033330001"
            }
            Ready::Undo(token) => person.undo_contact_change(&token).await["sessionsEnded"].is_number(),
        };
        assert!(done);
    }
}

/// A refresh names no device.
fn with_device(mut payload: Value) -> Value {
    payload["deviceToken"] = json!("");
    payload
}

#[tokio::test]
async fn tk_08_a_socket_ends_with_its_token_and_one_without_goes_on() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    // E-mail codes live as long as the token.
    let watched = app.anonymous().send_code(json!({ "purpose": "CONTACT", "to": { "email": "a@example.com" } })).await;
    let watched = &watched["verification"]["id"];
    let (mut holders, mut anonymous) = (app.client_for(&signed_in).socket().await, app.anonymous().socket().await);
    app.client_for(&signed_in).watch(watched).await.next().await.unwrap();
    app.advance(Duration::from_secs(3600));
    assert_eq!(holders.close_code().await, 4403);
    anonymous.send(&json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ me { id } }" } })).await;
    assert_eq!(anonymous.receive().await.unwrap()["type"], "next");
    // Refreshed, a new one opens.
    let next = app.anonymous().refresh(&signed_in.refresh).await;
    let token = next["tokens"]["accessToken"].as_str().unwrap();
    app.anonymous().with_token(token).socket().await;
    app.stop().await;
}

/// A process that has not heard yet that a session was ended still reads for it, and changes nothing by its word
/// (CR-06): the thief whom the owner signed out does not move the contacts in what is left of the lag.
#[tokio::test]
async fn cr_06_an_ended_session_changes_nothing_even_where_its_end_is_not_heard_yet() {
    let app = Setup::new().await.with("REVOCATION_LAG", "40s").start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let before = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let proof = app.proof(&app.client_for(&signed_in), "PHONE_CHANGE", "+821066660000").await;
    // It hears of nothing through Redis, and has just looked into the database: it looks again in 20 seconds.
    let late = app.another_process_with(&[("REDIS_URL", None), ("REDIS_PREFIX", None)]).await;
    app.client_for(&before).sign_out().await;
    let deadline = tokio::time::Instant::now() + LAG * 2;
    while late.client_for(&before).me().await != Value::Null {
        assert!(tokio::time::Instant::now() < deadline, "it never looks");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(app.client_for(&signed_in).sign_out().await["sessionsEnded"], 1);
    let thief = late.client_for(&signed_in);
    assert_eq!(thief.me().await["username"], "hong", "it has heard already, and there is nothing to show");
    assert_eq!(thief.change_contact("changePhone", &proof).await["reason"], "UNKNOWN");
    for current in [PASSWORD, "a wrong one"] {
        let input = json!({ "currentPassword": current, "newPassword": "Quiet-Harbour-71!" });
        let change = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) { __typename } }";
        let answer = thief.execute(change, json!({ "input": input })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer:#}");
    }
    let back = app.anonymous().sign_in_as("hong").await;
    assert_eq!(back["user"]["phone"], "+821012345678", "{back:#}");
    late.stop().await;
    app.stop().await;
}
