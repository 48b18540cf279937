//! Traces exported to a collector: one trace from the caller through the outbox to the provider.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, any_value::Value as Any},
    trace::v1::Span,
};
use prost::Message;
use serde_json::json;

use super::child::ChildConfig;
use crate::{
    delivery::{
        fake_provider::FakeProvider,
        setup::{SECRET, accept_all, code},
    },
    support::TEST_TIMEOUT,
};

const PHONE: &str = "+821055551234";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

type ExportedSpans = Arc<Mutex<Vec<Bytes>>>;

/// A collector that records what it receives.
async fn collector() -> (String, ExportedSpans) {
    let exported = ExportedSpans::default();
    let keep = async |State(exported): State<ExportedSpans>, headers: HeaderMap, body: Bytes| {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        exported.lock().unwrap().push(body);
    };
    let router = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&exported));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, exported)
}

fn spans(exported: &ExportedSpans) -> Vec<Span> {
    let exported = exported.lock().unwrap();
    let requests = exported.iter().map(|body| ExportTraceServiceRequest::decode(body.clone()).unwrap());
    let resources = requests.flat_map(|request| request.resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let word = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(word)) => word.clone(),
        other => panic!("{other:?}"),
    };
    span.attributes.iter().map(|pair| (pair.key.clone(), word(&pair.value))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_spans_caller_outbox_and_provider() {
    let gateway = FakeProvider::start(accept_all).await;
    let (url, exported) = collector().await;
    let config = ChildConfig::new()
        .await
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &url)
        .with("SMS_PROVIDER", "webhook")
        .with("DELIVERY_WEBHOOK_URL", &gateway.url())
        .with("DELIVERY_WEBHOOK_SECRET", SECRET);
    let child = config.serve().await;
    let document = "mutation($phone: String!) { it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $phone } }) \
                    { __typename } }";
    let request = child
        .http
        .post(format!("{}/graphql", child.url))
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .json(&json!({ "query": document, "variables": { "phone": PHONE } }));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let seen = gateway.wait_for_requests(1).await.remove(0);
    let handed_on = seen.header("traceparent").to_owned();
    assert!(handed_on.starts_with(&format!("00-{TRACE}-")), "{handed_on}");
    // Pending spans are exported at shutdown.
    child.signal("TERM");
    assert!(child.wait_exit(TEST_TIMEOUT).await.success());

    let ours: Vec<_> = spans(&exported).into_iter().filter(|span| hex::encode(&span.trace_id) == TRACE).collect();
    let named = |name: &str| {
        let found = ours.iter().find(|span| span.name == name);
        found.unwrap_or_else(|| panic!("no {name} in {:?}", ours.iter().map(|span| &span.name).collect::<Vec<_>>()))
    };
    let (request, operation, deliver, call) =
        (named("request"), named("operation"), named("deliver"), named("provider"));
    let id = |span: &Span| hex::encode(&span.span_id);
    let parent = |span: &Span| hex::encode(&span.parent_span_id);
    assert_eq!(parent(request), PARENT);
    assert_eq!(parent(operation), id(request));
    assert_eq!(parent(deliver), id(operation));
    assert_eq!(parent(call), id(deliver));
    assert_eq!(handed_on, format!("00-{TRACE}-{}-01", id(call)));
    assert_eq!(attributes(operation)["graphql.operation"], "sendVerificationCode");
    assert_eq!((attributes(call)["provider"].as_str(), attributes(call)["outcome"].as_str()), ("webhook", "accepted"));
    // No personal data and no code is exported.
    let secrets = [PHONE.to_owned(), PHONE[3..].to_owned(), code(&seen), seen.header("webhook-id").to_owned()];
    for body in exported.lock().unwrap().iter() {
        let text = String::from_utf8_lossy(body);
        assert!(secrets.iter().all(|secret| !text.contains(secret.as_str())), "{text}");
    }
}

/// An unreachable collector delays nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unresponsive_collector_delays_nothing() {
    let config = ChildConfig::new().await.with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let child = config.serve().await;
    for at in 0..5 {
        assert!(child.send_code("198.51.100.1", &format!("+82105555{at}000")).await.is_some());
    }
    child.signal("TERM");
    assert!(child.wait_exit(TEST_TIMEOUT).await.success(), "{}", config.log_text());
}
