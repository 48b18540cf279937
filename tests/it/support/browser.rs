//! A browser in cookie mode: one cookie jar for all tabs, and responses with their `Set-Cookie` headers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::TestApp;

/// Cookies by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CookieJar(pub BTreeMap<String, String>);

impl CookieJar {
    /// The value of the `Cookie` request header.
    pub fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Applies the `Set-Cookie` values of a response.
    pub fn keep(&mut self, set: &[String]) {
        for cookie in set {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0;") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// A response body with its `Set-Cookie` headers.
#[derive(Clone, Debug)]
pub struct ApiResponse {
    pub body: Value,
    pub set: Vec<String>,
}

impl TestApp {
    /// Posts to the API from a client address with these headers.
    pub async fn post(&self, address: &str, headers: &[(&str, &str)], body: &Value) -> ApiResponse {
        let mut request = self.http.post(format!("{}/graphql", self.url)).header("x-forwarded-for", address).json(body);
        for (name, value) in headers {
            request = request.header(*name, reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let response = request.send().await.unwrap();
        let set = response.headers().get_all("set-cookie").iter();
        let set = set.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        ApiResponse { body: response.json().await.unwrap_or_default(), set }
    }
}
