//! The checks of GraphQL scanners (graphql-cop's list, with more variants of each), against the production defaults.
//!
//! One of their findings is intended: queries are accepted by GET (TR-02). They have no side effects and ignore
//! cookies.

use std::{sync::atomic::Ordering::SeqCst, time::Instant};

use reqwest::Method;
use serde_json::json;

use super::server::TestServer;

async fn production() -> TestServer {
    TestServer::with(&[("ENVIRONMENT", "production")]).await
}

#[tokio::test]
async fn gq_07_schema_is_not_disclosed_in_production() {
    let server = production().await;
    let introspection = [
        "{ __schema { types { name fields { name } } } }",
        "{ __type(name: \"Query\") { name } }",
        "{ __schema { directive } }",
        "query { ... on Query { __schema { queryType { name } } } }",
        "mutation { __schema { types { name } } }",
    ];
    for query in introspection {
        assert_eq!(server.query(query).await.code(), "FORBIDDEN", "{query}");
        if !query.starts_with("mutation") {
            let reply = server.send(Method::GET, &by_get(query), &[], String::new()).await;
            assert_eq!(reply.code(), "FORBIDDEN", "{query}");
        }
    }
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", introspection[0]).await;
    let message = socket.receive().await;
    assert_eq!(message["payload"][0]["extensions"]["code"], "FORBIDDEN", "{message}");
    for path in ["/", "/graphiql", "/playground", "/altair", "/voyager", "/console", "/dev/outbox", "/demo/"] {
        assert_eq!(server.get(path, &[("accept", "text/html")]).await.status, 404, "{path}");
    }
    assert_eq!(server.traces.bumps.load(SeqCst), 0);
}

#[tokio::test]
async fn gq_02_gq_03_gq_06_amplifying_documents_are_rejected() {
    let server = production().await;
    let aliases: String = (0..101).map(|alias| format!("alias{alias}: __typename ")).collect();
    for query in [
        format!("{{ {aliases} }}"),
        format!("{{ {} }}", "__typename ".repeat(500)),
        format!("{{ __typename {} }}", "@aa ".repeat(10)),
        format!("{{ hello {} }}", "@include(if: true) ".repeat(2_000)),
        "{ __schema { types { fields { type { fields { type { fields { type { name } } } } } } } } }".to_owned(),
    ] {
        let before = Instant::now();
        let reply = server.query(&query).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "TOO_COMPLEX"), "{query:.60}: {}", reply.text);
        assert!(before.elapsed().as_secs() < 20 && reply.text.len() < 2_000, "{query:.60}");
    }
    // Few enough to be validated: one error, however often it occurs.
    let reply = server.query("{ hello @aa @bb @cc @dd @ee }").await;
    assert_eq!(reply.code(), "BAD_REQUEST");
    assert!(reply.json()["errors"].as_array().unwrap().len() <= 5, "{}", reply.text);
    let circle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
    assert_eq!(server.query(circle).await.code(), "BAD_REQUEST");
    assert_eq!(server.post(json!(vec![json!({"query": "{ __typename }"}); 11])).await.status, 400);
}

#[tokio::test]
async fn tr_03_tr_04_cross_site_requests_are_not_executed() {
    let server = production().await;
    let query = json!({"query": "mutation { bump }"}).to_string();
    let form = "query=mutation+%7B+bump+%7D";
    let upload = format!("--x\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{query}\r\n--x--\r\n");
    for (kind, body) in [
        ("application/x-www-form-urlencoded", form),
        ("text/plain", query.as_str()),
        ("multipart/form-data; boundary=x", upload.as_str()),
    ] {
        let reply = server.send(Method::POST, "/graphql", &[("content-type", kind)], body.to_owned()).await;
        assert_eq!(reply.status, 415, "{kind}");
    }
    let mutation = by_get("mutation { bump }");
    assert_eq!(server.send(Method::POST, &mutation, &[], String::new()).await.status, 415);
    assert_eq!(server.get(&mutation, &[]).await.status, 405);
    assert_eq!(server.traces.bumps.load(SeqCst), 0);
    // The intended finding.
    let cookie = [("cookie", "toy=good"), ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    let reply = server.get(&by_get("{ who cookie(name: \"toy\") }"), &cookie).await;
    assert_eq!(reply.json()["data"], json!({"who": "anonymous", "cookie": null}));
}

#[tokio::test]
async fn gq_08_errors_disclose_no_internals() {
    let server = production().await;
    for query in ["qwerty cop { abc }", "{ panics }", "{ broken }", "{", ""] {
        let reply = server.query(query).await;
        let error = &reply.json()["errors"][0];
        let names: Vec<_> = error["extensions"].as_object().unwrap().keys().collect();
        assert!(names.iter().all(|name| ["code", "requestId"].contains(&name.as_str())), "{query}: {error}");
        let text = reply.text.to_lowercase();
        assert!(["stack", "trace", "panicked", "src/", ".rs"].iter().all(|word| !text.contains(word)), "{text}");
    }
    assert!(server.query("{ __typename }").await.json().get("extensions").is_none());
}

fn by_get(query: &str) -> String {
    let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("/graphql?query={query}")
}
