//! Several refresh cookies in one request: those of ended sessions, those that another host of the domain set, and slots.

use std::time::Duration;

use serde_json::{Value, json};

use super::cookie_jar::{
    DEVICE, EARLIER, HOME, OWN, REFRESH, begun_by_an_earlier_release, outcome, refreshed, service, sign_in_as,
    signed_in,
};
use crate::support::{ApiResponse, CookieJar, PASSWORD, TestApp};

const AFTER_GRACE: Duration = Duration::from_secs(11);
const PATH: (&str, &str) = ("REFRESH_COOKIE_PATH", "/id/graphql");
const EARLIER_DEVICE: &str = "__Secure-countersign-device";

/// The account of an attacker, beside hong's.
async fn with_attacker(app: &TestApp) {
    let person = app.client_at("203.0.113.66");
    let proof = app.proof(&person, "SIGN_UP", "+821087654321").await;
    person.sign_up(json!({ "proofToken": proof, "username": "mallory", "password": PASSWORD })).await;
}

async fn signed_in_as(app: &TestApp, name: &str) -> CookieJar {
    let mut jar = CookieJar::default();
    jar.keep(&app.post(HOME, &[OWN], &sign_in_as(name)).await.set);
    jar
}

fn access(answer: &ApiResponse) -> &str {
    answer.body["data"]["it"]["tokens"]["accessToken"].as_str().unwrap_or_else(|| panic!("{:#}", answer.body))
}

async fn whose(app: &TestApp, answer: &ApiResponse) -> Value {
    app.anonymous().with_token(access(answer)).me().await["username"].clone()
}

fn refresh_names(jar: &CookieJar) -> Vec<&String> {
    jar.0.keys().filter(|name| name.contains("refresh")).collect()
}

/// A higher slot that another host set (login CSRF) does not take the browser into the attacker's session.
#[tokio::test]
async fn refresh_cookies_of_two_sessions_are_refused_and_end_nothing() {
    for (settings, name) in [(vec![PATH], EARLIER), (vec![], REFRESH)] {
        let app = service(&settings).await;
        with_attacker(&app).await;
        let victims = format!("{name}={}", signed_in(&app).await.0[name]);
        let attackers = signed_in_as(&app, "mallory").await.0[name].clone();
        for planted in [format!("{name}-7={attackers}"), format!("{name}-1={attackers}")] {
            for line in [format!("{victims}; {planted}"), format!("{planted}; {victims}")] {
                let answer = refreshed(&app, &[&line]).await;
                assert_eq!(answer.body["data"]["it"]["reason"], "AMBIGUOUS", "{line}: {:#}", answer.body);
                assert!(answer.set.is_empty(), "{:?}", answer.set);
            }
        }
        let answer = refreshed(&app, &[&victims]).await;
        assert_eq!(whose(&app, &answer).await, "hong");
        assert_eq!(outcome(&app, &[&format!("{name}={attackers}")]).await, "OK", "the other session is live as well");
        app.stop().await;
    }
}

/// By default no other host can set the names that count, so its cookies sign nobody in.
#[tokio::test]
async fn a_cookie_that_another_host_set_does_not_sign_its_browser_in() {
    let app = service(&[]).await;
    with_attacker(&app).await;
    let own = format!("{REFRESH}={}", signed_in(&app).await.0[REFRESH]);
    let attackers = signed_in_as(&app, "mallory").await.0[REFRESH].clone();
    // Browsers take a name with other white space before it for another name, which any host may set.
    let disguised = ["\u{2003}", "\u{a0}", "\u{3000}", "\u{85}"].map(|space| format!("{space}{REFRESH}={attackers}"));
    for planted in disguised.into_iter().chain([format!("{EARLIER}={attackers}"), format!("{EARLIER}-9={attackers}")]) {
        let answer = refreshed(&app, &[&planted]).await;
        assert_eq!(answer.body["data"]["it"]["reason"], "UNKNOWN", "{planted}: {:#}", answer.body);
        assert!(answer.set.is_empty(), "{:?}", answer.set);
        let answer = refreshed(&app, &[&format!("{planted}; {own}")]).await;
        assert_eq!(whose(&app, &answer).await, "hong", "{planted}");
    }
    assert_eq!(outcome(&app, &[&format!("{REFRESH}={attackers}")]).await, "OK", "it was not exchanged");
    app.stop().await;
}

/// A session of an earlier release goes on once; what this release issued does not count under the earlier name.
#[tokio::test]
async fn an_earlier_name_counts_only_for_what_an_earlier_release_issued() {
    let app = service(&[]).await;
    let jar = signed_in(&app).await;
    begun_by_an_earlier_release(&app).await;
    let first = refreshed(&app, &[&format!("{EARLIER}={}", jar.0[REFRESH])]).await;
    let mut renewed = CookieJar::default();
    renewed.keep(&first.set);
    assert_eq!(outcome(&app, &[&format!("{EARLIER}={}", renewed.0[REFRESH])]).await, "UNKNOWN");
    assert_eq!(outcome(&app, &[&renewed.header()]).await, "OK");
    app.stop().await;
}

/// A browser whose cookies are for the whole host goes on when a path is set: no other host can set those cookies.
#[tokio::test]
async fn cookies_for_the_whole_host_are_taken_over_by_a_path() {
    let app = service(&[]).await;
    let jar = signed_in(&app).await;
    let other = app.another_process_with(&[(PATH.0, Some(PATH.1))]).await;
    let answer = refreshed(&other, &[&jar.header()]).await;
    assert_eq!(whose(&other, &answer).await, "hong");
    assert!(answer.set[0].starts_with(&format!("{EARLIER}=")), "{:?}", answer.set);
    assert!(answer.set[1].starts_with(&format!("{REFRESH}=; Path=/; Max-Age=0; ")), "{:?}", answer.set);
    other.stop().await;
    app.stop().await;
}

/// The answer with a replacement comes after its session was ended and the next sign-in was answered.
#[tokio::test]
async fn a_late_cookie_of_an_ended_session_does_not_hide_the_live_one() {
    let app = service(&[]).await;
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
        let answer = refreshed(&app, &[&jar.header()]).await;
        assert_eq!(whose(&app, &answer).await, "hong");
        jar.keep(&answer.set);
        assert_eq!(refresh_names(&jar).len(), 1, "{jar:?}");
    }
    // Tokens that expired, are unknown, or are none are passed over as well.
    let junk = ["x".to_owned(), "A".repeat(43)];
    for (slot, value) in [100, 200].into_iter().zip(junk) {
        let answer = refreshed(&app, &[&format!("{}; {REFRESH}-{slot}={value}", jar.header())]).await;
        assert_eq!(whose(&app, &answer).await, "hong");
        jar.keep(&answer.set);
        assert_eq!(refresh_names(&jar), [&format!("{REFRESH}-{}", slot + 1)], "{jar:?}");
    }
    app.stop().await;
}

/// Two answers to one token within the grace: the second one removes no cookie in a higher slot.
#[tokio::test]
async fn a_repeated_answer_leaves_higher_slots_alone() {
    let app = service(&[]).await;
    let mut jar = signed_in(&app).await;
    refreshed(&app, &[&jar.header()]).await;
    jar.0.insert(format!("{REFRESH}-1"), "A".repeat(43));
    let repeated = refreshed(&app, &[&jar.header()]).await;
    assert!(repeated.set.len() == 1 && repeated.set[0].starts_with(&format!("{REFRESH}=")), "{:?}", repeated.set);
    jar.keep(&repeated.set);
    let next = refreshed(&app, &[&jar.header()]).await;
    jar.keep(&next.set);
    assert_eq!(refresh_names(&jar), [&format!("{REFRESH}-2")]);
    // The repeated answer came late.
    jar.keep(&repeated.set);
    app.advance(AFTER_GRACE);
    assert_eq!(outcome(&app, &[&jar.header()]).await, "OK");
    app.stop().await;
}

/// Where every session is over, the newest one's reason is answered. No cookie is removed: by the time that the answer
/// arrives, the name may hold the token of the next sign-in.
#[tokio::test]
async fn a_refusal_of_ended_sessions_removes_no_cookie() {
    let app = service(&[]).await;
    let mut jar = signed_in(&app).await;
    let answer = refreshed(&app, &[&jar.header()]).await;
    jar.keep(&answer.set);
    let out = json!({ "query": "mutation { signOut { __typename } }" });
    app.post(HOME, &[OWN, ("authorization", &format!("Bearer {}", access(&answer)))], &out).await;
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

/// A sign-in over a live session, and then the late answer of that one: the browser has tokens of two sessions. It is not
/// taken back into the first one, and the next sign-in leaves one cookie.
#[tokio::test]
async fn a_late_cookie_of_the_session_before_does_not_take_its_browser_back() {
    let app = service(&[]).await;
    let mut jar = signed_in(&app).await;
    refreshed(&app, &[&jar.header()]).await;
    app.advance(AFTER_GRACE);
    let late = refreshed(&app, &[&jar.header()]).await;
    jar.keep(&app.post(HOME, &[OWN, ("cookie", &jar.header())], &sign_in_as("hong")).await.set);
    assert_eq!(refresh_names(&jar).len(), 1, "{jar:?}");
    jar.keep(&late.set);
    assert_eq!(refresh_names(&jar).len(), 2, "the late answer took a name of its own: {jar:?}");
    assert_eq!(outcome(&app, &[&jar.header()]).await, "AMBIGUOUS");
    jar.keep(&app.post(HOME, &[OWN, ("cookie", &jar.header())], &sign_in_as("hong")).await.set);
    assert_eq!(refresh_names(&jar).len(), 1, "{jar:?}");
    assert_eq!(outcome(&app, &[&jar.header()]).await, "OK");
    app.stop().await;
}

/// A client chooses the names of its cookies, so it can choose a slot.
#[tokio::test]
async fn slots_that_a_client_chose_are_bounded() {
    let app = service(&[]).await;
    for slot in ["1000000", "1000001", "2147483647", "2147483648", "-1", "99999999999999999999"] {
        let cookie = format!("{REFRESH}-{slot}=x");
        let mut jar = CookieJar::default();
        jar.keep(&app.post(HOME, &[OWN, ("cookie", &cookie)], &sign_in_as("hong")).await.set);
        let first = jar.header();
        refreshed(&app, &[&first]).await;
        app.advance(AFTER_GRACE);
        // Replaced, then repeated: the replacement and the token after it would take the next slots.
        for _ in 0..2 {
            let answer = refreshed(&app, &[&first]).await;
            assert_eq!(answer.body["data"]["it"]["__typename"], "RefreshSessionPayload", "{slot}: {:#}", answer.body);
            jar.keep(&answer.set);
        }
        let answer = refreshed(&app, &[&jar.header()]).await;
        assert_eq!(whose(&app, &answer).await, "hong", "{slot}: {:#}", answer.body);
        app.advance(Duration::from_secs(60));
    }
    let slots = app.column("SELECT CAST(MAX(cookie_slot) AS TEXT) FROM refresh_token").await;
    assert_eq!(slots, ["1000000"]);
    app.stop().await;
}

/// A device token that another host set does not become one of the account that signs in.
#[tokio::test]
async fn a_device_cookie_that_another_host_set_names_no_device() {
    for (settings, own) in [(vec![], DEVICE), (vec![PATH], EARLIER_DEVICE)] {
        let app = service(&settings).await;
        with_attacker(&app).await;
        let attackers = signed_in_as(&app, "mallory").await.0[own].clone();
        let planted = format!("{EARLIER_DEVICE}={attackers}");
        let mut jar = CookieJar::default();
        jar.keep(&app.post(HOME, &[OWN, ("cookie", &planted)], &sign_in_as("hong")).await.set);
        assert_ne!(jar.0[own], attackers);
        // The attacker's own account still knows it.
        let mut again = CookieJar::default();
        again.keep(&app.post(HOME, &[OWN, ("cookie", &planted)], &sign_in_as("mallory")).await.set);
        assert_eq!(again.0[own], attackers);
        app.stop().await;
    }
}
