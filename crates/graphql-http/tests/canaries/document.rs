//! Workarounds for the parser, the validation and the execution of async-graphql.

use std::{
    fmt::Write,
    panic::AssertUnwindSafe,
    sync::atomic::Ordering::SeqCst,
    time::{Duration, Instant},
};

use async_graphql::{Request, Response, ServerError, parser::parse_query, value};
use futures_util::{FutureExt, StreamExt};

use super::{
    needed,
    schema::{limited, toy},
};

async fn execute(query: &str) -> Response {
    toy().0.execute(query).await
}

/// A document whose fragments each spread the next one twice: it has 2^`levels` fields.
fn doubling(levels: usize) -> String {
    let mut text = String::from("{ ...F0 }");
    for level in 0..levels {
        let _ = write!(text, " fragment F{level} on Query {{ ...F{0} ...F{0} }}", level + 1);
    }
    text + &format!(" fragment F{levels} on Query {{ hello }}")
}

#[tokio::test]
async fn cost_is_checked_after_the_expansion_of_fragments() {
    let schema = limited();
    let mut fastest = Vec::new();
    for levels in [4, 14] {
        let mut took = Duration::MAX;
        for _ in 0..3 {
            let started = Instant::now();
            let response = schema.execute(doubling(levels)).await;
            took = took.min(started.elapsed());
            assert!(!response.errors.is_empty());
        }
        fastest.push(took);
    }
    // The longer document has three times the length and 2^10 times the fields.
    needed(fastest[1] > fastest[0] * 20, "document/limits.rs calculates the cost of each fragment once");
}

#[test]
fn descriptions_of_operations_are_not_parsed() {
    needed(parse_query("\"Says hello.\" query A { hello }").is_err(), "document/descriptions.rs blanks descriptions");
}

#[test]
fn syntax_errors_show_the_source() {
    let error = parse_query("{ signIn(password: \"hunter2\" }").unwrap_err();
    needed(error.to_string().contains("hunter2"), "document/admission.rs writes its own syntax errors");
}

#[tokio::test]
async fn typename_is_not_validated() {
    for text in ["{ __typename @unknown }", "{ __typename(a: 1) }"] {
        needed(execute(text).await.errors.is_empty(), "document/typename.rs validates __typename");
    }
}

#[tokio::test]
async fn fields_of_different_types_are_merged() {
    let text = "{ pet { ... on Dog { age } ... on Cat { age } } }";
    needed(execute(text).await.errors.is_empty(), "document/merging.rs compares fields as section 5.3.2 has it");
}

#[tokio::test]
async fn missing_variable_is_found_after_side_effects() {
    let (schema, effects) = toy();
    let response = schema.execute("mutation($to: Int!) { bump set(to: $to) }").await;
    assert!(!response.errors.is_empty());
    needed(effects.load(SeqCst) == 1, "document/variables.rs requires variables before execution");
}

#[tokio::test]
async fn invalid_argument_is_found_after_side_effects() {
    let (schema, effects) = toy();
    let response = schema.execute("mutation { bump set(to: 3000000000) }").await;
    assert!(!response.errors.is_empty());
    needed(effects.load(SeqCst) == 1, "document/arguments.rs validates arguments before execution");
}

#[tokio::test]
async fn failed_field_is_missing() {
    let response = execute("{ hello broken }").await;
    assert_eq!(response.errors.len(), 1);
    needed(response.data == value!({"hello": "world"}), "document/nulls.rs sets failed fields to null");
}

#[tokio::test]
async fn object_without_selected_fields_is_null() {
    let response = execute("{ pet { ... on Dog { name } } }").await;
    needed(response.data == value!({"pet": null}), "document/nulls.rs writes an empty object");
}

#[tokio::test]
async fn slow_field_comes_last() {
    let response = execute("{ slow hello }").await;
    let text = serde_json::to_string(&response.data).unwrap();
    needed(text == r#"{"hello":"world","slow":"done"}"#, "document/order.rs restores the order of keys");
}

#[tokio::test]
async fn subscription_in_a_fragment_has_no_events() {
    let (schema, _) = toy();
    let stream = schema.execute_stream("subscription { ... { count(to: 2) } }");
    needed(stream.count().await == 0, "document/hoist.rs moves the field of a subscription out of fragments");
}

#[tokio::test]
async fn skipped_subscription_has_no_error() {
    for (text, results) in [
        ("subscription { count(to: 2) @skip(if: true) }", 0),
        // The default of a variable is ignored.
        ("subscription($no: Boolean = true) { count(to: 2) @skip(if: $no) }", 2),
    ] {
        let found = toy().0.execute_stream(text).count().await;
        needed(found == results, "document/hoist.rs refuses a subscription whose field is skipped");
    }
}

#[tokio::test]
async fn each_field_of_a_subscription_is_opened() {
    let (schema, effects) = toy();
    schema.execute_stream("subscription { count(to: 2) b: count(to: 2) }").for_each(async |_| {}).await;
    needed(effects.load(SeqCst) == 2, "document/limits.rs requires one field in a subscription");
}

#[tokio::test]
async fn panic_of_a_resolver_ends_the_task() {
    let (schema, _) = toy();
    let panicked = AssertUnwindSafe(schema.execute("{ panics }")).catch_unwind().await.is_err();
    needed(panicked, "run.rs catches panics");
}

#[tokio::test]
async fn errors_are_not_limited() {
    let fields: String = (0..1_000).map(|number| format!("unknown{number} ")).collect();
    needed(execute(&format!("{{ {fields} }}")).await.errors.len() == 1_000, "response.rs limits the errors");
}

#[tokio::test]
async fn refused_request_has_a_data_entry() {
    let text = serde_json::to_string(&execute("{ unknown }").await).unwrap();
    needed(text.contains("\"data\":null"), "response.rs omits `data` before execution");
}

#[test]
fn errors_come_after_data() {
    let text = serde_json::to_string(&Response::from_errors(vec![ServerError::new("no", None)])).unwrap();
    needed(text.find("\"data\"") < text.find("\"errors\""), "response.rs writes `errors` first");
}

#[test]
fn request_has_no_document_id() {
    let body = r#"{"query":"{a}","documentId":"x"}"#;
    let request: Request = serde_json::from_str(body).unwrap();
    let kept = serde_json::to_string(&request).unwrap().contains("documentId");
    needed(!kept, "request.rs reads the names of documents");
}
