//! Several refresh cookies in one request: of ended sessions, set by another host of the domain, and numbered slots.

use std::time::Duration;

use serde_json::{Value, json};

use super::cookie_jar::{
    DEVICE, EARLIER, HOME, OWN, REFRESH, cookie_mode_app, downgrade_sessions, outcome, refreshed, sign_in_as, signed_in,
};
use crate::support::{ApiResponse, CookieJar, PASSWORD, TestApp};

const AFTER_GRACE: Duration = Duration::from_secs(11);
const PATH: (&str, &str) = ("REFRESH_COOKIE_PATH", "/id/graphql");
const EARLIER_DEVICE: &str = "__Secure-countersign-device";

/// Adds an account of an attacker.
async fn with_attacker(app: &TestApp) {
    let client = app.client_at("203.0.113.66");
    let proof = app.proof(&client, "SIGN_UP", "+821087654321").await;
    client.sign_up(json!({ "proofToken": proof, "username": "mallory", "password": PASSWORD })).await;
}

async fn signed_in_as(app: &TestApp, name: &str) -> CookieJar {
    let mut jar = CookieJar::default();
    jar.keep(&app.post(HOME, &[OWN], &sign_in_as(name)).await.set);
    jar
}

fn access(response: &ApiResponse) -> &str {
    response.body["data"]["it"]["tokens"]["accessToken"].as_str().unwrap_or_else(|| panic!("{:#}", response.body))
}

async fn username_of(app: &TestApp, response: &ApiResponse) -> Value {
    app.anonymous().with_token(access(response)).me().await["username"].clone()
}

fn refresh_names(jar: &CookieJar) -> Vec<&String> {
    jar.0.keys().filter(|name| name.contains("refresh")).collect()
}

/// A higher slot set by another host (login CSRF) does not switch the browser to the attacker's session.
#[tokio::test]
async fn refresh_cookies_of_two_sessions_are_rejected_and_end_nothing() {
    for (settings, name) in [(vec![PATH], EARLIER), (vec![], REFRESH)] {
        let app = cookie_mode_app(&settings).await;
        with_attacker(&app).await;
        let victims = format!("{name}={}", signed_in(&app).await.0[name]);
        let attackers = signed_in_as(&app, "mallory").await.0[name].clone();
        for injected in [format!("{name}-7={attackers}"), format!("{name}-1={attackers}")] {
            for line in [format!("{victims}; {injected}"), format!("{injected}; {victims}")] {
                let response = refreshed(&app, &[&line]).await;
                assert_eq!(response.body["data"]["it"]["reason"], "AMBIGUOUS", "{line}: {:#}", response.body);
                assert!(response.set.is_empty(), "{:?}", response.set);
            }
        }
        let response = refreshed(&app, &[&victims]).await;
        assert_eq!(username_of(&app, &response).await, "hong");
        assert_eq!(outcome(&app, &[&format!("{name}={attackers}")]).await, "OK", "the other session is active as well");
        app.stop().await;
    }
}

/// By default no other host can set the accepted cookie names, so its cookies sign nobody in.
#[tokio::test]
async fn cookie_set_by_another_host_does_not_sign_in() {
    let app = cookie_mode_app(&[]).await;
    with_attacker(&app).await;
    let own = format!("{REFRESH}={}", signed_in(&app).await.0[REFRESH]);
    let attackers = signed_in_as(&app, "mallory").await.0[REFRESH].clone();
    // Browsers treat a name with different leading white space as another name, which any host may set.
    let disguised = ["\u{2003}", "\u{a0}", "\u{3000}", "\u{85}"].map(|space| format!("{space}{REFRESH}={attackers}"));
    for injected in disguised.into_iter().chain([format!("{EARLIER}={attackers}"), format!("{EARLIER}-9={attackers}")])
    {
        let response = refreshed(&app, &[&injected]).await;
        assert_eq!(response.body["data"]["it"]["reason"], "UNKNOWN", "{injected}: {:#}", response.body);
        assert!(response.set.is_empty(), "{:?}", response.set);
        let response = refreshed(&app, &[&format!("{injected}; {own}")]).await;
        assert_eq!(username_of(&app, &response).await, "hong", "{injected}");
    }
    assert_eq!(outcome(&app, &[&format!("{REFRESH}={attackers}")]).await, "OK", "it was not refreshed");
    app.stop().await;
}

/// A session of the previous release continues once; tokens of this release are not accepted under the old name.
#[tokio::test]
async fn old_cookie_name_is_accepted_only_for_tokens_of_the_previous_release() {
    let app = cookie_mode_app(&[]).await;
    let jar = signed_in(&app).await;
    downgrade_sessions(&app).await;
    let first = refreshed(&app, &[&format!("{EARLIER}={}", jar.0[REFRESH])]).await;
    let mut renewed = CookieJar::default();
    renewed.keep(&first.set);
    assert_eq!(outcome(&app, &[&format!("{EARLIER}={}", renewed.0[REFRESH])]).await, "UNKNOWN");
    assert_eq!(outcome(&app, &[&renewed.header()]).await, "OK");
    app.stop().await;
}

/// A browser whose cookies are scoped to the host stays signed in when a path is configured: no other host can set
/// those cookies.
#[tokio::test]
async fn host_cookies_are_migrated_to_a_path() {
    let app = cookie_mode_app(&[]).await;
    let jar = signed_in(&app).await;
    let other = app.another_process_with(&[(PATH.0, Some(PATH.1))]).await;
    let response = refreshed(&other, &[&jar.header()]).await;
    assert_eq!(username_of(&other, &response).await, "hong");
    assert!(response.set[0].starts_with(&format!("{EARLIER}=")), "{:?}", response.set);
    assert!(response.set[1].starts_with(&format!("{REFRESH}=; Path=/; Max-Age=0; ")), "{:?}", response.set);
    other.stop().await;
    app.stop().await;
}

/// The response with a replacement arrives after its session has ended and the next sign-in has completed.
#[tokio::test]
async fn late_cookie_of_an_ended_session_does_not_hide_the_active_one() {
    let app = cookie_mode_app(&[]).await;
    let mut jar = signed_in(&app).await;
    refreshed(&app, &[&jar.header()]).await;
    app.advance(AFTER_GRACE);
    let late = refreshed(&app, &[&jar.header()]).await;
    assert!(late.set[0].starts_with(&format!("{REFRESH}-1=")), "{:?}", late.set);
    let out = json!({ "query": "mutation { signOut { __typename } }" });
    let bearer = format!("Bearer {}", access(&late));
    jar.keep(&app.post(HOME, &[OWN, ("authorization", &bearer), ("cookie", &jar.header())], &out).await.set);
    assert_eq!(outcome(&app, &[&jar.header()]).await, "UNKNOWN", "a sign-out leaves no token: {jar:?}");
    jar.keep(&app.post(HOME, &[OWN, ("cookie", &jar.header())], &sign_in_as("hong")).await.set);
    for _ in 0..3 {
        jar.keep(&late.set);
        app.advance(AFTER_GRACE);
        let response = refreshed(&app, &[&jar.header()]).await;
        assert_eq!(username_of(&app, &response).await, "hong");
        jar.keep(&response.set);
        assert_eq!(refresh_names(&jar).len(), 1, "{jar:?}");
    }
    // Expired, unknown and malformed tokens are skipped as well.
    let junk = ["x".to_owned(), "A".repeat(43)];
    for (slot, value) in [100, 200].into_iter().zip(junk) {
        let response = refreshed(&app, &[&format!("{}; {REFRESH}-{slot}={value}", jar.header())]).await;
        assert_eq!(username_of(&app, &response).await, "hong");
        jar.keep(&response.set);
        assert_eq!(refresh_names(&jar), [&format!("{REFRESH}-{}", slot + 1)], "{jar:?}");
    }
    app.stop().await;
}

/// Two responses for one token within the grace period: the second one removes no cookie of a higher slot.
#[tokio::test]
async fn repeated_response_keeps_higher_slots() {
    let app = cookie_mode_app(&[]).await;
    let mut jar = signed_in(&app).await;
    refreshed(&app, &[&jar.header()]).await;
    jar.0.insert(format!("{REFRESH}-1"), "A".repeat(43));
    let repeated = refreshed(&app, &[&jar.header()]).await;
    assert!(repeated.set.len() == 1 && repeated.set[0].starts_with(&format!("{REFRESH}=")), "{:?}", repeated.set);
    jar.keep(&repeated.set);
    let next = refreshed(&app, &[&jar.header()]).await;
    jar.keep(&next.set);
    assert_eq!(refresh_names(&jar), [&format!("{REFRESH}-2")]);
    // The repeated response arrived late.
    jar.keep(&repeated.set);
    app.advance(AFTER_GRACE);
    assert_eq!(outcome(&app, &[&jar.header()]).await, "OK");
    app.stop().await;
}

/// If every session has ended, the reason of the newest one is returned. No cookie is removed: when the response
/// arrives, the name may contain the token of the next sign-in.
#[tokio::test]
async fn rejection_of_ended_sessions_removes_no_cookie() {
    let app = cookie_mode_app(&[]).await;
    let mut jar = signed_in(&app).await;
    let response = refreshed(&app, &[&jar.header()]).await;
    jar.keep(&response.set);
    let out = json!({ "query": "mutation { signOut { __typename } }" });
    app.post(HOME, &[OWN, ("authorization", &format!("Bearer {}", access(&response)))], &out).await;
    let refused = refreshed(&app, &[&jar.header()]).await;
    assert_eq!((&refused.body["data"]["it"]["reason"], refused.set.len()), (&json!("REVOKED"), 0));
    let several = format!("{}; {REFRESH}-3={}", jar.header(), "A".repeat(43));
    let refused = refreshed(&app, &[&several]).await;
    assert_eq!((&refused.body["data"]["it"]["reason"], refused.set.len()), (&json!("UNKNOWN"), 0));
    jar.keep(&app.post(HOME, &[OWN, ("cookie", &jar.header())], &sign_in_as("hong")).await.set);
    assert_eq!(refresh_names(&jar).len(), 1, "{jar:?}");
    assert_eq!(outcome(&app, &[&jar.header()]).await, "OK");
    app.stop().await;
}

/// A sign-in replaces an active session, and then a late response of the old session arrives: the browser has tokens of
/// two sessions. It is not switched back to the old one, and the next sign-in leaves one cookie.
#[tokio::test]
async fn late_cookie_of_the_previous_session_does_not_switch_sessions() {
    let app = cookie_mode_app(&[]).await;
    let mut jar = signed_in(&app).await;
    refreshed(&app, &[&jar.header()]).await;
    app.advance(AFTER_GRACE);
    let late = refreshed(&app, &[&jar.header()]).await;
    jar.keep(&app.post(HOME, &[OWN, ("cookie", &jar.header())], &sign_in_as("hong")).await.set);
    assert_eq!(refresh_names(&jar).len(), 1, "{jar:?}");
    jar.keep(&late.set);
    assert_eq!(refresh_names(&jar).len(), 2, "the late response used another name: {jar:?}");
    assert_eq!(outcome(&app, &[&jar.header()]).await, "AMBIGUOUS");
    jar.keep(&app.post(HOME, &[OWN, ("cookie", &jar.header())], &sign_in_as("hong")).await.set);
    assert_eq!(refresh_names(&jar).len(), 1, "{jar:?}");
    assert_eq!(outcome(&app, &[&jar.header()]).await, "OK");
    app.stop().await;
}

/// A client chooses the names of its cookies, so it can choose a slot.
#[tokio::test]
async fn client_chosen_slots_are_limited() {
    let app = cookie_mode_app(&[]).await;
    for slot in ["1000000", "1000001", "2147483647", "2147483648", "-1", "99999999999999999999"] {
        let cookie = format!("{REFRESH}-{slot}=x");
        let mut jar = CookieJar::default();
        jar.keep(&app.post(HOME, &[OWN, ("cookie", &cookie)], &sign_in_as("hong")).await.set);
        let first = jar.header();
        refreshed(&app, &[&first]).await;
        app.advance(AFTER_GRACE);
        // Replaced, then repeated: the replacement and the token after it would use the next slots.
        for _ in 0..2 {
            let response = refreshed(&app, &[&first]).await;
            assert_eq!(
                response.body["data"]["it"]["__typename"], "RefreshSessionPayload",
                "{slot}: {:#}",
                response.body
            );
            jar.keep(&response.set);
        }
        let response = refreshed(&app, &[&jar.header()]).await;
        assert_eq!(username_of(&app, &response).await, "hong", "{slot}: {:#}", response.body);
        app.advance(Duration::from_secs(60));
    }
    let slots = app.column("SELECT CAST(MAX(cookie_slot) AS TEXT) FROM refresh_token").await;
    assert_eq!(slots, ["1000000"]);
    app.stop().await;
}

/// A device token set by another host does not become a device of the account that signs in.
#[tokio::test]
async fn device_cookie_set_by_another_host_is_ignored() {
    for (settings, own) in [(vec![], DEVICE), (vec![PATH], EARLIER_DEVICE)] {
        let app = cookie_mode_app(&settings).await;
        with_attacker(&app).await;
        let attackers = signed_in_as(&app, "mallory").await.0[own].clone();
        let injected = format!("{EARLIER_DEVICE}={attackers}");
        let mut jar = CookieJar::default();
        jar.keep(&app.post(HOME, &[OWN, ("cookie", &injected)], &sign_in_as("hong")).await.set);
        assert_ne!(jar.0[own], attackers);
        // The attacker's own account still knows it.
        let mut again = CookieJar::default();
        again.keep(&app.post(HOME, &[OWN, ("cookie", &injected)], &sign_in_as("mallory")).await.set);
        assert_eq!(again.0[own], attackers);
        app.stop().await;
    }
}
