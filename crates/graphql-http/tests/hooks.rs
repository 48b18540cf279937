//! What a service can add to the transports: each hook is called where it is documented.
#![expect(clippy::unwrap_used, reason = "helpers outside of test functions may panic; the lint exempts only the tests")]

use std::{
    mem,
    sync::{Arc, Mutex},
};

use async_graphql::{Context, EmptyMutation, Object, Response, Subscription};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, request::Parts},
};
use countersign_graphql_http::{
    Access, Authentication, Authenticator, BearerToken, Code, Endpoint, FirstResult, Limit, OpenConnection, Operation,
    Operations, Permit, Refusal, Run, Schema, Settings, Shutdown,
};
use futures_util::{FutureExt, Stream, future::BoxFuture, stream};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::sync::Notify;
use tower::ServiceExt;

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, entry: impl Into<String>) {
        self.0.lock().unwrap().push(entry.into());
    }

    fn take(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap())
    }

    /// Logs the end of something open.
    fn permit(&self, what: &'static str) -> Permit {
        self.add(format!("{what} opened"));
        Box::new(Held(self.clone(), what))
    }
}

struct Held(Log, &'static str);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add(format!("{} closed", self.1));
    }
}

#[derive(Clone)]
struct Client(&'static str);

#[derive(Clone)]
struct Identity(Option<String>);

struct Query;

#[Object]
impl Query {
    async fn who(&self, context: &Context<'_>) -> String {
        context.data_unchecked::<Log>().add("resolver");
        let identity = context.data_unchecked::<Identity>().0.clone().unwrap_or_default();
        format!("{} {identity}", context.data_unchecked::<Client>().0)
    }

    async fn panics(&self) -> String {
        std::hint::black_box(None::<String>).unwrap()
    }
}

struct Events;

#[Subscription]
impl Events {
    async fn one(&self) -> impl Stream<Item = usize> {
        stream::iter([1])
    }

    async fn silence(&self) -> impl Stream<Item = usize> {
        stream::pending()
    }
}

#[derive(Clone, Default)]
struct Recorder {
    log: Log,
    /// Ends the validity of tokens.
    revoked: Arc<Notify>,
    overloaded: bool,
    full: bool,
}

impl Authenticator for Recorder {
    type Client = Client;
    type Identity = Identity;

    fn client(&self, _: &Parts) -> Client {
        Client("client")
    }

    fn authenticate(&self, token: Option<&BearerToken>) -> Authentication<Identity> {
        Authentication::Accepted(Identity(token.map(|token| token.expose().to_owned())))
    }

    fn until_invalid(&self, token: Option<BearerToken>, _: &Identity) -> Option<BoxFuture<'static, ()>> {
        let revoked = self.revoked.clone();
        token.map(|_| async move { revoked.notified().await }.boxed())
    }
}

impl Access for Recorder {
    fn check_request(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match headers.contains_key("x-refused") {
            true => Err(Refusal::http(StatusCode::IM_A_TEAPOT, Code::Forbidden, "No.")),
            false => Ok(()),
        }
    }

    fn acquire_for_client(&self, _: &Client) -> Result<Permit, Refusal> {
        match self.full {
            true => Err(Refusal::http(StatusCode::TOO_MANY_REQUESTS, Code::RateLimited, "Too many.")),
            false => Ok(self.log.permit("place")),
        }
    }

    fn close_connection(&self, _: &Parts) {
        self.log.add("connection closed");
    }

    fn begin_response(&self, client: &mut Client, _: &Parts) {
        *client = Client("responder");
    }

    fn finish_response(&self, client: &Client, headers: &mut HeaderMap) {
        headers.insert("x-client", HeaderValue::from_static(client.0));
    }
}

impl Operations for Recorder {
    fn admit(&self, operation: &mut Operation, _: &Client) -> Result<Run, BoxFuture<'static, Refusal>> {
        if self.overloaded {
            return Err(async { Refusal::unavailable("Busy.") }.boxed());
        }
        operation.request.data.insert(self.log.clone());
        let (log, root) = (self.log.clone(), operation.roots[0].field.clone());
        log.add(format!("admitted {root}"));
        Ok(Box::new(move |work| {
            async move {
                let response: Response = work.await;
                log.add("ran");
                response
            }
            .boxed()
        }))
    }

    fn subscribe(&self, _: &mut Operation, _: &Client) -> FirstResult {
        let log = self.log.clone();
        Box::new(move |response| log.add(format!("first result {}", response.data)))
    }

    fn refused(&self, code: Code) {
        self.log.add(code.as_str());
    }

    fn opened(&self, open: OpenConnection) -> Permit {
        self.log.permit(match open {
            OpenConnection::Socket => "socket",
            OpenConnection::Stream(transport) => transport.as_str(),
        })
    }

    fn internal_error(&self, _: &Client) -> Refusal {
        Refusal { extensions: vec![("requestId", "7".into())], ..Refusal::document(Code::Internal, "Sorry.") }
    }
}

impl Recorder {
    async fn respond(&self, query: &str, headers: &[(header::HeaderName, &str)]) -> axum::response::Response {
        let executor = async_graphql::Schema::new(Query, EmptyMutation, Events);
        let schema = Schema { sdl: executor.sdl(), executor, scalars: |_, _| None };
        let settings = Settings { max_body: Limit::named(200, "MAX_BODY"), ..Settings::default() };
        let router = Endpoint::new(schema, settings, self.clone(), Shutdown::default()).unwrap().router("/");
        let mut request = Request::builder().method(Method::POST).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let body = Body::from(json!({ "query": query }).to_string());
        router.oneshot(request.body(body).unwrap()).await.unwrap()
    }
}

async fn text(response: axum::response::Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

const STREAM: (header::HeaderName, &str) = (header::ACCEPT, "text/event-stream");
const TOKEN: (header::HeaderName, &str) = (header::AUTHORIZATION, "Bearer abc");

#[tokio::test]
async fn query_runs_within_the_hooks() {
    let service = Recorder::default();
    let response = service.respond("{ who }", &[TOKEN]).await;
    assert_eq!(response.headers()["x-client"], "responder");
    assert_eq!(text(response).await, r#"{"data":{"who":"responder abc"}}"#);
    assert_eq!(service.log.take(), ["admitted who", "resolver", "ran"]);
}

#[tokio::test]
async fn request_can_be_refused_by_its_headers() {
    let refused = header::HeaderName::from_static("x-refused");
    let response = Recorder::default().respond("{ who }", &[(refused, "1")]).await;
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
}

#[tokio::test]
async fn operation_without_capacity_does_not_run() {
    let service = Recorder { overloaded: true, ..Recorder::default() };
    let response = service.respond("{ who }", &[]).await;
    assert!(text(response).await.contains("Busy."));
    assert!(service.log.take().is_empty());
}

#[tokio::test]
async fn refused_document_is_reported() {
    let service = Recorder::default();
    assert_eq!(service.respond("{", &[]).await.headers().get("x-client"), None);
    assert_eq!(service.log.take(), ["BAD_REQUEST"]);
}

#[tokio::test]
async fn panic_has_the_error_of_the_service() {
    let body = text(Recorder::default().respond("{ panics }", &[]).await).await;
    assert!(body.contains(r#""message":"Sorry.""#) && body.contains(r#""requestId":"7""#), "{body}");
}

#[tokio::test]
async fn large_body_closes_the_connection() {
    let service = Recorder::default();
    let response = service.respond(&"x".repeat(300), &[]).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text(response).await.contains("larger than 200 bytes (MAX_BODY)"));
    assert_eq!(service.log.take(), ["connection closed"]);
}

#[tokio::test]
async fn stream_holds_its_permit_until_it_ends() {
    let service = Recorder::default();
    let body = text(service.respond("subscription { one }", &[STREAM]).await).await;
    assert!(body.contains("event: next\ndata: {\"data\":{\"one\":1}}"), "{body}");
    let log = service.log.take();
    assert_eq!(log, ["place opened", "sse opened", "first result {one: 1}", "place closed", "sse closed"]);

    let abandoned = service.respond("subscription { silence }", &[STREAM]).await;
    assert_eq!(service.log.take(), ["place opened", "sse opened"]);
    drop(abandoned);
    assert_eq!(service.log.take(), ["place closed", "sse closed"]);
}

#[tokio::test]
async fn stream_without_a_permit_is_refused() {
    let service = Recorder { full: true, ..Recorder::default() };
    let response = service.respond("subscription { one }", &[STREAM]).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn stream_ends_when_its_token_is_no_longer_valid() {
    let service = Recorder::default();
    let response = service.respond("subscription { silence }", &[STREAM, TOKEN]).await;
    service.revoked.notify_one();
    let body = text(response).await;
    assert!(body.contains("UNAUTHENTICATED") && body.contains("event: complete"), "{body}");
}
