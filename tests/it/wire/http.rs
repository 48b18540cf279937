//! GraphQL over HTTP: accepted requests and their responses.

use std::sync::atomic::Ordering::SeqCst;

use reqwest::Method;
use serde_json::json;

use super::server::TestServer;

const JSON: (&str, &str) = ("content-type", "application/json");
const STRICT: (&str, &str) = ("accept", "application/graphql-response+json");

#[tokio::test]
async fn tr_01_post_json_works_and_malformed_bodies_are_400() {
    let server = TestServer::with(&[]).await;
    let reply = server.post(json!({"query": "query($t: String!) {echo(text: $t)}", "variables": {"t": "한글 🏊"}, "operationName": null, "more": 1})).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, r#"{"data":{"echo":"한글 🏊"}}"#));
    for body in
        ["", "{", "[]", "7", "null", r#"{"query":1}"#, r#"{"variables":{}}"#, "{\"query\":\"{hello}\"", "\u{feff}x"]
    {
        for accept in ["application/json", "application/graphql-response+json", "*/*"] {
            let reply = server.send(Method::POST, "/graphql", &[JSON, ("accept", accept)], body.to_owned()).await;
            assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"), "{body:?} as {accept}");
        }
    }
}

#[tokio::test]
async fn tr_02_get_accepts_all_parameters() {
    let server = TestServer::with(&[]).await;
    let path = "/graphql?query=query+A%7Bhello%7D+query+B(%24t%3AString!)%7Becho(text%3A%24t)%7D&operationName=B\
                &variables=%7B%22t%22%3A%22x%22%7D&extensions=%7B%7D";
    let reply = server.get(path, &[]).await;
    assert_eq!((reply.status, reply.text.as_str()), (200, r#"{"data":{"echo":"x"}}"#));
    assert_eq!(server.get("/graphql", &[]).await.status, 400);
}

#[tokio::test]
async fn tr_03_get_and_head_never_run_a_mutation() {
    let server = TestServer::with(&[]).await;
    for path in
        ["/graphql?query=mutation%7Bbump%7D", "/graphql?query=query+A%7Bhello%7D+mutation+B%7Bbump%7D&operationName=B"]
    {
        for accept in ["application/json", "application/graphql-response+json", "text/event-stream", "*/*"] {
            let reply = server.get(path, &[("accept", accept)]).await;
            assert_eq!((reply.status, reply.header("allow")), (405, "POST"), "{path} as {accept}");
        }
        assert_eq!(server.send(Method::HEAD, path, &[], String::new()).await.status, 405);
    }
    assert_eq!(server.traces.bumps.load(SeqCst), 0);
}

#[tokio::test]
async fn tr_04_simple_cors_requests_are_never_executed() {
    let server = TestServer::with(&[]).await;
    let body = r#"{"query":"mutation{bump}"}"#;
    let form = "query=mutation%7Bbump%7D";
    let part =
        "--x\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"mutation{bump}\"}\r\n--x--\r\n";
    for (kind, body) in [
        ("text/plain", body),
        ("text/plain; x=application/json", body),
        ("application/x-www-form-urlencoded", form),
        ("application/x-www-form-urlencoded", body),
        ("multipart/form-data; boundary=x", part),
        ("application/graphql", "mutation{bump}"),
        ("application/jsonp", body),
        ("application/json; charset=utf-16", body),
        ("", body),
    ] {
        let reply = server.send(Method::POST, "/graphql", &[("content-type", kind)], body.to_owned()).await;
        assert_eq!(reply.status, 415, "{kind}");
    }
    assert_eq!(server.send(Method::POST, "/graphql", &[], body.to_owned()).await.status, 415);
    let gzipped = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_eq!(server.send(Method::POST, "/graphql", &gzipped, body.to_owned()).await.status, 415);
    assert_eq!(server.traces.bumps.load(SeqCst), 0);
    for kind in ["application/json;charset=UTF-8", "Application/JSON; charset=\"utf-8\""] {
        assert_eq!(server.send(Method::POST, "/graphql", &[("content-type", kind)], body.to_owned()).await.status, 200);
    }
}

#[tokio::test]
async fn tr_05_errors_before_execution_are_200_or_400_by_media_type() {
    let server = TestServer::with(&[]).await;
    for text in ["{", "{nope}", "query($n: Int!) {number(of: $n)}", "query A {hello} query B {hello}", "{echo}"] {
        let old = server.query(text).await;
        assert_eq!((old.status, old.code().as_str()), (200, "BAD_REQUEST"), "{text}");
        let new = server.post_strict(json!({"query": text})).await;
        assert_eq!((new.status, new.code().as_str()), (400, "BAD_REQUEST"), "{text}");
        assert!(new.header("content-type").starts_with("application/graphql-response+json"));
        assert!(new.json().get("data").is_none(), "{}", new.text);
    }
}

#[tokio::test]
async fn tr_05_partial_success_is_200_with_both_entries() {
    let server = TestServer::with(&[]).await;
    let reply = server.post_strict(json!({"query": "{hello broken}"})).await;
    assert_eq!((reply.status, reply.code().as_str()), (200, "NOT_FOUND"));
    assert_eq!(reply.json()["data"], json!({"hello": "world", "broken": null}));
}

/// GraphQL specification, section 6.4.3: an object whose fields are all skipped is empty and not null.
#[tokio::test]
async fn tr_05_empty_selection_is_an_empty_object() {
    let server = TestServer::with(&[]).await;
    for (query, data) in [
        ("{hello @skip(if: true)}", json!({})),
        ("query($no: Boolean! = false) {hello @include(if: $no)}", json!({})),
        ("{nested {hello @skip(if: true)}}", json!({"nested": {}})),
        (
            "{nested {a: hello nested {...F}}} fragment F on Query {hello @skip(if: true)}",
            json!({"nested": {"a": "world", "nested": {}}}),
        ),
        ("mutation {bump @skip(if: true)}", json!({})),
    ] {
        let reply = server.query(query).await;
        assert_eq!((reply.status, reply.json()), (200, json!({"data": data})), "{query}");
    }
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "{nested {hello @skip(if: true)}}").await;
    assert_eq!(socket.receive().await["payload"], json!({"data": {"nested": {}}}));
}

#[tokio::test]
async fn tr_05_unacceptable_media_type_is_406() {
    let server = TestServer::with(&[]).await;
    let body = || json!({"query": "{hello}"}).to_string();
    let reply = server.send(Method::POST, "/graphql", &[JSON, ("accept", "image/png")], body()).await;
    assert_eq!(reply.status, 406);
    let reply = server.query("subscription {count(to: 1)}").await;
    assert_eq!((reply.status, reply.code().as_str()), (406, "BAD_REQUEST"));
    let everything = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed";
    let reply = server.send(Method::POST, "/graphql", &[JSON, ("accept", everything)], body()).await;
    assert!(reply.header("content-type").starts_with("application/graphql-response+json"));
}

#[tokio::test]
async fn tr_06_other_methods_are_405_and_other_paths_404() {
    let server = TestServer::with(&[]).await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD, Method::OPTIONS, Method::TRACE] {
        let reply = server.send(method.clone(), "/graphql", &[], String::new()).await;
        assert_eq!((reply.status, reply.header("allow")), (405, "GET, POST"), "{method}");
    }
    let reply = server.get("/nope", &[]).await;
    assert_eq!((reply.status, reply.code().as_str()), (404, "NOT_FOUND"));
    let reply = server.send(Method::POST, "/healthz", &[], String::new()).await;
    assert_eq!((reply.status, reply.header("allow")), (405, "GET,HEAD"));
    assert_eq!(server.get("/healthz", &[]).await.status, 200);
    assert_eq!(server.get("/readyz", &[]).await.json(), json!({"status": "ready"}));
}

#[tokio::test]
async fn tr_08_every_response_has_security_headers() {
    let server = TestServer::with(&[("PUBLIC_URL", "https://id.example.com")]).await;
    let replies = [
        server.query("{hello}").await,
        server.query("{").await,
        server.get("/nope", &[]).await,
        server.get("/", &[]).await,
    ];
    for reply in replies {
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"));
        assert!(reply.header("strict-transport-security").starts_with("max-age="));
        assert_eq!(reply.header("server"), "");
        assert_eq!(reply.header("x-request-id").len(), 16);
    }
    let plain = TestServer::with(&[]).await;
    assert_eq!(plain.query("{hello}").await.header("strict-transport-security"), "");
}

#[tokio::test]
async fn request_id_of_the_resolver_is_in_the_response() {
    let server = TestServer::with(&[]).await;
    let reply = server.query("{requestId}").await;
    assert_eq!(reply.json()["data"]["requestId"], reply.header("x-request-id"));
}

#[tokio::test]
async fn long_responses_are_compressed_if_the_client_accepts_it() {
    let server = TestServer::with(&[]).await;
    let body = |bytes: usize| json!({"query": format!("{{big(bytes: {bytes})}}")}).to_string();
    let zip = ("accept-encoding", "gzip");
    assert_eq!(
        server.send(Method::POST, "/graphql", &[JSON, zip], body(5_000)).await.header("content-encoding"),
        "gzip"
    );
    assert_eq!(server.send(Method::POST, "/graphql", &[JSON, zip], body(10)).await.header("content-encoding"), "");
    assert_eq!(server.send(Method::POST, "/graphql", &[JSON], body(5_000)).await.header("content-encoding"), "");
}

#[tokio::test]
async fn bf_08_client_address_is_the_peer_unless_it_is_a_trusted_proxy() {
    let forged = [JSON, ("x-forwarded-for", "198.51.100.9"), ("forwarded", "for=198.51.100.9")];
    let body = || json!({"query": "{address}"}).to_string();
    let direct = TestServer::with(&[]).await;
    let reply = direct.send(Method::POST, "/graphql", &forged, body()).await;
    assert_eq!(reply.json()["data"]["address"], "127.0.0.1");
    let behind = TestServer::with(&[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let reply = behind.send(Method::POST, "/graphql", &forged, body()).await;
    assert_eq!(reply.json()["data"]["address"], "198.51.100.9");
}

#[tokio::test]
async fn rejected_token_does_not_fail_the_request() {
    let server = TestServer::with(&[]).await;
    let body = || json!({"query": "{who}"}).to_string();
    for (token, who) in [("Bearer good", "signed in"), ("Bearer bad", "refused"), ("Basic xyz", "anonymous")] {
        let reply = server.send(Method::POST, "/graphql", &[JSON, ("authorization", token)], body()).await;
        assert_eq!(reply.json()["data"]["who"], who);
    }
}

#[tokio::test]
async fn tk_12_cookies_are_read_and_set_only_for_own_origins() {
    let server = TestServer::with(&[("CORS_ORIGINS", "https://app.example.com")]).await;
    let body = || json!({"query": "mutation {setCookie(value: \"fresh\")}"}).to_string();
    let seen = || json!({"query": "{cookie(name: \"toy\")}"}).to_string();
    for (origin, value) in [("https://app.example.com", json!("stale")), ("https://evil.example", json!(null))] {
        let headers = [JSON, ("cookie", "toy=stale"), ("origin", origin)];
        let reply = server.send(Method::POST, "/graphql", &headers, seen()).await;
        assert_eq!(reply.json()["data"]["cookie"], value, "{origin}");
    }
    let reply = server.send(Method::POST, "/graphql", &[JSON, STRICT], body()).await;
    assert_eq!(reply.header("set-cookie"), "toy=fresh; HttpOnly; Path=/graphql");
    let foreign = [JSON, ("origin", "https://evil.example")];
    assert_eq!(server.send(Method::POST, "/graphql", &foreign, body()).await.header("set-cookie"), "");
}

/// GraphQL specification of September 2025, section 2.1.10.
#[tokio::test]
async fn gq_03_operations_fragments_and_variables_may_have_descriptions() {
    let server = TestServer::with(&[]).await;
    let text = "\"\"\"\nSays \\\"\"\" hello.\n\"\"\"\nquery A(\"What to say.\" $t: String! = \"x\" \"\"\"How many.\"\"\" $n: Int! = 7) \
                { ...F echo(text: $t) }\n\"The number.\" fragment F on Query { number(of: $n) }";
    let data = json!({"data": {"number": 7, "echo": "x"}});
    assert_eq!(server.query(text).await.json(), data);
    assert_eq!(server.query(text.replace('\n', "\r\n")).await.json(), data);
    let mut socket = server.ready(json!(null)).await;
    socket.subscribe("1", "\"Never anything.\" subscription S { count(to: 1) }").await;
    assert_eq!(socket.receive().await["payload"], json!({"data": {"count": 1}}));
    // Locations refer to the text as it was sent.
    let reply = server.query("\"Grüße\" query A { nope }").await;
    assert_eq!(reply.json()["errors"][0]["locations"], json!([{"line": 1, "column": 19}]), "{}", reply.text);
    for text in ["\"x\" { hello }", "\"x\" \"y\" query A { hello }", "query A { hello } \"x\"", "{ \"x\" hello }"] {
        let reply = server.post_strict(json!({"query": text})).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"), "{text}");
        assert!(reply.text.contains("Syntax error"), "{}", reply.text);
    }
}

#[tokio::test]
async fn tr_05_empty_accept_counts_as_absent_and_utf8_has_two_spellings() {
    let server = TestServer::with(&[]).await;
    let body = || json!({"query": "{hello}"}).to_string();
    for accept in ["", " ", ",", " , ,"] {
        let reply = server.send(Method::POST, "/graphql", &[JSON, ("accept", accept)], body()).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, r#"{"data":{"hello":"world"}}"#), "{accept:?}");
        assert!(reply.header("content-type").starts_with("application/json"));
    }
    for kind in
        ["application/json; charset=utf8", "application/json;charset=\"UTF8\"", "application/json; charset = UTF-8"]
    {
        let reply = server.send(Method::POST, "/graphql", &[("content-type", kind)], body()).await;
        assert_eq!(reply.status, 200, "{kind}");
    }
    let kind = [("content-type", "application/json; charset=latin1")];
    assert_eq!(server.send(Method::POST, "/graphql", &kind, body()).await.status, 415);
}
