//! Guessing codes concurrently and through every transport.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{counts, counts_by_type};
use crate::support::{Setup, TestApp, different_code as wrong};

const PHONE: &str = "+821022223333";

async fn app_without_guess_quota() -> TestApp {
    Setup::new().await.with("CLIENT_GUESSES_PER_MINUTE", "unlimited").start().await
}

/// CR-01, BF-01, invariant 1: two hundred concurrent wrong guesses use five attempts and see five different counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_concurrent_wrong_guesses_use_five_attempts() {
    let app = app_without_guess_quota().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let guess = wrong(&code);
    let responses = join_all((0..200).map(|_| client.confirm(&id, &guess))).await;
    assert_eq!(counts_by_type(&responses), counts(&[("CodeMismatch", 5), ("VerificationNotPending", 195)]));
    let left: BTreeSet<_> = responses.iter().filter_map(|response| response["attemptsRemaining"].as_i64()).collect();
    assert_eq!(left, (0..5).collect());
    let late = client.confirm(&id, &code).await;
    assert_eq!(late["verification"]["status"], "LOCKED");
    app.stop().await;
}

/// CR-02, CL-04: a hundred concurrent right guesses yield one proof. As many get it as there are attempts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundred_concurrent_right_guesses_yield_one_proof() {
    let app = app_without_guess_quota().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let responses = join_all((0..100).map(|_| client.confirm(&id, &code))).await;
    assert_eq!(
        counts_by_type(&responses),
        counts(&[("ConfirmVerificationCodePayload", 6), ("VerificationNotPending", 94)])
    );
    let tokens: BTreeSet<_> = responses.iter().filter_map(|response| response["proof"]["token"].as_str()).collect();
    assert_eq!(tokens.len(), 1);
    let over = responses.iter().filter(|response| response["__typename"] == "VerificationNotPending");
    assert!(over.into_iter().all(|response| response["verification"]["status"] == "VERIFIED"));
    assert_eq!(app.row_count("proof").await, 1);
    app.stop().await;
}

/// CR-01 across processes: the count is in the database, not in the memory of a process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_two_processes_share_five_attempts() {
    let one = app_without_guess_quota().await;
    let other = one.another_process().await;
    let id = one.anonymous().send_code_to(PHONE).await["id"].clone();
    let guess = wrong(&one.code_sent_to(PHONE).await);
    let (here, there) = (one.anonymous(), other.anonymous());
    let responses = join_all((0..60).map(|n| if n % 2 == 0 { &here } else { &there }.confirm(&id, &guess))).await;
    assert_eq!(counts_by_type(&responses), counts(&[("CodeMismatch", 5), ("VerificationNotPending", 55)]));
    other.stop().await;
    one.stop().await;
}

fn aliased(id: &Value, guesses: impl Iterator<Item = String>) -> String {
    let field = |(n, code)| {
        format!("g{n}: confirmVerificationCode(input: {{ verificationId: {id}, code: \"{code}\" }}) {{ __typename }}")
    };
    format!("mutation {{ {} }}", guesses.enumerate().map(field).collect::<Vec<_>>().join(" "))
}

/// BF-04: aliased guesses in one document are rejected as a whole. Where aliases are allowed, each guess is counted.
#[tokio::test]
async fn aliased_guesses_are_counted_individually() {
    let app = app_without_guess_quota().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    let refused = client.execute(&aliased(&id, (0..2).map(|n| format!("00000{n}"))), json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "TOO_COMPLEX", "{refused:#}");
    assert_eq!(client.verification(&id).await["attemptsRemaining"], 5);
    app.stop().await;

    let app = Setup::new().await.with("MAX_ROOT_MUTATIONS", "10").with("CLIENT_GUESSES_PER_MINUTE", "8").start().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    let guess = wrong(&app.code_sent_to(PHONE).await);
    let response = client.data(&aliased(&id, (0..10).map(|_| guess.clone())), json!({})).await;
    let responses: Vec<&Value> = response.as_object().unwrap().values().collect();
    // Ten fields, eight of which were within the address quota, five of which were attempts.
    assert_eq!(
        counts_by_type(responses),
        counts(&[("CodeMismatch", 5), ("QuotaExceeded", 2), ("VerificationNotPending", 3)])
    );
    app.stop().await;
}

/// BF-05: batched operations are rejected.
#[tokio::test]
async fn batched_guesses_are_rejected() {
    let app = app_without_guess_quota().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    let guess = json!({ "query": aliased(&id, std::iter::once("000000".to_owned())) });
    let http = reqwest::Client::builder().build().unwrap();
    let batch = Value::Array(vec![guess; 20]);
    let response = http.post(format!("{}/graphql", app.url())).json(&batch).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(client.verification(&id).await["attemptsRemaining"], 5);
    app.stop().await;
}

/// BF-06: guesses over a socket and over HTTP are counted together.
#[tokio::test]
async fn guesses_over_a_socket_share_the_attempts() {
    let app = app_without_guess_quota().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    let guess = wrong(&app.code_sent_to(PHONE).await);
    for left in [4, 3] {
        assert_eq!(client.confirm(&id, &guess).await["attemptsRemaining"], left);
    }
    let document = "mutation($id: ID!, $code: String!) { it: confirmVerificationCode(input: { verificationId: $id, \
                    code: $code }) { __typename ... on CodeMismatch { attemptsRemaining } } }";
    let mut socket = client.socket().await;
    let mut responses = Vec::new();
    for n in 0..5 {
        let payload = json!({ "query": document, "variables": { "id": id, "code": guess } });
        socket.send(&json!({ "id": n.to_string(), "type": "subscribe", "payload": payload })).await;
        loop {
            let message = socket.receive().await.unwrap();
            match message["type"].as_str().unwrap() {
                "next" => responses.push(message["payload"]["data"]["it"].clone()),
                "complete" => break,
                other => panic!("{other}: {message:#}"),
            }
        }
    }
    assert_eq!(counts_by_type(&responses), counts(&[("CodeMismatch", 3), ("VerificationNotPending", 2)]));
    app.stop().await;
}

/// CL-06: malformed codes never match, and obviously malformed ones cost no attempt.
#[tokio::test]
async fn only_the_exact_code_matches() {
    let app = app_without_guess_quota().await;
    let client = app.anonymous();
    let id = client.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    for empty in ["", "   ", "\u{3000}"] {
        let refused = client.confirm(&id, empty).await;
        assert_eq!((&refused["fields"][0]["path"], &refused["fields"][0]["reason"]), (&json!("code"), &json!("empty")));
    }
    let long = client.confirm(&id, &"0".repeat(257)).await;
    assert_eq!(long["fields"][0]["reason"], "not_a_code");
    assert_eq!(client.verification(&id).await["attemptsRemaining"], 5);
    for near in [&code[..5], &format!("{code}0"), "null", "000000\u{0}"] {
        assert_eq!(client.confirm(&id, near).await["__typename"], "CodeMismatch", "{near:?}");
    }
    // As people type it.
    let typed = format!(" {}-{} ", &code[..3], &code[3..]);
    assert_eq!(client.confirm(&id, &typed).await["__typename"], "ConfirmVerificationCodePayload");
    app.stop().await;
}

/// CL-05: a code is not valid for another verification, even of the same contact and purpose.
#[tokio::test]
async fn code_confirms_only_its_own_verification() {
    let app = Setup::new().await.with("RESEND_COOLDOWN", "0s").start().await;
    let client = app.anonymous();
    let first = client.send_code_to(PHONE).await["id"].clone();
    let first_code = app.code_sent_to(PHONE).await;
    let second = client.send_code_to(PHONE).await["id"].clone();
    let second_code = app.messages_to(PHONE, 2).await[0]["code"].as_str().unwrap().to_owned();
    if first_code != second_code {
        assert_eq!(client.confirm(&second, &first_code).await["__typename"], "CodeMismatch");
        assert_eq!(client.confirm(&first, &second_code).await["__typename"], "CodeMismatch");
    }
    // Another client's send does not cancel the earlier verification: each stays valid for its own client.
    assert_eq!(client.confirm(&first, &first_code).await["__typename"], "ConfirmVerificationCodePayload");
    assert_eq!(client.confirm(&second, &second_code).await["__typename"], "ConfirmVerificationCodePayload");
    app.stop().await;
}

/// DR-01, DR-02: a copy of the database contains neither a code nor a proof.
#[tokio::test]
async fn database_contains_no_code_and_no_proof() {
    let app = app_without_guess_quota().await;
    let client = app.anonymous();
    let id = client.send_code_to("010-8765-4321").await["id"].clone();
    let code = app.code_sent_to("+821087654321").await;
    let proof = client.confirm(&id, &code).await["proof"]["token"].as_str().unwrap().to_owned();
    for table in ["verification", "delivery", "proof", "contact_usage", "audit"] {
        let dump = app.dump(table).await;
        assert!(!dump.contains(&proof), "{table}");
        // The digits of the code may occur in a long number by chance, so it is searched for as a whole word.
        let words = dump.split(|c: char| !c.is_ascii_alphanumeric());
        assert!(words.into_iter().all(|word| word != code), "{table}");
    }
    app.stop().await;
}
