//! Persisted queries and trusted documents.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::server::TestServer;

const TEXT: &str = "{hello}";
const HELLO: &str = r#"{"data":{"hello":"world"}}"#;

fn hash() -> String {
    hex::encode(Sha256::digest(TEXT))
}

fn persisted(hash: &str) -> Value {
    json!({"persistedQuery": {"version": 1, "sha256Hash": hash}})
}

/// A server with these trusted documents. The file is read at the start.
async fn server_with_manifest(manifest: Value) -> TestServer {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), manifest.to_string()).unwrap();
    TestServer::with(&[("TRUSTED_DOCUMENTS", file.path().to_str().unwrap())]).await
}

async fn by_get(server: &TestServer, parameters: &[(&str, &str)]) -> super::client::Reply {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    server.get(&format!("/graphql?{query}"), &[]).await
}

#[tokio::test]
async fn tr_11_persisted_queries_work_and_fall_back() {
    let server = TestServer::with(&[]).await;
    let extensions = persisted(&hash());
    let reply = server.post_strict(json!({"extensions": extensions})).await;
    assert_eq!((reply.status, reply.code().as_str()), (200, "PERSISTED_QUERY_NOT_FOUND"));
    assert_eq!(reply.json()["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(server.post(json!({"query": TEXT, "extensions": extensions})).await.status, 200);
    let reply = server.post(json!({"extensions": extensions})).await;
    assert_eq!(reply.text, HELLO);
    let off = TestServer::with(&[("PERSISTED_QUERIES", "off")]).await;
    let reply = off.post(json!({"extensions": extensions})).await;
    assert_eq!(reply.json()["errors"][0]["message"], "PersistedQueryNotSupported");
}

#[tokio::test]
async fn only_trusted_documents_run_when_configured() {
    let server = server_with_manifest(json!({"abc": "mutation {a: bump b: bump}"})).await;
    assert_eq!(server.query("{hello}").await.code(), "FORBIDDEN");
    assert_eq!(server.post(json!({"documentId": "abc"})).await.json()["data"], json!({"a": 1, "b": 2}));
}

/// urql's documentation for graphql-ws sends an empty query, and the hashes of graphql-codegen have a prefix.
#[tokio::test]
async fn tr_11_hashes_are_accepted_in_every_spelling_and_with_an_empty_query() {
    let server = TestServer::with(&[]).await;
    let prefixed = format!("sha256:{}", hash());
    assert_eq!(server.post(json!({"query": TEXT, "extensions": persisted(&prefixed)})).await.text, HELLO);
    for name in [hash(), prefixed] {
        for query in [json!(null), json!(""), json!(" \n")] {
            let body = json!({"query": query, "extensions": persisted(&name)});
            assert_eq!(server.post(body.clone()).await.text, HELLO, "{body}");
            let mut socket = server.ready(json!(null)).await;
            socket.send_json(json!({"id": "1", "type": "subscribe", "payload": body})).await;
            assert_eq!(socket.receive().await["payload"].to_string(), HELLO, "{body}");
        }
        let extensions = persisted(&name).to_string();
        assert_eq!(by_get(&server, &[("query", ""), ("extensions", &extensions)]).await.text, HELLO);
        assert_eq!(by_get(&server, &[("extensions", &extensions)]).await.text, HELLO);
    }
    for extensions in [
        json!({"persistedQuery": {"version": "1", "sha256Hash": hash()}}),
        json!({"persistedQuery": {"sha256Hash": hash()}}),
    ] {
        assert_eq!(server.post(json!({"extensions": extensions})).await.text, HELLO, "{extensions}");
    }
    for extensions in [
        json!({"persistedQuery": {"version": 2, "sha256Hash": hash()}}),
        json!({"persistedQuery": {"version": 1, "sha256Hash": "abc"}}),
        json!({"persistedQuery": {"version": 1}}),
    ] {
        let reply = server.post_strict(json!({"extensions": extensions})).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"), "{extensions}");
    }
}

#[tokio::test]
async fn trusted_documents_can_have_any_id() {
    for name in [hash(), format!("sha256:{}", hash()), "Hello".to_owned(), hex::encode([7; 20])] {
        let server = server_with_manifest(json!({ name.as_str(): TEXT })).await;
        for body in [
            json!({"extensions": persisted(&name)}),
            json!({"query": "", "extensions": persisted(&name)}),
            json!({"extensions": persisted(&format!("sha256:{}", hash()))}),
            json!({"extensions": persisted(&hash())}),
            json!({"documentId": name}),
            json!({"query": " ", "documentId": name}),
            // As in Relay's documentation.
            json!({"doc_id": name, "query": null, "variables": {}}),
            json!({"query": TEXT}),
        ] {
            assert_eq!(server.post(body.clone()).await.text, HELLO, "{name}: {body}");
            let mut socket = server.ready(json!(null)).await;
            socket.send_json(json!({"id": "1", "type": "subscribe", "payload": body})).await;
            assert_eq!(socket.receive().await["payload"].to_string(), HELLO, "{name}: {body}");
        }
        assert_eq!(by_get(&server, &[("query", ""), ("documentId", &name)]).await.text, HELLO);
        assert_eq!(by_get(&server, &[("doc_id", &name), ("variables", "")]).await.text, HELLO);
        assert_eq!(server.post(json!({"documentId": "other"})).await.code(), "FORBIDDEN");
        assert_eq!(server.post(json!({"extensions": persisted("other")})).await.code(), "FORBIDDEN");
    }
}

#[tokio::test]
async fn document_id_is_rejected_without_a_manifest_unless_a_query_comes_with_it() {
    for setting in ["100", "off"] {
        let server = TestServer::with(&[("PERSISTED_QUERIES", setting)]).await;
        for body in [json!({"documentId": "x"}), json!({"query": "", "documentId": "x"}), json!({"doc_id": "x"})] {
            let reply = server.post_strict(body.clone()).await;
            assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_REQUEST"), "{body}");
            assert!(reply.text.contains("TRUSTED_DOCUMENTS"), "{}", reply.text);
        }
        assert_eq!(server.post(json!({"query": TEXT, "documentId": "x"})).await.text, HELLO);
    }
}

#[tokio::test]
async fn tr_01_byte_order_mark_and_empty_parameters_are_ignored() {
    let server = TestServer::with(&[]).await;
    let json = [("content-type", "application/json")];
    for body in [
        "\u{feff}{\"query\":\"{hello}\"}",
        "{\"query\":\"\u{feff}{hello}\"}",
        r#"{"query":"{hello}","variables":"","extensions":"","operationName":"","documentId":""}"#,
    ] {
        assert_eq!(server.send(Method::POST, "/graphql", &json, body.to_owned()).await.text, HELLO, "{body}");
    }
    let reply = server.post_strict(json!({"query": "{hello}", "variables": "{}"})).await;
    assert_eq!(reply.status, 400);
}
