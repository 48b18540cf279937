//! Checks that run before execution although the library would skip them or run them too late.

use std::sync::atomic::Ordering::SeqCst;

use serde_json::{Value, json};

use super::server::TestServer;

/// A subscription with its field in every kind of fragment.
const IN_FRAGMENTS: [&str; 6] = [
    "subscription {...F} fragment F on Events {steps(to: 1) {number}}",
    "subscription {...F} fragment F on Events {...G} fragment G on Events {... {steps(to: 1) {...N}}} \
     fragment N on Step {number}",
    "subscription {... on Events {steps(to: 1) {number}}}",
    "subscription {... {steps(to: 1) {number}}}",
    "subscription S($no: Boolean = false) {...F @skip(if: $no)} fragment F on Events {steps(to: 1) @include(if: true) \
     {number}}",
    "subscription A {...F} query B {hello} fragment F on Events {steps(to: 1) {number}}",
];

fn named(document: &str) -> Value {
    let name = document.starts_with("subscription A").then_some("A");
    json!({"query": document, "operationName": name})
}

#[tokio::test]
async fn sb_01_subscription_in_a_fragment_gets_its_events() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!(null)).await;
    for document in IN_FRAGMENTS {
        socket.send_json(json!({"id": "1", "type": "subscribe", "payload": named(document)})).await;
        let event = json!({"id": "1", "type": "next", "payload": {"data": {"steps": {"number": 1}}}});
        assert_eq!(socket.receive().await, event, "{document}");
        assert_eq!(socket.receive().await, json!({"id": "1", "type": "complete"}), "{document}");
    }
}

#[tokio::test]
async fn sb_11_sb_12_subscription_in_a_fragment_gets_its_events_over_http() {
    let server = TestServer::with(&[]).await;
    for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
        for document in IN_FRAGMENTS {
            let headers = [("content-type", "application/json"), ("accept", accept)];
            let reply = server.send(reqwest::Method::POST, "/graphql", &headers, named(document).to_string()).await;
            assert!(reply.text.contains(r#"{"data":{"steps":{"number":1}}}"#), "{accept} {document}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn sb_09_subscription_without_a_field_is_rejected() {
    let server = TestServer::with(&[]).await;
    let mut socket = server.ready(json!(null)).await;
    for (document, words) in [
        ("subscription {__typename}", "can't be __typename"),
        ("subscription {...F} fragment F on Events {silence __typename}", "can't be __typename"),
        ("subscription {silence @skip(if: true)}", "@skip skips"),
        ("subscription {...F @include(if: $no)} fragment F on Events {silence}", "@include skips"),
        ("subscription {...F} fragment F on Events {a: silence b: silence}", "exactly one field"),
        ("subscription {...F} fragment F on Query {hello}", "F"),
        ("subscription {...F @nope} fragment F on Events {silence}", "nope"),
        ("subscription {...F} fragment F on Events @nope {silence}", "nope"),
    ] {
        let document = document.replace("subscription {...F @include", "subscription($no: Boolean!) {...F @include");
        let payload = json!({"query": document, "variables": {"no": false}});
        socket.send_json(json!({"id": "1", "type": "subscribe", "payload": payload})).await;
        let message = socket.receive().await;
        assert_eq!(
            (&message["type"], &message["payload"][0]["extensions"]["code"]),
            (&json!("error"), &json!("BAD_REQUEST")),
            "{document}"
        );
        assert!(message["payload"][0]["message"].as_str().unwrap().contains(words), "{document}: {message}");
    }
    assert_eq!(server.traces.running.load(SeqCst), 0);
}

#[tokio::test]
async fn gq_03_directives_on_typename_are_validated() {
    let server = TestServer::with(&[]).await;
    for text in [
        "{__typename @nope}",
        "{__typename @skip}",
        "{__typename @skip(if: 1)}",
        "{__typename @skip(if: $nobodys)}",
        "{__typename @skip(if: false) @skip(if: false)}",
        "{nested {__typename(a: 1)}}",
        "{__typename {x}}",
        "{... {... on Query {__typename @nope}}}",
        "{...F} fragment F on Query {__typename @nope}",
    ] {
        let reply = server.post_strict(json!({"query": text})).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"), "{text}: {}", reply.text);
        assert!(reply.json().get("data").is_none(), "{text}");
        assert!(reply.json()["errors"][0]["locations"].is_array(), "{text}");
    }
    let many = format!("{{__typename {}}}", "@skip(if: false) ".repeat(6));
    let reply = server.post_strict(json!({"query": many})).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "TOO_COMPLEX"), "{}", reply.text);
    let reply = server.query("{__typename @skip(if: false) @include(if: true)}").await;
    assert_eq!(reply.text, r#"{"data":{"__typename":"Query"}}"#);
}

#[tokio::test]
async fn gq_02_rejection_is_deterministic_and_names_the_setting() {
    let server = TestServer::with(&[]).await;
    let mut text = String::from("{...F0}");
    for n in 0..23 {
        text.push_str(&format!(" fragment F{n} on Query {{...F{} ...F{}}}", n + 1, n + 1));
    }
    text.push_str(" fragment F23 on Query {hello}");
    for _ in 0..4 {
        let reply = server.query(&text).await;
        let extensions = &reply.json()["errors"][0]["extensions"];
        let expected = json!({"code": "TOO_COMPLEX", "limit": "complexity", "allowed": 200, "value": 8_388_608});
        assert_eq!(extensions, &expected);
        assert!(reply.text.contains("at most 200 is allowed (MAX_COMPLEXITY)"), "{}", reply.text);
    }
}

#[tokio::test]
async fn tr_05_value_of_the_wrong_type_is_a_request_error() {
    let server = TestServer::with(&[]).await;
    for (text, variables, place) in [
        ("query($n: Int!) {hello number(of: $n)}", json!({"n": 99_999_999_999_i64}), "of is not valid"),
        ("{hello number(of: 99999999999)}", json!({}), "of is not valid"),
        ("query($n: Int! = 99999999999) {hello number(of: $n)}", json!({}), "of is not valid"),
        ("query($n: Int) {hello number(of: $n)}", json!({}), "of is not valid"),
        ("query($t: String) {hello choose(one: {text: $t})}", json!({}), "one is not valid"),
        ("query($t: String) {hello choose(one: {text: $t})}", json!({"t": null}), "one is not valid"),
        ("query($c: Choice!) {hello choose(one: $c)}", json!({"c": {"number": 3_000_000_000_i64}}), "one.number"),
        ("query($c: Choice!) {...F} fragment F on Query {choose(one: $c)}", json!({"c": {}}), "one is not valid"),
    ] {
        let reply = server.post_strict(json!({"query": text, "variables": variables})).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"), "{text}: {}", reply.text);
        assert!(reply.json().get("data").is_none(), "{text}");
        assert!(reply.text.contains(place) && !reply.text.contains("occurred while"), "{text}: {}", reply.text);
    }
    let text = "query($c: Choice!, $n: Int!) {choose(one: $c) number(of: $n)}";
    let reply = server.post(json!({"query": text, "variables": {"c": {"text": "x"}, "n": 7}})).await;
    assert_eq!(reply.text, r#"{"data":{"choose":"x","number":7}}"#);
}

/// GraphQL specification, section 5.3.2: conflicting selections are rejected, as code generators do.
#[tokio::test]
async fn gq_03_fields_with_the_same_response_key_must_merge() {
    let server = TestServer::with(&[]).await;
    for (text, words) in [
        ("{pet(dog: true) {... on Dog {n: chip} ... on Cat {n: lives}}}", "types \"Int\" and \"Int!\""),
        ("{pet(dog: true) {... on Dog {n: name} ... on Cat {n: lives}}}", "types \"String!\" and \"Int!\""),
        ("{pet(dog: true) {...D ...C}} fragment D on Dog {n: twin {name}} fragment C on Cat {n: name}", "conflict"),
        ("{pet(dog: true) {... on Dog {twin {n: chip}} ... on Cat {twin {n: lives}}}}", "subfields \"twin\" conflict"),
        ("{pet(dog: true) {n: __typename ... on Cat {n: lives}}}", "are different fields"),
        ("{nested {n: hello} nested {n: big(bytes: 1)}}", "\"hello\" and \"big\" are different fields"),
        ("{nested {number(of: 1)} nested {number(of: 2)}}", "differing arguments"),
        ("query A {hello} query B {x: hello x: who}", "are different fields"),
    ] {
        let reply = server.post_strict(json!({"query": text, "operationName": null})).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"), "{text}: {}", reply.text);
        let error = &reply.json()["errors"][0];
        assert!(error["message"].as_str().unwrap().contains(words), "{text}: {error}");
        assert!(error["locations"].is_array(), "{text}: {error}");
    }
    for (text, data) in [
        ("{pet(dog: true) {... on Dog {n: name} ... on Cat {n: name}}}", json!({"pet": {"n": "Rex"}})),
        ("{pet(dog: true) {... on Dog {n: slow(ms: 1)} ... on Cat {n: name}}}", json!({"pet": {"n": "done"}})),
        ("{nested {hello} nested {n: hello}}", json!({"nested": {"hello": "world", "n": "world"}})),
        ("{number(of: 1) ...F} fragment F on Query {number(of: 1)}", json!({"number": 1})),
    ] {
        let reply = server.query(text).await;
        assert_eq!(reply.json(), json!({"data": data}), "{text}");
    }
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "subscription {steps(to: 1) {n: number} steps(to: 1) {n: left}}").await;
    assert_eq!(socket.receive().await["type"], "error");
}
