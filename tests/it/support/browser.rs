//! A browser's part of cookie mode: one jar for all tabs, and requests whose whole answer shows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::TestApp;

/// Cookies by name, whatever order the answers came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jar(pub BTreeMap<String, String>);

impl Jar {
    /// The `Cookie` header of a request.
    pub fn header(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Takes over the cookies that an answer sets and removes.
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

/// An answer with what its head sets.
#[derive(Clone, Debug)]
pub struct Answered {
    pub body: Value,
    pub set: Vec<String>,
}

impl TestApp {
    /// Posts to the API from a client address, with these headers.
    pub async fn post(&self, address: &str, headers: &[(&str, &str)], body: &Value) -> Answered {
        let mut request = self.http.post(format!("{}/graphql", self.url)).header("x-forwarded-for", address).json(body);
        for (name, value) in headers {
            request = request.header(*name, reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let answer = request.send().await.unwrap();
        let set = answer.headers().get_all("set-cookie").iter();
        let set = set.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        Answered { body: answer.json().await.unwrap_or_default(), set }
    }
}
