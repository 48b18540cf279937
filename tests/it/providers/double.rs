//! A test double of a provider's HTTP API: records requests and returns queued responses.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::net::TcpListener;

/// A recorded request.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    pub method: String,
    /// Path and query of the request line.
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: Bytes,
}

impl RecordedRequest {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The fields of a form. A duplicate field is an error.
    pub fn form(&self) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(&self.body) {
            let before = fields.insert(name.clone().into_owned(), value.into_owned());
            assert_eq!(before, None, "{name} is a duplicate");
        }
        fields
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The response to return.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string()).with("content-type", "application/json")
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::builder().status(StatusCode::from_u16(self.status).unwrap());
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(self.body)).unwrap()
    }
}

/// The test double. It stops with the test's runtime.
#[derive(Clone)]
pub struct Double {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    seen: Vec<RecordedRequest>,
    replies: VecDeque<Reply>,
}

impl Double {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    /// Starts at a given address, for clients that were configured with it beforehand.
    pub async fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let double = Self { address: listener.local_addr().unwrap(), shared: Arc::default() };
        let app = axum::Router::new().fallback(answer).with_state(double.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        double
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Queues the response to the next request. Without a queued response a request gets 501.
    pub fn then(&self, reply: Reply) -> &Self {
        self.shared.lock().unwrap().replies.push_back(reply);
        self
    }

    /// The requests since the last call.
    pub fn take(&self) -> Vec<RecordedRequest> {
        std::mem::take(&mut self.shared.lock().unwrap().seen)
    }

    /// The only request since the last call.
    pub fn take_one(&self) -> RecordedRequest {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }
}

async fn answer(State(double): State<Double>, request: Request) -> Reply {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let seen = RecordedRequest {
        method: parts.method.to_string(),
        line: parts.uri.to_string(),
        headers: headers.collect(),
        body,
    };
    let mut shared = double.shared.lock().unwrap();
    shared.seen.push(seen);
    shared.replies.pop_front().unwrap_or_else(|| Reply::text(501, "no response is queued"))
}
