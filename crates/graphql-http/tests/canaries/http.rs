//! Workarounds for the handlers and extractors of async-graphql-axum: what they do with HTTP requests.

use std::sync::atomic::Ordering::SeqCst;

use async_graphql::{BatchRequest, http::is_accept_multipart_mixed};
use async_graphql_axum::{GraphQL, GraphQLBatchRequest, GraphQLRequest, rejection::GraphQLRejection};
use axum::{
    body::{Body, Bytes},
    extract::FromRequest,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{needed, schema::toy};

const BUMP: &str = r#"{"query":"mutation { bump }"}"#;

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

fn request(method: Method, target: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// The response of the library's handler, and how many mutations ran.
async fn stock(request: Request<Body>) -> (Reply, usize) {
    let (schema, effects) = toy();
    let (head, body) = GraphQL::new(schema).oneshot(request).await.unwrap().into_parts();
    let body: Bytes = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (Reply { status: head.status, headers: head.headers, body }, effects.load(SeqCst))
}

async fn post(headers: &[(&str, &str)], body: &str) -> (Reply, usize) {
    stock(request(Method::POST, "/", headers, body)).await
}

#[tokio::test]
async fn mutation_of_a_form_is_executed() {
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let (_, mutations) = post(&[("content-type", kind)], BUMP).await;
        needed(mutations == 1, "handler.rs requires application/json");
    }
    let form = format!(
        "--x\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{BUMP}\r\n--x\r\n\
                        content-disposition: form-data; name=\"map\"\r\n\r\n{{}}\r\n--x--\r\n"
    );
    let (reply, mutations) = post(&[("content-type", "multipart/form-data; boundary=x")], &form).await;
    needed(mutations == 1, &format!("handler.rs requires application/json: {}", reply.body));
    let (_, mutations) = post(&[], BUMP).await;
    needed(mutations == 1, "handler.rs requires a content type");
}

#[tokio::test]
async fn mutation_by_get_is_executed() {
    let (_, mutations) = stock(request(Method::GET, "/?query=mutation%7Bbump%7D", &[], "")).await;
    needed(mutations == 1, "handler.rs refuses mutations by GET");
}

#[tokio::test]
async fn operation_name_of_a_query_string_is_lost() {
    let request = request(Method::GET, "/?query=query%20A%7Bhello%7D&operationName=A", &[], "");
    let read = GraphQLRequest::<GraphQLRejection>::from_request(request, &()).await.ok().unwrap().into_inner();
    needed(read.operation_name.is_none(), "request.rs reads query strings");
}

#[tokio::test]
async fn accept_is_ignored() {
    for accept in ["application/json", "text/html", "text/event-stream"] {
        let (reply, _) = post(&[("accept", accept)], r#"{"query":"{ hello }"}"#).await;
        let kind = reply.headers[header::CONTENT_TYPE].to_str().unwrap();
        needed(
            kind == "application/graphql-response+json",
            "negotiate.rs reads Accept, http_response.rs sets the media type",
        );
    }
}

#[tokio::test]
async fn refused_document_has_status_200() {
    let (reply, _) = post(&[("accept", "application/graphql-response+json")], r#"{"query":"{ unknown }"}"#).await;
    needed(reply.status == 200, "response.rs determines the status");
}

#[tokio::test]
async fn malformed_body_has_no_json_response() {
    let (reply, _) = post(&[("content-type", "application/json")], "{").await;
    assert_eq!(reply.status, 400);
    let is_json = serde_json::from_str::<serde_json::Value>(&reply.body).is_ok();
    needed(!is_json, "request.rs names errors of the body");
}

#[tokio::test]
async fn body_is_read_without_limit() {
    let large = format!(r#"{{"query":"{{ hello }}","x":"{}"}}"#, "x".repeat(4 * 1024 * 1024));
    let router =
        axum::Router::new().route_service("/", GraphQL::new(toy().0)).layer(axum::extract::DefaultBodyLimit::max(1024));
    let response = router.oneshot(request(Method::POST, "/", &[], &large)).await.unwrap();
    needed(response.status() == 200, "body.rs limits bodies");
}

async fn extracted(body: &str) -> Option<BatchRequest> {
    let request = request(Method::POST, "/", &[("content-type", "application/json")], body);
    Some(GraphQLBatchRequest::<GraphQLRejection>::from_request(request, &()).await.ok()?.into_inner())
}

#[tokio::test]
async fn array_of_values_is_a_request() {
    let read = extracted(r#"["{ hello }"]"#).await;
    needed(matches!(read, Some(BatchRequest::Single(_))), "request.rs reads arrays");
}

#[tokio::test]
async fn batch_has_no_limit() {
    let read = extracted(&format!("[{}]", vec![r#"{"query":"{ hello }"}"#; 10_000].join(","))).await;
    needed(matches!(read, Some(BatchRequest::Batch(_))), "request.rs limits batches");
}

#[tokio::test]
async fn empty_values_are_refused() {
    for body in ["\u{feff}{\"query\":\"{ hello }\"}", r#"{"query":"{ hello }","variables":""}"#] {
        needed(extracted(body).await.is_none(), "request.rs reads a byte order mark and empty values");
    }
}

#[tokio::test]
async fn parts_of_a_multipart_response_are_not_apollos() {
    let accept = "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=\"1.0\"";
    let (reply, _) = post(&[("accept", accept)], r#"{"query":"subscription { count(to: 1) }"}"#).await;
    assert!(reply.body.contains(r#"{"data":{"count":1}}"#), "{}", reply.body);
    needed(!reply.body.contains("\"payload\""), "stream/multipart.rs writes results under `payload`");
    needed(reply.body.starts_with("--graphql"), "stream/multipart.rs sends the boundary together with the part");
}

#[test]
fn accept_of_apollo_router_is_not_recognised() {
    let accepted = is_accept_multipart_mixed("multipart/mixed;subscriptionSpec=1.0, application/json");
    needed(!accepted, "negotiate.rs reads Accept");
}
