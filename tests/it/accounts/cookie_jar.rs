//! Refresh and device tokens in cookies: their names, whose cookies are beside them, which transports set them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answered, Jar, PASSWORD, Setup, TestApp};

pub(super) const HOME: &str = "198.51.100.1";
pub(super) const OWN: (&str, &str) = ("x-requested-with", "fetch");
pub(super) const REFRESH: &str = "__Host-countersign-refresh";
pub(super) const DEVICE: &str = "__Host-countersign-device";
pub(super) const EARLIER: &str = "__Secure-countersign-refresh";

/// A service in cookie mode, with an account to sign in to.
pub(super) async fn service(settings: &[(&str, &str)]) -> TestApp {
    let setup = settings
        .iter()
        .fold(Setup::new().await.with("REFRESH_COOKIE", "on"), |setup, (name, value)| setup.with(name, value));
    let app = setup.start().await;
    let person = app.anonymous();
    let proof = app.proof(&person, "SIGN_UP", "+821012345678").await;
    person.sign_up(json!({ "proofToken": proof, "username": "hong", "password": PASSWORD })).await;
    app
}

fn sign_in() -> Value {
    sign_in_as("hong")
}

pub(super) fn sign_in_as(name: &str) -> Value {
    let document = "mutation($n: String!, $p: String!) { signIn(input: { identifier: $n, password: $p }) { __typename \
         ... on SignInPayload { deviceToken tokens { accessToken refreshToken } } } }";
    json!({ "query": document, "variables": { "n": name, "p": PASSWORD } })
}

fn refresh() -> Value {
    let document = "mutation { it: refreshSession(input: {}) { __typename ... on RefreshRejected { reason } \
         ... on RefreshSessionPayload { tokens { accessToken refreshToken } } } }";
    json!({ "query": document })
}

/// The jar after a sign-in.
pub(super) async fn signed_in(app: &TestApp) -> Jar {
    let mut jar = Jar::default();
    jar.keep(&app.post(HOME, &[OWN], &sign_in()).await.set);
    jar
}

pub(super) async fn refreshed(app: &TestApp, cookies: &[&str]) -> Answered {
    let cookies = cookies.iter().map(|cookie| ("cookie", *cookie));
    app.post(HOME, &cookies.chain([OWN]).collect::<Vec<_>>(), &refresh()).await
}

/// What a refresh with these `Cookie` headers was answered: OK, the reason of its refusal, or the code of its error.
pub(super) async fn outcome(app: &TestApp, cookies: &[&str]) -> String {
    let body = refreshed(app, cookies).await.body;
    let refused = body["data"]["it"]["reason"].as_str().or(body["errors"][0]["extensions"]["code"].as_str());
    refused.unwrap_or("OK").to_owned()
}

#[tokio::test]
async fn cookies_of_others_do_not_sign_anybody_out() {
    let app = service(&[]).await;
    let mut jar = signed_in(&app).await;
    let own = format!("{REFRESH}={}", jar.0[REFRESH]);
    for others in [
        vec![format!("nick=김민지; {own}")],
        vec![format!("{own}; nick=김민지")],
        vec!["nick=김민지".to_owned(), own.clone(), "=; ;flag; a=\"b".to_owned()],
        vec![format!("{REFRESH}er=x; x{own}; {own}")],
    ] {
        let lines: Vec<_> = others.iter().map(String::as_str).collect();
        let answer = refreshed(&app, &lines).await;
        assert_eq!(answer.body["data"]["it"]["__typename"], "RefreshSessionPayload", "{others:?}: {:#}", answer.body);
        jar.keep(&answer.set);
    }
    app.stop().await;
}

#[tokio::test]
async fn two_refresh_cookies_of_one_name_are_refused_and_end_nothing() {
    let app = service(&[]).await;
    let jar = signed_in(&app).await;
    let own = format!("{REFRESH}={}", jar.0[REFRESH]);
    let planted = format!("{REFRESH}={}", "A".repeat(43));
    for lines in [
        vec![format!("{own}; {planted}")],
        vec![format!("{planted}; {own}")],
        vec![planted.clone(), own.clone()],
        vec![format!("{own}; {own}")],
        vec![format!("{own}; {REFRESH}=x")],
    ] {
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let answer = refreshed(&app, &lines).await;
        assert_eq!(answer.body["data"]["it"]["reason"], "AMBIGUOUS", "{lines:?}");
        assert!(answer.set.is_empty(), "{:?}", answer.set);
    }
    assert_eq!(outcome(&app, &[&own]).await, "OK");
    app.stop().await;
}

#[tokio::test]
async fn tk_12_cookies_are_for_this_host_or_for_a_path() {
    for (settings, refresh, device, path) in [
        (vec![], REFRESH, DEVICE, "Path=/; "),
        (vec![("REFRESH_COOKIE_PATH", "/id/graphql")], EARLIER, "__Secure-countersign-device", "Path=/id/graphql; "),
    ] {
        let app = service(&settings).await;
        let set = app.post(HOME, &[OWN], &sign_in()).await.set;
        for (name, age) in [(refresh, "604800"), (device, "31536000")] {
            let cookie = set.iter().find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap();
            let attributes = format!("; {path}Max-Age={age}; HttpOnly; Secure; SameSite=Strict");
            assert!(cookie.ends_with(&attributes), "{cookie}");
        }
        let mut jar = Jar::default();
        jar.keep(&set);
        assert_eq!(outcome(&app, &[&jar.header()]).await, "OK");
        // The device that the cookie names is known: its sign-in is no news, and it keeps its name.
        let again = app.post(HOME, &[OWN, ("cookie", &jar.header())], &sign_in()).await;
        let mut after = jar.clone();
        after.keep(&again.set);
        assert_eq!(after.0[device], jar.0[device]);
        app.stop().await;
    }
}

/// Cookies of the release before are read once more, under their old names, and replaced.
#[tokio::test]
async fn cookies_of_an_earlier_release_are_taken_over() {
    let app = service(&[]).await;
    let jar = signed_in(&app).await;
    begun_by_an_earlier_release(&app).await;
    let earlier = format!("{EARLIER}={}; __Secure-countersign-device={}", jar.0[REFRESH], jar.0[DEVICE]);
    let answer = refreshed(&app, &[&earlier]).await;
    assert_eq!(answer.body["data"]["it"]["__typename"], "RefreshSessionPayload", "{:#}", answer.body);
    let set = &answer.set;
    assert!(set[0].starts_with(&format!("{REFRESH}=")) && set[0].contains("; Path=/; "), "{set:?}");
    assert!(set[1].starts_with(&format!("{EARLIER}=; Path=/graphql; Max-Age=0; ")), "{set:?}");
    let mut renewed = Jar::default();
    renewed.keep(set);
    // What is left of the earlier release does not count beside it.
    assert_eq!(outcome(&app, &[&format!("{earlier}; {}", renewed.header())]).await, "OK");
    let again = app.post(HOME, &[OWN, ("cookie", &earlier)], &sign_in()).await;
    let mut after = Jar::default();
    after.keep(&again.set);
    assert_eq!(after.0[DEVICE], jar.0[DEVICE], "the device is known by its old cookie: {:?}", again.set);
    app.stop().await;
}

/// Leaves all sessions as the migrations leave those of a release before `__Host-` names.
pub(super) async fn begun_by_an_earlier_release(app: &TestApp) {
    let update = "UPDATE session SET authenticated_at = created_at, authentication_methods = NULL, \
         authentication_counts = FALSE RETURNING id";
    app.column(update).await;
}

/// The answer with a replaced token comes after the answer with its replacement.
#[tokio::test]
async fn a_late_cookie_does_not_sign_its_browser_out() {
    let app = service(&[]).await;
    let mut jar = signed_in(&app).await;
    let late = refreshed(&app, &[&jar.header()]).await;
    app.advance(Duration::from_secs(11));
    let replaced = refreshed(&app, &[&jar.header()]).await;
    jar.keep(&replaced.set);
    let access = replaced.body["data"]["it"]["tokens"]["accessToken"].as_str().unwrap();
    assert_eq!(app.anonymous().with_token(access).me().await["username"], "hong");
    let stolen = {
        let mut only_the_late_one = Jar::default();
        only_the_late_one.keep(&late.set);
        only_the_late_one
    };
    jar.keep(&late.set);
    for _ in 0..3 {
        app.advance(Duration::from_secs(3600));
        let answer = refreshed(&app, &[&jar.header()]).await;
        assert_eq!(answer.body["data"]["it"]["__typename"], "RefreshSessionPayload", "{:#}", answer.body);
        jar.keep(&answer.set);
        assert_eq!(jar.0.keys().filter(|name| name.contains("refresh")).count(), 1, "{jar:?}");
        jar.keep(&late.set);
    }
    // A store that has the replaced token alone is another one.
    assert_eq!(outcome(&app, &[&stolen.header()]).await, "REUSED");
    assert_eq!(outcome(&app, &[&jar.header()]).await, "REVOKED");
    app.stop().await;
}

/// Two tabs ask at once, and one of the answers comes after the next refresh.
#[tokio::test]
async fn a_late_copy_of_an_answer_does_not_sign_its_browser_out() {
    let app = service(&[]).await;
    let mut jar = signed_in(&app).await;
    let late = refreshed(&app, &[&jar.header()]).await;
    let prompt = refreshed(&app, &[&jar.header()]).await;
    jar.keep(&prompt.set);
    assert_eq!(late.set[0], prompt.set[0]);
    app.advance(Duration::from_secs(3600));
    let next = refreshed(&app, &[&jar.header()]).await;
    let access = next.body["data"]["it"]["tokens"]["accessToken"].as_str().unwrap();
    assert_eq!(app.anonymous().with_token(access).me().await["username"], "hong");
    jar.keep(&next.set);
    jar.keep(&late.set);
    app.advance(Duration::from_secs(3600));
    assert_eq!(outcome(&app, &[&jar.header()]).await, "OK");
    app.stop().await;
}

/// Where no cookie can be set, no token is issued.
#[tokio::test]
async fn cookie_mode_opens_no_session_over_a_stream() {
    let app = service(&[]).await;
    let (sessions, devices) = (app.rows("session").await, app.rows("device").await);
    let sign_up = json!({ "query": "mutation($p: String!) { signUp(input: { proofToken: \"x\", username: \"kim\", password: $p }) \
         { __typename } }", "variables": { "p": PASSWORD } });
    let with_proof = json!({ "query": "mutation { signInWithProof(input: { proofToken: \"x\" }) { __typename } }" });
    for body in [sign_in(), sign_up, with_proof, refresh()] {
        refused_without_cookies(&app, None, &body).await;
    }
    assert_eq!((app.rows("session").await, app.rows("device").await), (sessions, devices));
    // The same operations are answered over plain HTTP.
    assert!(!signed_in(&app).await.0.is_empty());
    app.stop().await;
}

/// The operation is refused on every transport that sets no cookies.
async fn refused_without_cookies(app: &TestApp, token: Option<&str>, body: &Value) {
    for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
        let request = app.http().post(format!("{}/graphql", app.url())).header("accept", accept).header(OWN.0, OWN.1);
        let request = request.header("accept-language", "en");
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let text = request.json(body).send().await.unwrap().text().await.unwrap();
        assert!(text.contains("plain HTTP POST request") && text.contains("BAD_REQUEST"), "{accept}: {text}");
        assert!(!text.contains("Token\":\""), "{accept}: {text}");
    }
    let person = token.into_iter().fold(app.anonymous(), |person, token| person.with_token(token));
    let mut socket = person.socket().await;
    socket.send(&json!({ "id": "1", "type": "subscribe", "payload": body })).await;
    let message = socket.receive().await.unwrap().to_string();
    assert!(message.contains("HTTP POST") && message.contains("BAD_REQUEST"), "{message}");
    // Nor for a page that may not bring its cookies along.
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("origin", "https://evil.example"), OWN];
    headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
    let foreign = app.post(HOME, &headers, body).await;
    assert_eq!(foreign.body["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{:#}", foreign.body);
}

/// An operation that forgets the devices and gives this one another token sets a cookie, so it is refused without one.
#[tokio::test]
async fn cookie_mode_forgets_no_device_over_a_stream() {
    let app = service(&[]).await;
    let mut jar = Jar::default();
    let answer = app.post(HOME, &[OWN], &sign_in()).await;
    jar.keep(&answer.set);
    let access = answer.body["data"]["signIn"]["tokens"]["accessToken"].as_str().unwrap();
    app.advance(Duration::from_secs(61));
    let proof = app.proof(&app.anonymous(), "PASSWORD_RESET", "+821012345678").await;
    let kept = |sessions: &[String]| sessions.iter().all(String::is_empty);
    let ended = "SELECT COALESCE(CAST(ended_at AS TEXT), '') FROM session";
    let devices = app.dump("device").await;
    let change = |keep: bool| {
        json!({ "query": "mutation($p: String!, $k: Boolean) { it: changePassword(input: { currentPassword: $p, \
            newPassword: \"Another-Password-7\", keepOtherSessions: $k }) { __typename } }",
            "variables": { "p": PASSWORD, "k": keep } })
    };
    let reset = json!({ "query": "mutation($t: String!) { it: resetPassword(input: { proofToken: $t, \
        newPassword: \"Quiet-Harbour-71!\" }) { __typename } }", "variables": { "t": proof } });
    let out = json!({ "query": "mutation { it: signOutEverywhere { __typename } }" });
    for body in [&change(false), &reset, &out] {
        refused_without_cookies(&app, Some(access), body).await;
    }
    assert!(kept(&app.column(ended).await) && app.dump("device").await == devices, "something was done");
    // Without a token nobody is told more than before.
    let unknown = app.anonymous().ask(out["query"].as_str().unwrap(), json!({})).await;
    assert_eq!(unknown["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{unknown:#}");
    // The proof was not spent, and the device gets its token over plain HTTP.
    let answer = app.post(HOME, &[OWN, ("cookie", &jar.header())], &reset).await;
    assert_eq!(answer.body["data"]["it"]["__typename"], "ResetPasswordPayload", "{:#}", answer.body);
    assert!(answer.set.iter().any(|cookie| cookie.starts_with(&format!("{DEVICE}="))), "{:?}", answer.set);
    app.stop().await;
}

/// A change of password that keeps the devices sets no cookie, so it is answered on every transport.
#[tokio::test]
async fn cookie_mode_changes_a_password_over_a_socket_where_devices_are_kept() {
    let app = service(&[]).await;
    let answer = app.post(HOME, &[OWN], &sign_in()).await;
    let access = answer.body["data"]["signIn"]["tokens"]["accessToken"].as_str().unwrap();
    let body = json!({ "query": "mutation($p: String!) { changePassword(input: { currentPassword: $p, \
        newPassword: \"Another-Password-7\", keepOtherSessions: true }) { __typename } }", "variables": { "p": PASSWORD } });
    let mut socket = app.anonymous().with_token(access).socket().await;
    socket.send(&json!({ "id": "1", "type": "subscribe", "payload": body })).await;
    let message = socket.receive().await.unwrap().to_string();
    assert!(message.contains("ChangePasswordPayload"), "{message}");
    app.stop().await;
}
