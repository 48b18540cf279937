//! Refresh tokens and revocation.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, SignedIn, TestApp};

fn refresh_of(response: &Value) -> String {
    response["tokens"]["refreshToken"].as_str().unwrap_or_else(|| panic!("{response:#}")).to_owned()
}

#[tokio::test]
async fn tk_02_refresh_token_is_exchanged_for_a_working_successor() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let client = app.anonymous();
    let mut token = signed_in.refresh.clone();
    for _ in 0..5 {
        app.advance(Duration::from_secs(60));
        let next = client.refresh(&token).await;
        let access = next["tokens"]["accessToken"].as_str().unwrap();
        assert_eq!(client.clone().with_token(access).me().await["username"], "hong");
        let successor = refresh_of(&next);
        assert_ne!(successor, token);
        token = successor;
    }
    for unknown in ["", "x", signed_in.access.as_str(), signed_in.device.as_str()] {
        assert_eq!(client.refresh(unknown).await["reason"], "UNKNOWN", "{unknown}");
    }
    app.stop().await;
}

#[tokio::test]
async fn tk_03_tk_04_reuse_returns_the_same_successor_until_it_is_a_theft() {
    let app = TestApp::start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let client = app.anonymous();
    let first = refresh_of(&client.refresh(&signed_in.refresh).await);
    // The response was lost: within the grace period the same successor is returned, and afterwards another one, as
    // long as the successor was not used.
    app.advance(Duration::from_secs(10));
    assert_eq!(refresh_of(&client.refresh(&signed_in.refresh).await), first);
    app.advance(Duration::from_secs(3600));
    let lost = first;
    let first = refresh_of(&client.refresh(&signed_in.refresh).await);
    assert_ne!(first, lost);
    let second = refresh_of(&client.refresh(&first).await);
    // Two tabs: the token exchanged a moment ago returns the same successor; its predecessor is rejected.
    app.advance(Duration::from_secs(10));
    assert_eq!(refresh_of(&client.refresh(&first).await), second);
    app.advance(Duration::from_secs(1));
    let third = refresh_of(&client.refresh(&second).await);
    let reused = client.refresh(&first).await;
    assert_eq!(reused["reason"], "REUSED", "{reused:#}");
    assert_eq!(client.refresh(&third).await["reason"], "REVOKED");
    assert_eq!(app.client_for(&signed_in).me().await, Value::Null);
    app.stop().await;
}

#[tokio::test]
async fn tk_12_idle_and_absolute_timeouts_hold() {
    let app = Setup::new().await.with("SESSION_MAX_AGE", "10d").start().await;
    let signed_in = app.signed_up("hong", "+821012345678").await;
    let client = app.anonymous();
    let day = Duration::from_secs(86_400);
    app.advance(day * 6);
    let response = client.refresh(&signed_in.refresh).await;
    assert_eq!(response["tokens"]["refreshExpiresAt"], "2026-03-12T03:00:00.000Z");
    app.advance(day * 4 - Duration::from_secs(1));
    let last = client.refresh(&refresh_of(&response)).await;
    assert_eq!(
        (&last["tokens"]["expiresIn"], &last["tokens"]["refreshExpiresAt"]),
        (&json!(1), &json!("2026-03-12T03:00:00.000Z"))
    );
    app.advance(Duration::from_secs(1));
    assert_eq!(client.refresh(&refresh_of(&last)).await["reason"], "EXPIRED");

    let idle = SignedIn::of(&client.sign_in_as("hong").await);
    app.advance(day * 7);
    assert_eq!(client.refresh(&idle.refresh).await["reason"], "EXPIRED");
    app.stop().await;
}

#[tokio::test]
async fn tk_07_tk_11_ended_session_is_rejected_everywhere() {
    let app = TestApp::start().await;
    let first = app.signed_up("hong", "+821012345678").await;
    let second = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let third = SignedIn::of(&app.anonymous().sign_in_as("hong").await);
    let other = app.another_process().await;
    assert_eq!(other.client_for(&second).me().await["username"], "hong");

    // A session of another account looks like an unknown one.
    let other_client = app.signed_up("kim", "+821099990000").await;
    let sessions = app.client_for(&first).me().await["sessions"]["nodes"].clone();
    assert_eq!(sessions.as_array().unwrap().len(), 3);
    let revoke = |client: crate::support::ApiClient, id: Value| async move { client.revoke_session(&id).await };
    let id_of = |token: &SignedIn| {
        let client = app.client_for(token);
        async move {
            let nodes = client.me().await["sessions"]["nodes"].clone();
            nodes.as_array().unwrap().iter().find(|node| node["current"] == true).unwrap()["id"].clone()
        }
    };
    let second_id = id_of(&second).await;
    assert_eq!(revoke(app.client_for(&other_client), second_id.clone()).await["__typename"], "SessionNotFound");
    let revoked = revoke(app.client_for(&first), second_id.clone()).await;
    assert_eq!(revoked["session"], json!({ "id": second_id, "current": false }));
    assert_eq!(revoke(app.client_for(&first), second_id).await["__typename"], "SessionNotFound");
    assert_eq!(app.client_for(&second).me().await, Value::Null);
    assert_eq!(app.anonymous().refresh(&second.refresh).await["reason"], "REVOKED");
    assert_rejected_within_the_lag(&other, &second).await;
    assert_eq!(other.client_for(&third).me().await["username"], "hong");

    assert_eq!(app.client_for(&first).sign_out_everywhere().await["sessionsEnded"], 2);
    assert_rejected_within_the_lag(&other, &third).await;
    assert_eq!(other.client_for(&other_client).me().await["username"], "kim");
    // A process that starts later knows it as well.
    let late = app.another_process().await;
    assert_eq!(late.client_for(&first).me().await, Value::Null);
    for app in [late, other, app] {
        app.stop().await;
    }
}

/// `REVOCATION_LAG` plus a margin for a busy machine.
async fn assert_rejected_within_the_lag(app: &TestApp, signed_in: &SignedIn) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(6);
    while app.client_for(signed_in).me().await != Value::Null {
        assert!(tokio::time::Instant::now() < deadline, "still accepted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn tk_12_refresh_token_is_not_in_the_body_in_cookie_mode() {
    let app = Setup::new().await.with("REFRESH_COOKIE", "on").start().await;
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_UP", "+821012345678").await;
    let made = client.sign_up(json!({ "proofToken": proof, "username": "hong", "password": PASSWORD })).await;
    assert_eq!((&made["tokens"]["refreshToken"], &made["deviceToken"]), (&Value::Null, &Value::Null));

    let http = reqwest::Client::builder().build().unwrap();
    let post = |document: &str, cookie: Option<&str>, protected: bool| {
        let mut request = http
            .post(format!("{}/graphql", app.url()))
            .header("x-forwarded-for", "198.51.100.9")
            .json(&json!({ "query": document }));
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        if protected {
            request = request.header("x-requested-with", "XMLHttpRequest");
        }
        request.send()
    };
    let sign_in = format!(
        "mutation {{ signIn(input: {{ identifier: \"hong\", password: \"{PASSWORD}\" }}) {{ \
         ... on SignInPayload {{ tokens {{ accessToken refreshToken }} }} }} }}"
    );
    let response = post(&sign_in, None, true).await.unwrap();
    let cookies: Vec<String> =
        response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
    let refresh = cookies.iter().find(|cookie| cookie.contains("-refresh=")).unwrap();
    for attribute in ["__Host-", "HttpOnly", "Secure", "SameSite=Strict", "Path=/;", "Max-Age=604800"] {
        assert!(refresh.contains(attribute), "{attribute}: {refresh}");
    }
    let pair = refresh.split(';').next().unwrap();
    let document = "mutation { refreshSession(input: {}) { __typename ... on RefreshRejected { reason } \
         ... on RefreshSessionPayload { tokens { accessToken refreshToken } } } }";
    let unprotected: Value = post(document, Some(pair), false).await.unwrap().json().await.unwrap();
    assert_eq!(unprotected["data"]["refreshSession"]["reason"], "UNKNOWN", "{unprotected:#}");
    let response = post(document, Some(pair), true).await.unwrap();
    assert!(
        response.headers().get_all("set-cookie").iter().any(|cookie| cookie.to_str().unwrap().contains("-refresh="))
    );
    let response: Value = response.json().await.unwrap();
    let tokens = &response["data"]["refreshSession"]["tokens"];
    assert!(tokens["accessToken"].is_string() && tokens["refreshToken"].is_null(), "{response:#}");
    app.stop().await;
}
