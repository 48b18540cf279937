//! Reuse of refresh tokens: lost responses, other networks, and attackers who alternate with the owner.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Setup, SignedIn, TestApp};

const PHONE: &str = "+821012345678";
const HOME: &str = "198.51.100.1";
const OTHER_NETWORK: &str = "203.0.113.99";
const AFTER_GRACE: Duration = Duration::from_secs(11);
const OTHER_KEY: &str = "wPj0Zr5uQm3kV8yXn2cT7aLd9hFs4bGeJt6iRo1qMvE=";

/// Refreshes from a client address: the new refresh and access tokens, or the reason of the rejection or the error
/// code.
async fn refreshed(app: &TestApp, address: &str, token: &str) -> Result<(String, String), String> {
    let document = "mutation($t: String) { it: refreshSession(input: { refreshToken: $t }) { __typename \
         ... on RefreshSessionPayload { tokens { accessToken refreshToken } } ... on RefreshRejected { reason } } }";
    let body = json!({ "query": document, "variables": { "t": token } });
    let response = app.post(address, &[], &body).await.body;
    let it = &response["data"]["it"];
    if let Some(code) = response["errors"][0]["extensions"]["code"].as_str() {
        return Err(code.to_owned());
    }
    match it["reason"].as_str() {
        Some(reason) => Err(reason.to_owned()),
        None => {
            let text = |name: &str| it["tokens"][name].as_str().unwrap_or_else(|| panic!("{response:#}")).to_owned();
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

async fn signed_up_owner() -> (TestApp, SignedIn) {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    (app, signed_in)
}

#[tokio::test]
async fn tk_03_attacker_alternating_with_the_owner_is_detected() {
    let (app, signed_in) = signed_up_owner().await;
    let stolen = token(&app, OTHER_NETWORK, &signed_in.refresh).await;
    app.advance(AFTER_GRACE);
    // The attacker's tokens were not seen in use, so the owner may simply have lost a response.
    let owners = token(&app, HOME, &signed_in.refresh).await;
    assert_ne!(owners, stolen);
    app.advance(AFTER_GRACE);
    assert_eq!(refused(&app, OTHER_NETWORK, &stolen).await, "REUSED");
    assert_eq!(refused(&app, HOME, &owners).await, "REVOKED");
    let notices = app.messages_to(PHONE, 2).await;
    assert!(notices[0]["text"].as_str().unwrap().contains("A device was signed out"), "{notices:#?}");
    let acts =
        app.column("SELECT outcome FROM audit WHERE act IN ('refreshSession', 'refresh reused') ORDER BY id").await;
    assert_eq!(acts, ["ok", "refresh_replaced", "ok", "refresh_reused", "refresh_revoked"]);
    app.stop().await;
}

#[tokio::test]
async fn tk_03_attacker_seen_in_use_is_detected_when_the_owner_refreshes() {
    let (app, signed_in) = signed_up_owner().await;
    let (_, access) = refreshed(&app, OTHER_NETWORK, &signed_in.refresh).await.unwrap();
    let attacker = app.client_at(OTHER_NETWORK).with_token(&access);
    assert_eq!(attacker.me().await["username"], "hong");
    app.advance(AFTER_GRACE);
    assert_eq!(refused(&app, HOME, &signed_in.refresh).await, "REUSED");
    assert_eq!(attacker.me().await, Value::Null);
    app.stop().await;
}

/// The use that one process saw is known to the others through the database, and survives a stop of the process.
#[tokio::test]
async fn tk_03_token_use_is_known_to_every_process() {
    let (app, signed_in) = signed_up_owner().await;
    let other = app.another_process().await;
    let (_, access) = refreshed(&app, HOME, &signed_in.refresh).await.unwrap();
    assert_eq!(app.anonymous().with_token(&access).me().await["username"], "hong");
    app.stop().await;
    other.advance(AFTER_GRACE);
    assert_eq!(refused(&other, OTHER_NETWORK, &signed_in.refresh).await, "REUSED");
    other.stop().await;
}

/// While a process runs, it writes the use that it saw soon, and once per generation.
#[tokio::test]
async fn token_use_is_written_in_the_background() {
    let (app, signed_in) = signed_up_owner().await;
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
async fn tk_04_another_network_is_rejected_until_the_grace_period_ends() {
    let (app, signed_in) = signed_up_owner().await;
    let first = token(&app, HOME, &signed_in.refresh).await;
    app.advance(Duration::from_secs(4));
    let document = json!({ "query": "mutation($t: String) { refreshSession(input: { refreshToken: $t }) { __typename } }",
        "variables": { "t": signed_in.refresh } });
    let response = app.post(OTHER_NETWORK, &[], &document).await.body;
    let extensions = &response["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["retryAfterSeconds"]),
        (&json!("UNAVAILABLE"), &json!(7)),
        "{response:#}"
    );
    // The rejection changed nothing: at home the same successor is returned, and a phone that lost it can continue from
    // another network afterwards.
    assert_eq!(token(&app, HOME, &signed_in.refresh).await, first);
    app.advance(AFTER_GRACE);
    let replacement = token(&app, OTHER_NETWORK, &signed_in.refresh).await;
    assert_ne!(replacement, first);
    // Two tabs that lost it get the same replacement. The replaced token is rejected until the grace period ends; after
    // that it reveals a second client.
    assert_eq!(token(&app, OTHER_NETWORK, &signed_in.refresh).await, replacement);
    assert_eq!(refused(&app, HOME, &first).await, "UNAVAILABLE");
    assert_eq!(refused(&app, OTHER_NETWORK, &first).await, "UNAVAILABLE");
    let next = token(&app, OTHER_NETWORK, &replacement).await;
    app.advance(AFTER_GRACE);
    assert_eq!(refused(&app, HOME, &first).await, "REUSED");
    assert_eq!(refused(&app, OTHER_NETWORK, &next).await, "REVOKED");
    app.stop().await;
}

/// T0, T1 and T2 within the grace period: a request with T0 that was in flight must not take its client back a step.
#[tokio::test]
async fn tk_04_token_two_steps_old_within_the_grace_period_gets_the_newest_token() {
    let (app, signed_in) = signed_up_owner().await;
    let first = token(&app, HOME, &signed_in.refresh).await;
    let second = token(&app, HOME, &first).await;
    assert_eq!(token(&app, HOME, &signed_in.refresh).await, second);
    assert_eq!(refused(&app, OTHER_NETWORK, &signed_in.refresh).await, "UNAVAILABLE");
    app.advance(AFTER_GRACE);
    let third = token(&app, HOME, &second).await;
    assert_eq!(refused(&app, HOME, &signed_in.refresh).await, "REUSED", "two steps old");
    assert_eq!(refused(&app, HOME, &third).await, "REVOKED");
    app.stop().await;
}

#[tokio::test]
async fn tk_04_without_a_grace_period_reuse_is_a_theft_at_once() {
    let app = Setup::new().await.with("REFRESH_GRACE", "0s").start().await;
    let signed_in = app.signed_up("hong", PHONE).await;
    let lost = token(&app, HOME, &signed_in.refresh).await;
    let (found, access) = refreshed(&app, HOME, &signed_in.refresh).await.unwrap();
    assert_ne!(found, lost);
    assert_eq!(app.anonymous().with_token(&access).me().await["username"], "hong");
    assert_eq!(refused(&app, HOME, &signed_in.refresh).await, "REUSED");
    app.stop().await;
}

/// A successor under a key that this process does not have is neither a theft nor an unknown token.
#[tokio::test]
async fn successor_under_an_unknown_server_key_is_unavailable() {
    let (app, signed_in) = signed_up_owner().await;
    let newer = app.another_process_with(&[("SERVER_KEY", Some(OTHER_KEY))]).await;
    let first = token(&newer, HOME, &signed_in.refresh).await;
    assert_eq!(refused(&app, HOME, &signed_in.refresh).await, "UNAVAILABLE");
    // The exchange of the token needs no key, so either process can do it.
    let second = token(&app, HOME, &first).await;
    assert_eq!(refused(&newer, HOME, &first).await, "UNAVAILABLE");
    // After the grace period no key is needed: a successor that was never seen in use is replaced.
    app.advance(AFTER_GRACE);
    let replacement = token(&newer, HOME, &first).await;
    assert_ne!(replacement, second);
    assert_eq!(token(&newer, HOME, &first).await, replacement);
    newer.stop().await;
    app.stop().await;
}

/// An attacker must not learn from the session list when the owner is active.
#[tokio::test]
async fn sessions_show_last_use_rounded_to_five_minutes() {
    let (app, signed_in) = signed_up_owner().await;
    app.advance(Duration::from_secs(7 * 60 + 13));
    let (_, access) = refreshed(&app, HOME, &signed_in.refresh).await.unwrap();
    let session = app.anonymous().with_token(&access).me().await["sessions"]["nodes"][0].clone();
    assert_eq!(
        (&session["lastUsedAt"], &session["expiresAt"]),
        (&json!("2026-03-02T03:05:00.000Z"), &json!("2026-03-09T03:05:00.000Z"))
    );
    app.stop().await;
}
