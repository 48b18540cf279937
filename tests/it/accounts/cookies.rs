//! CSRF protection of the refresh token in a cookie (TK-12).

use serde_json::{Value, json};

use crate::support::{PASSWORD, Setup, TestApp};

const PAGE: &str = "https://app.example.com";

/// A browser with a refresh cookie on a page.
struct Browser {
    http: reqwest::Client,
    url: String,
}

impl Browser {
    fn of(app: &TestApp) -> Self {
        Self { http: reqwest::Client::builder().build().unwrap(), url: format!("{}/graphql", app.url()) }
    }

    async fn post(&self, headers: &[(&str, &str)], body: Value) -> (u16, Value) {
        let mut request = self.http.post(&self.url).header("x-forwarded-for", "198.51.100.9").json(&body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }
}

#[tokio::test]
async fn tk_12_foreign_page_can_neither_refresh_nor_sign_out() {
    let app = Setup::new().await.with("REFRESH_COOKIE", "on").with("CORS_ORIGINS", PAGE).start().await;
    let client = app.anonymous();
    let proof = app.proof(&client, "SIGN_UP", "+821012345678").await;
    client.sign_up(json!({ "proofToken": proof, "username": "hong", "password": PASSWORD })).await;
    let browser = Browser::of(&app);
    let sign_in = json!({
        "query": "mutation($p: String!) { signIn(input: { identifier: \"hong\", password: $p }) { __typename } }",
        "variables": { "p": PASSWORD },
    });
    let response =
        browser.http.post(&browser.url).header("origin", PAGE).header("x-requested-with", "fetch").json(&sign_in);
    let response = response.send().await.unwrap();
    let cookies = response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned());
    let cookie = cookies.into_iter().find(|cookie| cookie.contains("-refresh=")).unwrap();
    let cookie = cookie.split(';').next().unwrap();

    let refresh =
        json!({ "query": "mutation { refreshSession(input: {}) { __typename ... on RefreshRejected { reason } } }" });
    let refreshed =
        |response: &(u16, Value)| response.1["data"]["refreshSession"]["__typename"] == "RefreshSessionPayload";
    let header = ("x-requested-with", "fetch");
    for foreign in ["https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com", "null"] {
        for headers in
            [vec![("cookie", cookie), ("origin", foreign)], vec![("cookie", cookie), ("origin", foreign), header]]
        {
            let response = browser.post(&headers, refresh.clone()).await;
            assert!(!refreshed(&response), "{foreign}: {response:?}");
        }
    }
    // Requests that a form or an image can send do not reach a resolver.
    for (kind, body) in [
        ("text/plain", refresh.to_string()),
        ("application/x-www-form-urlencoded", format!("query={}", refresh["query"].as_str().unwrap())),
    ] {
        let request = browser.http.post(&browser.url).header("cookie", cookie).header("content-type", kind);
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status(), 415, "{kind}");
    }
    let by_get = format!("{}?query=mutation%7BrefreshSession(input:%7B%7D)%7B__typename%7D%7D", browser.url);
    let by_get = browser.http.get(by_get).header("cookie", cookie).header("x-requested-with", "fetch");
    let by_get = by_get.send().await.unwrap();
    assert_eq!(by_get.status(), 405);
    // None of these requests exchanged the token: the page itself can still do so, and the cookie alone authenticates
    // nothing else.
    let me = json!({ "query": "{ me { id } }" });
    let response = browser.post(&[("cookie", cookie), ("origin", PAGE), header], me).await;
    assert_eq!(response.1["data"]["me"], Value::Null);
    let response = browser.post(&[("cookie", cookie), ("origin", PAGE)], refresh.clone()).await;
    assert_eq!(response.1["data"]["refreshSession"]["reason"], "UNKNOWN", "without the header: {response:?}");
    let response = browser.post(&[("cookie", cookie), ("origin", PAGE), header], refresh).await;
    assert!(refreshed(&response), "{response:?}");
    app.stop().await;
}
