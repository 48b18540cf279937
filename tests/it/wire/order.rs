//! The keys of a response follow the order of the query, however long each field takes (GraphQL specification, 7.2.2).

use futures_util::StreamExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::server::TestServer;

/// Slow fields first, in an object, in a union member and at the root. `Cat` and `Dog` select the fields in different
/// orders.
const QUERY: &str = "{ slow(ms: 60) hello pet(dog: true) { ... on Cat { name slow(ms: 20) } ... on Dog { slow(ms: 20) name } } \
                     cat: pet(dog: false) { ... on Dog { slow(ms: 20) name } ...C } nested { slow(ms: 20) a: hello ...S } } \
                     fragment C on Cat { name slow(ms: 20) } fragment S on Query { number(of: 7) hello slow(ms: 20) }";
const DATA: &str = r#"{"data":{"slow":"done","hello":"world","pet":{"slow":"done","name":"Rex"},"cat":{"name":"Tom","slow":"done"},"nested":{"slow":"done","a":"world","number":7,"hello":"world"}}}"#;

#[tokio::test]
async fn tr_05_keys_follow_query_order_on_every_transport() {
    let server = TestServer::with(&[("MAX_BATCH", "2")]).await;
    let plain = server.query(QUERY).await;
    assert_eq!(plain.text, DATA);
    let batch = server.post(json!([{ "query": QUERY }, { "query": "{ slow(ms: 5) hello }" }])).await;
    assert_eq!(batch.text, format!(r#"[{DATA},{{"data":{{"slow":"done","hello":"world"}}}}]"#));
    for accept in ["text/event-stream", "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"] {
        let headers = [("content-type", "application/json"), ("accept", accept)];
        let body = json!({ "query": QUERY }).to_string();
        let reply = server.send(reqwest::Method::POST, "/graphql", &headers, body).await;
        assert!(reply.text.contains(DATA), "{accept}: {}", reply.text);
    }
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", QUERY).await;
    let Some(Ok(Message::Text(text))) = socket.0.next().await else { panic!("no message") };
    assert_eq!(text.as_str(), format!(r#"{{"id":"1","type":"next","payload":{DATA}}}"#));
}

#[tokio::test]
async fn tr_05_skipped_fields_do_not_affect_key_order() {
    let server = TestServer::with(&[]).await;
    let query =
        "query($no: Boolean!) { hello @include(if: $no) slow(ms: 20) ... @skip(if: $no) { number(of: 1) } hello }";
    for (no, data) in [
        (false, r#"{"data":{"slow":"done","number":1,"hello":"world"}}"#),
        (true, r#"{"data":{"hello":"world","slow":"done"}}"#),
    ] {
        let reply = server.post(json!({ "query": query, "variables": { "no": no } })).await;
        assert_eq!(reply.text, data);
    }
}

/// Fields that the server adds to the selection are in no response, and their aliases cannot collide with a client's.
#[tokio::test]
async fn tr_05_union_without_a_selected_member_is_an_empty_object() {
    let server = TestServer::with(&[]).await;
    let reply = server.query("{ pet(dog: true) { ... on Cat { name } } }").await;
    assert_eq!(reply.text, r#"{"data":{"pet":{}}}"#);
    let reply = server.query("{ pet(dog: true) { __typename ... on Dog { name } } }").await;
    assert_eq!(reply.text, r#"{"data":{"pet":{"__typename":"Dog","name":"Rex"}}}"#);
    // Failed fields are null in their position.
    let reply = server.query("{ slow(ms: 20) broken hello }").await;
    assert!(reply.text.contains(r#""data":{"slow":"done","broken":null,"hello":"world"}"#), "{}", reply.text);
}
