//! Limits on documents and on execution time.

use std::{
    fmt::Write,
    sync::atomic::Ordering::SeqCst,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{client::Reply, server::TestServer};

/// The response, which must come quickly: an unbounded walk of such a document takes minutes.
async fn execute_quickly(server: &TestServer, text: &str) -> Reply {
    let started = Instant::now();
    server.query("{hello}").await;
    let usual = started.elapsed();
    let started = Instant::now();
    let reply = server.query(text).await;
    let bound = (usual * 100).max(Duration::from_secs(2));
    assert!(started.elapsed() < bound, "{:?} for {}", started.elapsed(), &text[..40.min(text.len())]);
    reply
}

#[tokio::test]
async fn gq_01_excessive_depth_is_rejected_quickly_in_every_form() {
    let server = TestServer::with(&[]).await;
    for (open, close, count) in
        [("{nested", "}", 2_000), ("{echo(text: [", "])}", 1_200), ("{echo(text: {a: ", "})}", 1_000)]
    {
        let reply = execute_quickly(&server, &format!("{}{}", open.repeat(count), close.repeat(count))).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "TOO_COMPLEX"));
    }
    let lists = format!("{{echo(text: {}{})}}", "[".repeat(8_000), "]".repeat(8_000));
    assert_eq!(execute_quickly(&server, &lists).await.status, 400);
    let reply = execute_quickly(&server, "{...A} fragment A on Query {nested {...A}}").await;
    assert_eq!((reply.status, reply.code().as_str()), (200, "BAD_REQUEST"));
    let deep = format!("{{\"query\":\"{{hello}}\",\"variables\":{{\"a\":{}", "[".repeat(60_000));
    let headers = [("content-type", "application/json")];
    assert_eq!(server.send(reqwest::Method::POST, "/graphql", &headers, deep).await.status, 400);
}

#[tokio::test]
async fn gq_02_exponential_and_wide_documents_are_rejected_before_validation() {
    let server = TestServer::with(&[]).await;
    let mut chain = String::from("{...F0}");
    for n in 0..22 {
        let _ = write!(chain, " fragment F{n} on Query {{...F{} ...F{}}}", n + 1, n + 1);
    }
    chain.push_str(" fragment F22 on Query {hello}");
    let aliases: String = (0..1_000).map(|n| format!("a{n}:hello ")).collect();
    let mutations: String = (0..100).map(|n| format!("a{n}:bump ")).collect();
    for text in [
        chain,
        format!("{{{aliases}}}"),
        format!("{{{}}}", "hello ".repeat(1_500)),
        format!("mutation {{{mutations}}}"),
        format!("{{hello {}}}", "@unknown ".repeat(700)),
        format!("{{__typename {}}}", "@a".repeat(10)),
        "{__schema{types{fields{type{fields{type{fields{type{name}}}}}}}}}".to_owned(),
    ] {
        let reply = execute_quickly(&server, &text).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "TOO_COMPLEX"), "{}", reply.text);
    }
    assert_eq!(server.traces.bumps.load(SeqCst), 0);
}

#[tokio::test]
async fn rejection_names_the_limit_and_the_value() {
    let server = TestServer::with(&[("MAX_DEPTH", "3")]).await;
    let reply = server.query("{nested {nested {nested {hello}}}}").await;
    let extensions = &reply.json()["errors"][0]["extensions"];
    assert_eq!(extensions, &json!({"code": "TOO_COMPLEX", "limit": "depth", "allowed": 3, "value": 4}));
    assert!(reply.text.contains("MAX_DEPTH"));
}

#[tokio::test]
async fn gq_08_thousands_of_errors_get_a_short_response() {
    let server =
        TestServer::with(&[("MAX_COMPLEXITY", "10000"), ("MAX_TOKENS", "20000"), ("MAX_DOCUMENT", "60000")]).await;
    let text: String = (0..8_000).map(|n| format!("x{n} ")).collect();
    let reply = server.query(format!("{{{text}}}")).await;
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 10);
    assert!(reply.text.len() < 10_000);
}

#[tokio::test]
async fn gq_06_batches_are_rejected_by_default_and_limited_when_enabled() {
    let array = |count: usize| json!(vec![json!({"query": "mutation {bump}"}); count]);
    let server = TestServer::with(&[]).await;
    assert_eq!(server.post(array(2)).await.status, 400);
    assert_eq!(server.traces.bumps.load(SeqCst), 0);
    let server = TestServer::with(&[("MAX_BATCH", "3")]).await;
    assert_eq!(server.post(array(4)).await.status, 400);
    assert_eq!(server.traces.bumps.load(SeqCst), 0);
    let reply = server.post(json!([{"query": "mutation {bump}"}, {"query": "{nope}"}, {"query": "{hello}"}])).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()[0], json!({"data": {"bump": 1}}));
    assert_eq!(reply.json()[1]["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    assert_eq!(reply.json()[2], json!({"data": {"hello": "world"}}));
}

#[tokio::test]
async fn gq_04_operation_is_cancelled_at_its_deadline() {
    let server = TestServer::with(&[("EXECUTION_TIMEOUT", "100ms")]).await;
    let reply = server.post_strict(json!({"query": "{slow(ms: 60000)}"})).await;
    assert_eq!((reply.status, reply.code().as_str(), reply.header("retry-after")), (503, "UNAVAILABLE", "1"));
    server.eventually("the resolver is dropped", |server| server.traces.running.load(SeqCst) == 0).await;
}

#[tokio::test]
async fn gq_04_operation_is_cancelled_when_the_client_disconnects() {
    let server = TestServer::with(&[]).await;
    let body = r#"{"query":"{slow(ms: 60000)}"}"#;
    let mut stream = server.connect().await;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
    server.eventually("it runs", |server| server.traces.running.load(SeqCst) == 1).await;
    drop(stream);
    server.eventually("it ends", |server| server.traces.running.load(SeqCst) == 0).await;
}

#[tokio::test]
async fn fd_08_overload_is_answered_with_retry_after() {
    let server = TestServer::with(&[("MAX_IN_FLIGHT", "1")]).await;
    let (first, second) = tokio::join!(server.query("{slow(ms: 500)}"), async {
        server.eventually("the first request is running", |server| server.traces.running.load(SeqCst) == 1).await;
        server.post_strict(json!({"query": "{hello}"})).await
    });
    assert_eq!(first.status, 200);
    assert_eq!((second.status, second.code().as_str()), (503, "UNAVAILABLE"));
    assert_eq!(second.headers["retry-after"], "1");
}

#[tokio::test]
async fn fd_08_a_panic_fails_one_request() {
    let server = TestServer::with(&[]).await;
    let reply = server.post_strict(json!({"query": "{panics}"})).await;
    assert_eq!((reply.status, reply.code().as_str()), (500, "INTERNAL"));
    assert!(!reply.text.contains("index"), "{}", reply.text);
    assert_eq!(reply.json()["errors"][0]["extensions"]["requestId"], reply.header("x-request-id"));
    assert_eq!(server.query("{hello}").await.status, 200);
}

#[tokio::test]
async fn gq_07_introspection_is_off_in_production() {
    let server = TestServer::with(&[("ENVIRONMENT", "production")]).await;
    for text in [
        "{__schema{types{name}}}",
        "{a: __type(name: \"Query\") {name}}",
        "{...F} fragment F on Query {__schema{types{name}}}",
    ] {
        let reply = server.query(text).await;
        assert_eq!(reply.code(), "FORBIDDEN", "{text}");
        assert!(reply.json().get("data").is_none());
    }
    assert_eq!(server.query("{__typename}").await.text, r#"{"data":{"__typename":"Query"}}"#);
    assert_eq!(server.get("/", &[]).await.status, 404);
    assert_eq!(server.query("{hello}").await.header("server-timing"), "");
}

/// Apollo Kotlin, Altair and others query the fields of the introspection types before they query the schema.
#[tokio::test]
async fn gq_02_introspection_queries_of_common_tools_pass_the_default_limits() {
    let server = TestServer::with(&[]).await;
    let below = "name fields(includeDeprecated: true) { name args(includeDeprecated: true) { name } \
                 type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }";
    let types = ["__Schema", "__Type", "__Field", "__InputValue", "__EnumValue", "__Directive"];
    let probes: String = types.iter().enumerate().fold(String::new(), |mut text, (n, name)| {
        let _ = write!(text, "t{n}: __type(name: \"{name}\") {{ {below} }} ");
        text
    });
    let reply = server.query(format!("query Probe {{ {probes} }}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["data"]["t1"]["name"], "__Type", "{}", reply.text);
    let many = "name ".repeat(90);
    let reply = server.query(format!("{{ {} }}", probes.replace("name fields", &format!("{many} fields")))).await;
    let extensions = &reply.json()["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["limit"]),
        (&json!("TOO_COMPLEX"), &json!("complexity of introspection"))
    );
}
