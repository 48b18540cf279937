//! Refresh tokens that are presented again: lost answers, other networks, thieves who take turns with the owner.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const HOME: &str = "198.51.100.1";
const ELSEWHERE: &str = "203.0.113.99";
const AFTER_GRACE: Duration = Duration::from_secs(11);
const OTHER_KEY: &str = "wPj0Zr5uQm3kV8yXn2cT7aLd9hFs4bGeJt6iRo1qMvE=";

/// A refresh from a client address: the new refresh token, the reason of the refusal, or the code of the error.
async fn refreshed(app: &TestApp, address: &str, token: &str) -> Result<(String, String), String> {
    let document = "mutation($t: String) { it: refreshSession(input: { refreshToken: $t }) { __typename \
         ... on RefreshSessionPayload { tokens { accessToken refreshToken } } ... on RefreshRejected { reason } } }";
    let body = json!({ "query": document, "variables": { "t": token } });
    let answer = app.post(address, &[], &body).await.body;
    let it = &answer["data"]["it"];
    if let Some(code) = answer["errors"][0]["extensions"]["code"].as_str() {
        return Err(code.to_owned());
    }
    match it["reason"].as_str() {
        Some(reason) => Err(reason.to_owned()),
        None => {
            let text = |name: &str| it["tokens"][name].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned();
            Ok((text("refreshToken"), text("accessToken")))
        }
    }
}

async fn token(app: &TestApp, address: &str, token: &str) -> String {
    refreshed(app, address, token).await.unwrap_or_else(|refused| panic!("{refused}")).0
}

async fn refused(app: &TestApp, address: &str, token: &str) -> String {
    refreshed(app, address, token).await.unwrap_err()
}

async fn owner() -> (TestApp, SignedIn) {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    (app, signed_in)
}

#[tokio::test]
async fn tk_03_a_thief_who_takes_turns_with_the_owner_is_detected() {
    let (app, signed_in) = owner().await;
    let stolen = token(&app, ELSEWHERE, &signed_in.refresh).await;
    app.advance(AFTER_GRACE);
    // Nobody was seen with the thief's tokens, so the owner may just have lost an answer.
    let owners = token(&app, HOME, &signed_in.refresh).await;
    assert_ne!(owners, stolen);
    app.advance(AFTER_GRACE);
    assert_eq!(refused(&app, ELSEWHERE, &stolen).await, "REUSED");
    assert_eq!(refused(&app, HOME, &owners).await, "REVOKED");
    let told = app.messages_to(PHONE, 2).await;
    assert!(told[0]["text"].as_str().unwrap().contains("A device was signed out"), "{told:#?}");
    let acts =
        app.column("SELECT outcome FROM audit WHERE act IN ('refreshSession', 'refresh reused') ORDER BY id").await;
    assert_eq!(acts, ["ok", "refresh_replaced", "ok", "refresh_reused", "refresh_revoked"]);
    app.stop().await;
}

#[tokio::test]
async fn tk_03_a_thief_who_was_seen_is_detected_when_the_owner_comes() {
    let (app, signed_in) = owner().await;
    let (_, access) = refreshed(&app, ELSEWHERE, &signed_in.refresh).await.unwrap();
    let thief = app.client_at(ELSEWHERE).with_token(&access);
    assert_eq!(thief.me().await["username"], "hong");
    app.advance(AFTER_GRACE);
    assert_eq!(refused(&app, HOME, &signed_in.refresh).await, "REUSED");
    assert_eq!(thief.me().await, Value::Null);
    app.stop().await;
}

/// What one process has seen the others know: through the database, and not lost when the process stops.
#[tokio::test]
async fn tk_03_what_was_seen_is_known_to_every_process() {
    let (app, signed_in) = owner().await;
    let other = app.another_process().await;
    let (_, access) = refreshed(&app, HOME, &signed_in.refresh).await.unwrap();
    assert_eq!(app.anonymous().with_token(&access).me().await["username"], "hong");
    app.stop().await;
    other.advance(AFTER_GRACE);
    assert_eq!(refused(&other, ELSEWHERE, &signed_in.refresh).await, "REUSED");
    other.stop().await;
}

/// While a process runs, what it saw is written soon, and once a generation.
#[tokio::test]
async fn what_was_seen_is_written_by_itself() {
    let (app, signed_in) = owner().await;
    let (_, access) = refreshed(&app, HOME, &signed_in.refresh).await.unwrap();
    let seen = "SELECT CAST(seen_generation AS TEXT) FROM session";
    assert_eq!(app.column(seen).await, ["0"]);
    let deadline = tokio::time::Instant::now() + crate::support::TEST_TIMEOUT;
    while app.column(seen).await != ["1"] {
        app.anonymous().with_token(&access).me().await;
        assert!(tokio::time::Instant::now() < deadline, "it was never written");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    app.stop().await;
}

#[tokio::test]
async fn tk_04_another_network_waits_for_the_end_of_the_grace() {
    let (app, signed_in) = owner().await;
    let first = token(&app, HOME, &signed_in.refresh).await;
    app.advance(Duration::from_secs(4));
    let document = json!({ "query": "mutation($t: String) { refreshSession(input: { refreshToken: $t }) { __typename } }",
        "variables": { "t": signed_in.refresh } });
    let answer = app.post(ELSEWHERE, &[], &document).await.body;
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["retryAfterSeconds"]),
        (&json!("UNAVAILABLE"), &json!(7)),
        "{answer:#}"
    );
    // Nothing came of it: at home the same successor is answered, and a phone that lost it goes on elsewhere afterwards.
    assert_eq!(token(&app, HOME, &signed_in.refresh).await, first);
    app.advance(AFTER_GRACE);
    let replacement = token(&app, ELSEWHERE, &signed_in.refresh).await;
    assert_ne!(replacement, first);
    // Two tabs that lost it get the same replacement; the replaced token waits, and shows a second store after that.
    assert_eq!(token(&app, ELSEWHERE, &signed_in.refresh).await, replacement);
    assert_eq!(refused(&app, HOME, &first).await, "UNAVAILABLE");
    assert_eq!(refused(&app, ELSEWHERE, &first).await, "UNAVAILABLE");
    let next = token(&app, ELSEWHERE, &replacement).await;
    app.advance(AFTER_GRACE);
    assert_eq!(refused(&app, HOME, &first).await, "REUSED");
    assert_eq!(refused(&app, ELSEWHERE, &next).await, "REVOKED");
    app.stop().await;
}

/// T0, T1 and T2 within the grace: a request with T0 that was under way must not take its store a step back.
#[tokio::test]
async fn tk_04_two_steps_within_the_grace_answer_the_newest_token() {
    let (app, signed_in) = owner().await;
    let first = token(&app, HOME, &signed_in.refresh).await;
    let second = token(&app, HOME, &first).await;
    assert_eq!(token(&app, HOME, &signed_in.refresh).await, second);
    assert_eq!(refused(&app, ELSEWHERE, &signed_in.refresh).await, "UNAVAILABLE");
    app.advance(AFTER_GRACE);
    let third = token(&app, HOME, &second).await;
    assert_eq!(refused(&app, HOME, &signed_in.refresh).await, "REUSED", "two steps old");
    assert_eq!(refused(&app, HOME, &third).await, "REVOKED");
    app.stop().await;
}

#[tokio::test]
async fn tk_04_without_a_grace_a_second_use_is_a_theft_at_once() {
    let app = Setup::new().await.with("REFRESH_GRACE", "0s").start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    let lost = token(&app, HOME, &signed_in.refresh).await;
    let (found, access) = refreshed(&app, HOME, &signed_in.refresh).await.unwrap();
    assert_ne!(found, lost);
    assert_eq!(app.anonymous().with_token(&access).me().await["username"], "hong");
    assert_eq!(refused(&app, HOME, &signed_in.refresh).await, "REUSED");
    app.stop().await;
}

/// A key that this process does not have yet, or no longer, is no theft and no unknown token.
#[tokio::test]
async fn a_successor_under_an_unknown_server_key_is_unavailable() {
    let (app, signed_in) = owner().await;
    let newer = app.another_process_with(&[("SERVER_KEY", Some(OTHER_KEY))]).await;
    let first = token(&newer, HOME, &signed_in.refresh).await;
    assert_eq!(refused(&app, HOME, &signed_in.refresh).await, "UNAVAILABLE");
    // The token itself needs no key, so either process exchanges it.
    let second = token(&app, HOME, &first).await;
    assert_eq!(refused(&newer, HOME, &first).await, "UNAVAILABLE");
    // After the grace no key is needed any more: what was never seen is replaced.
    app.advance(AFTER_GRACE);
    let replacement = token(&newer, HOME, &first).await;
    assert_ne!(replacement, second);
    assert_eq!(token(&newer, HOME, &first).await, replacement);
    newer.stop().await;
    app.stop().await;
}

/// The list of sessions is no clock for a thief who reads it.
#[tokio::test]
async fn sessions_show_their_use_to_five_minutes() {
    let (app, signed_in) = owner().await;
    app.advance(Duration::from_secs(7 * 60 + 13));
    let (_, access) = refreshed(&app, HOME, &signed_in.refresh).await.unwrap();
    let session = app.anonymous().with_token(&access).me().await["sessions"]["nodes"][0].clone();
    assert_eq!(
        (&session["lastUsedAt"], &session["expiresAt"]),
        (&json!("2026-03-02T03:05:00.000Z"), &json!("2026-03-09T03:05:00.000Z"))
    );
    app.stop().await;
}
