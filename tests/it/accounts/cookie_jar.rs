//! Refresh and device tokens in cookies: cookie names, foreign cookies, and the transports that can set cookies.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{ApiResponse, CookieJar, PASSWORD, Setup, TestApp};

pub(super) const HOME: &str = "198.51.100.1";
pub(super) const OWN: (&str, &str) = ("x-requested-with", "fetch");
pub(super) const REFRESH: &str = "__Host-countersign-refresh";
pub(super) const DEVICE: &str = "__Host-countersign-device";
pub(super) const EARLIER: &str = "__Secure-countersign-refresh";

/// A server in cookie mode with one account.
pub(super) async fn cookie_mode_app(settings: &[(&str, &str)]) -> TestApp {
    let setup = settings
        .iter()
        .fold(Setup::new().await.with("REFRESH_COOKIE", "on"), |setup, (name, value)| setup.with(name, value));
    let app = setup.start().await;
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_UP", "+821012345678").await;
    client.sign_up(json!({ "proofToken": proof, "username": "hong", "password": PASSWORD })).await;
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

/// The cookie jar after a sign-in.
pub(super) async fn signed_in(app: &TestApp) -> CookieJar {
    let mut jar = CookieJar::default();
    jar.keep(&app.post(HOME, &[OWN], &sign_in()).await.set);
    jar
}

pub(super) async fn refreshed(app: &TestApp, cookies: &[&str]) -> ApiResponse {
    let cookies = cookies.iter().map(|cookie| ("cookie", *cookie));
    app.post(HOME, &cookies.chain([OWN]).collect::<Vec<_>>(), &refresh()).await
}

/// The result of a refresh with these `Cookie` headers: OK, the reason of the rejection, or the error code.
pub(super) async fn outcome(app: &TestApp, cookies: &[&str]) -> String {
    let body = refreshed(app, cookies).await.body;
    let refused = body["data"]["it"]["reason"].as_str().or(body["errors"][0]["extensions"]["code"].as_str());
    refused.unwrap_or("OK").to_owned()
}

#[tokio::test]
async fn foreign_cookies_do_not_end_a_session() {
    let app = cookie_mode_app(&[]).await;
    let mut jar = signed_in(&app).await;
    let own = format!("{REFRESH}={}", jar.0[REFRESH]);
    for others in [
        vec![format!("nick=김민지; {own}")],
        vec![format!("{own}; nick=김민지")],
        vec!["nick=김민지".to_owned(), own.clone(), "=; ;flag; a=\"b".to_owned()],
        vec![format!("{REFRESH}er=x; x{own}; {own}")],
    ] {
        let lines: Vec<_> = others.iter().map(String::as_str).collect();
        let response = refreshed(&app, &lines).await;
        assert_eq!(
            response.body["data"]["it"]["__typename"], "RefreshSessionPayload",
            "{others:?}: {:#}",
            response.body
        );
        jar.keep(&response.set);
    }
    app.stop().await;
}

#[tokio::test]
async fn duplicate_refresh_cookies_are_rejected_and_end_nothing() {
    let app = cookie_mode_app(&[]).await;
    let jar = signed_in(&app).await;
    let own = format!("{REFRESH}={}", jar.0[REFRESH]);
    let injected = format!("{REFRESH}={}", "A".repeat(43));
    for lines in [
        vec![format!("{own}; {injected}")],
        vec![format!("{injected}; {own}")],
        vec![injected.clone(), own.clone()],
        vec![format!("{own}; {own}")],
        vec![format!("{own}; {REFRESH}=x")],
    ] {
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let response = refreshed(&app, &lines).await;
        assert_eq!(response.body["data"]["it"]["reason"], "AMBIGUOUS", "{lines:?}");
        assert!(response.set.is_empty(), "{:?}", response.set);
    }
    assert_eq!(outcome(&app, &[&own]).await, "OK");
    app.stop().await;
}

#[tokio::test]
async fn tk_12_cookies_are_scoped_to_the_host_or_a_path() {
    for (settings, refresh, device, path) in [
        (vec![], REFRESH, DEVICE, "Path=/; "),
        (vec![("REFRESH_COOKIE_PATH", "/id/graphql")], EARLIER, "__Secure-countersign-device", "Path=/id/graphql; "),
    ] {
        let app = cookie_mode_app(&settings).await;
        let set = app.post(HOME, &[OWN], &sign_in()).await.set;
        for (name, age) in [(refresh, "604800"), (device, "31536000")] {
            let cookie = set.iter().find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap();
            let attributes = format!("; {path}Max-Age={age}; HttpOnly; Secure; SameSite=Strict");
            assert!(cookie.ends_with(&attributes), "{cookie}");
        }
        let mut jar = CookieJar::default();
        jar.keep(&set);
        assert_eq!(outcome(&app, &[&jar.header()]).await, "OK");
        // The device of the cookie is known: no notice is sent, and it keeps its token.
        let again = app.post(HOME, &[OWN, ("cookie", &jar.header())], &sign_in()).await;
        let mut after = jar.clone();
        after.keep(&again.set);
        assert_eq!(after.0[device], jar.0[device]);
        app.stop().await;
    }
}

/// Cookies of the previous release are accepted once under their old names and replaced.
#[tokio::test]
async fn cookies_of_the_previous_release_are_migrated() {
    let app = cookie_mode_app(&[]).await;
    let jar = signed_in(&app).await;
    downgrade_sessions(&app).await;
    let earlier = format!("{EARLIER}={}; __Secure-countersign-device={}", jar.0[REFRESH], jar.0[DEVICE]);
    let response = refreshed(&app, &[&earlier]).await;
    assert_eq!(response.body["data"]["it"]["__typename"], "RefreshSessionPayload", "{:#}", response.body);
    let set = &response.set;
    assert!(set[0].starts_with(&format!("{REFRESH}=")) && set[0].contains("; Path=/; "), "{set:?}");
    assert!(set[1].starts_with(&format!("{EARLIER}=; Path=/graphql; Max-Age=0; ")), "{set:?}");
    let mut renewed = CookieJar::default();
    renewed.keep(set);
    // A remaining cookie of the previous release is ignored.
    assert_eq!(outcome(&app, &[&format!("{earlier}; {}", renewed.header())]).await, "OK");
    let again = app.post(HOME, &[OWN, ("cookie", &earlier)], &sign_in()).await;
    let mut after = CookieJar::default();
    after.keep(&again.set);
    assert_eq!(after.0[DEVICE], jar.0[DEVICE], "the device is known by its old cookie: {:?}", again.set);
    app.stop().await;
}

/// Leaves all sessions as the migrations leave those of a release before `__Host-` names.
pub(super) async fn downgrade_sessions(app: &TestApp) {
    let update = "UPDATE session SET authenticated_at = created_at, authentication_methods = NULL, \
         authentication_counts = FALSE RETURNING id";
    app.column(update).await;
}

/// The response with a replaced token arrives after the response with its replacement.
#[tokio::test]
async fn late_cookie_does_not_sign_out() {
    let app = cookie_mode_app(&[]).await;
    let mut jar = signed_in(&app).await;
    let late = refreshed(&app, &[&jar.header()]).await;
    app.advance(Duration::from_secs(11));
    let replaced = refreshed(&app, &[&jar.header()]).await;
    jar.keep(&replaced.set);
    let access = replaced.body["data"]["it"]["tokens"]["accessToken"].as_str().unwrap();
    assert_eq!(app.anonymous().with_token(access).me().await["username"], "hong");
    let stolen = {
        let mut only_the_late_one = CookieJar::default();
        only_the_late_one.keep(&late.set);
        only_the_late_one
    };
    jar.keep(&late.set);
    for _ in 0..3 {
        app.advance(Duration::from_secs(3600));
        let response = refreshed(&app, &[&jar.header()]).await;
        assert_eq!(response.body["data"]["it"]["__typename"], "RefreshSessionPayload", "{:#}", response.body);
        jar.keep(&response.set);
        assert_eq!(jar.0.keys().filter(|name| name.contains("refresh")).count(), 1, "{jar:?}");
        jar.keep(&late.set);
    }
    // A client that has only the replaced token is a second client.
    assert_eq!(outcome(&app, &[&stolen.header()]).await, "REUSED");
    assert_eq!(outcome(&app, &[&jar.header()]).await, "REVOKED");
    app.stop().await;
}

/// Two tabs refresh concurrently, and one of the responses arrives after the next refresh.
#[tokio::test]
async fn late_duplicate_response_does_not_sign_out() {
    let app = cookie_mode_app(&[]).await;
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
async fn cookie_mode_creates_no_session_over_a_stream() {
    let app = cookie_mode_app(&[]).await;
    let (sessions, devices) = (app.row_count("session").await, app.row_count("device").await);
    let sign_up = json!({ "query": "mutation($p: String!) { signUp(input: { proofToken: \"x\", username: \"kim\", password: $p }) \
         { __typename } }", "variables": { "p": PASSWORD } });
    let with_proof = json!({ "query": "mutation { signInWithProof(input: { proofToken: \"x\" }) { __typename } }" });
    for body in [sign_in(), sign_up, with_proof, refresh()] {
        assert_rejected_without_cookies(&app, None, &body).await;
    }
    assert_eq!((app.row_count("session").await, app.row_count("device").await), (sessions, devices));
    // The same operations work over plain HTTP.
    assert!(!signed_in(&app).await.0.is_empty());
    app.stop().await;
}

/// The operation is rejected on every transport that cannot set cookies.
async fn assert_rejected_without_cookies(app: &TestApp, token: Option<&str>, body: &Value) {
    for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
        let request = app.http().post(format!("{}/graphql", app.url())).header("accept", accept).header(OWN.0, OWN.1);
        let request = request.header("accept-language", "en");
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let text = request.json(body).send().await.unwrap().text().await.unwrap();
        assert!(text.contains("plain HTTP POST request") && text.contains("BAD_REQUEST"), "{accept}: {text}");
        assert!(!text.contains("Token\":\""), "{accept}: {text}");
    }
    let client = token.into_iter().fold(app.anonymous(), |client, token| client.with_token(token));
    let mut socket = client.socket().await;
    socket.send(&json!({ "id": "1", "type": "subscribe", "payload": body })).await;
    let message = socket.receive().await.unwrap().to_string();
    assert!(message.contains("HTTP POST") && message.contains("BAD_REQUEST"), "{message}");
    // The same for a page whose requests may not include cookies.
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("origin", "https://evil.example"), OWN];
    headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
    let foreign = app.post(HOME, &headers, body).await;
    assert_eq!(foreign.body["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{:#}", foreign.body);
}

/// An operation that forgets the devices and issues another device token sets a cookie, so it is rejected where none
/// can be set.
#[tokio::test]
async fn cookie_mode_does_not_reset_devices_over_a_stream() {
    let app = cookie_mode_app(&[]).await;
    let mut jar = CookieJar::default();
    let response = app.post(HOME, &[OWN], &sign_in()).await;
    jar.keep(&response.set);
    let access = response.body["data"]["signIn"]["tokens"]["accessToken"].as_str().unwrap();
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
        assert_rejected_without_cookies(&app, Some(access), body).await;
    }
    assert!(kept(&app.column(ended).await) && app.dump("device").await == devices, "the operation was executed");
    // Without a token the error discloses nothing more than before.
    let unknown = app.anonymous().execute(out["query"].as_str().unwrap(), json!({})).await;
    assert_eq!(unknown["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{unknown:#}");
    // The proof was not spent, and the device gets its token over plain HTTP.
    let response = app.post(HOME, &[OWN, ("cookie", &jar.header())], &reset).await;
    assert_eq!(response.body["data"]["it"]["__typename"], "ResetPasswordPayload", "{:#}", response.body);
    assert!(response.set.iter().any(|cookie| cookie.starts_with(&format!("{DEVICE}="))), "{:?}", response.set);
    app.stop().await;
}

/// A password change that keeps the devices sets no cookie, so it works on every transport.
#[tokio::test]
async fn cookie_mode_allows_password_change_over_a_socket_if_devices_are_kept() {
    let app = cookie_mode_app(&[]).await;
    let response = app.post(HOME, &[OWN], &sign_in()).await;
    let access = response.body["data"]["signIn"]["tokens"]["accessToken"].as_str().unwrap();
    let body = json!({ "query": "mutation($p: String!) { changePassword(input: { currentPassword: $p, \
        newPassword: \"Another-Password-7\", keepOtherSessions: true }) { __typename } }", "variables": { "p": PASSWORD } });
    let mut socket = app.anonymous().with_token(access).socket().await;
    socket.send(&json!({ "id": "1", "type": "subscribe", "payload": body })).await;
    let message = socket.receive().await.unwrap().to_string();
    assert!(message.contains("ChangePasswordPayload"), "{message}");
    app.stop().await;
}
