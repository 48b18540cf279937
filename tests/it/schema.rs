//! `schema.graphql` is what the program's own schema says, and the README names what stands in no schema.

use std::{collections::BTreeSet, fs, path::Path};

use countersign::http::graphql::refusal::Code;
use serde_json::json;

use crate::support::{Setup, TestApp};

#[test]
fn the_committed_schema_is_the_programs() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    let sdl = countersign::graphql::sdl();
    if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        fs::write(&file, &sdl).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == sdl, "run `cargo run -- schema > schema.graphql` and commit what changed");
}

/// What can fail is a member of a result union (`refusals.rs` sees to those), or one of these words.
#[test]
fn gq_09_every_code_of_an_error_stands_in_the_readme() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, section) = readme.split_once("## Results and errors\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let code = |text: &&str| !text.is_empty() && text.chars().all(|sign| sign.is_ascii_uppercase() || sign == '_');
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

/// With introspection off, as in production, a guess is not corrected either.
#[tokio::test]
async fn gq_07_a_near_miss_is_not_corrected_where_the_schema_is_not_told() {
    let (silent, helpful) = (Setup::new().await.with("INTROSPECTION", "off"), Setup::new().await);
    let (silent, helpful) = (silent.start().await, helpful.start().await);
    let corrects = |answer: serde_json::Value| answer.to_string().to_lowercase().contains("did you mean");
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
        let answer = silent.anonymous().ask(query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST", "{query}: {answer}");
        assert!(!corrects(answer.clone()), "{query}: {answer}");
        corrected += usize::from(corrects(helpful.anonymous().ask(query, json!({})).await));
    }
    assert!(corrected > 1, "where it is told, they are: or this test shows nothing");
    silent.stop().await;
    helpful.stop().await;
}

/// Of a result that is none of what was selected, an empty object is left, and no null: the result is never null.
#[tokio::test]
async fn tr_05_a_result_that_is_none_of_what_was_selected_is_empty() {
    let app = TestApp::start().await;
    let document = "mutation($to: String!) {
        it: sendVerificationCode(input: { purpose: CONTACT, to: { phone: $to } }) { ... on Problem { code } } }";
    let visitor = app.anonymous();
    let sent = visitor.ask(document, json!({ "to": "+821022223333" })).await;
    assert_eq!(sent, json!({ "data": { "it": {} } }));
    app.code_sent_to("+821022223333").await;
    let refused = visitor.ask(document, json!({ "to": "1" })).await;
    assert_eq!(refused, json!({ "data": { "it": { "code": "INVALID_INPUT" } } }));
    app.stop().await;
}
