//! `schema.graphql` equals the schema of the binary, and the README lists the error codes, which are not in the
//! schema.

use std::{collections::BTreeSet, fs, path::Path};

use graphql_http::Code;
use serde_json::json;

use crate::support::{Setup, TestApp};

#[test]
fn committed_schema_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let sdl = countersign::graphql::sdl();
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        fs::write(&file, &sdl).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == sdl, "run `cargo run -- schema > schema.graphql` and commit what changed");
}

/// A failure is either a member of a result union (`union_coverage.rs` covers those) or one of these error codes.
#[test]
fn gq_09_readme_lists_every_error_code() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, section) = readme.split_once("## Results and errors\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let code = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let named: BTreeSet<_> = section.split('`').skip(1).step_by(2).filter(code).collect();
    let codes = [
        Code::Unauthenticated,
        Code::Forbidden,
        Code::NotFound,
        Code::BadRequest,
        Code::TooComplex,
        Code::RateLimited,
        Code::Unavailable,
        Code::Internal,
        Code::PersistedQueryNotFound,
        Code::PersistedQueryNotSupported,
    ];
    assert_eq!(named, codes.map(Code::as_str).into());
}

/// With introspection off, as in production, error messages suggest no names either.
#[tokio::test]
async fn gq_07_errors_suggest_no_names_without_introspection() {
    let (silent, helpful) = (Setup::new().await.with("INTROSPECTION", "off"), Setup::new().await);
    let (silent, helpful) = (silent.start().await, helpful.start().await);
    let corrects = |response: serde_json::Value| response.to_string().to_lowercase().contains("did you mean");
    let mut corrected = 0;
    for query in [
        "{ verificatio(id: \"a\") { id } }",
        "{ verification(idd: \"a\", id: \"a\") { id } }",
        "{ verification(id: \"a\") { statu } }",
        "{ passwordPolicy { minLength @skp(if: true) } }",
        "{ ... on Quer { __typename } }",
        "query($to: ContactInpt) { __typename }",
        "mutation { signOu { __typename } }",
        "mutation { sendVerificationCode(input: {purpse: CONTACT, to: {phone: \"1\"}}) { __typename } }",
        "mutation { sendVerificationCode(input: {purpose: CONTCT, to: {phone: \"1\"}}) { __typename } }",
    ] {
        let response = silent.anonymous().execute(query, json!({})).await;
        assert_eq!(response["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{query}: {response}");
        assert!(!corrects(response.clone()), "{query}: {response}");
        corrected += usize::from(corrects(helpful.anonymous().execute(query, json!({})).await));
    }
    assert!(corrected > 1, "with introspection on, names are suggested; otherwise this test proves nothing");
    silent.stop().await;
    helpful.stop().await;
}

/// A result without any selected member is an empty object and not null, since the result type is non-null.
#[tokio::test]
async fn tr_05_result_without_a_selected_member_is_an_empty_object() {
    let app = TestApp::start().await;
    let document = "mutation($to: String!) {
        it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $to } }) { ... on Problem { code } } }";
    let client = app.anonymous();
    let sent = client.execute(document, json!({ "to": "+821022223333" })).await;
    assert_eq!(sent, json!({ "data": { "it": {} } }));
    app.code_sent_to("+821022223333").await;
    let refused = client.execute(document, json!({ "to": "1" })).await;
    assert_eq!(refused, json!({ "data": { "it": { "code": "INVALID_INPUT" } } }));
    app.stop().await;
}
