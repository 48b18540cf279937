//! Guessing: however many ask at once, and by whichever door.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{counts, tally};
use crate::support::{Setup, TestApp, different_code as wrong};

const PHONE: &str = "+821022223333";

async fn unhurried() -> TestApp {
    Setup::new().await.with("CLIENT_GUESSES_PER_MINUTE", "unlimited").start().await
}

/// CR-01, BF-01, invariant 1: two hundred wrong guesses at once take five attempts, and learn five different counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_wrong_guesses_at_once_take_five_attempts() {
    let app = unhurried().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let guess = wrong(&code);
    let answers = join_all((0..200).map(|_| visitor.confirm(&id, &guess))).await;
    assert_eq!(tally(&answers), counts(&[("CodeMismatch", 5), ("VerificationNotPending", 195)]));
    let left: BTreeSet<_> = answers.iter().filter_map(|answer| answer["attemptsRemaining"].as_i64()).collect();
    assert_eq!(left, (0..5).collect());
    let late = visitor.confirm(&id, &code).await;
    assert_eq!(late["verification"]["status"], "LOCKED");
    app.stop().await;
}

/// CR-02, CL-04: a hundred right guesses at once yield one proof: as many are answered with it as there are tries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_right_guesses_at_once_yield_one_proof() {
    let app = unhurried().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    let answers = join_all((0..100).map(|_| visitor.confirm(&id, &code))).await;
    assert_eq!(tally(&answers), counts(&[("ConfirmVerificationCodePayload", 6), ("VerificationNotPending", 94)]));
    let tokens: BTreeSet<_> = answers.iter().filter_map(|answer| answer["proof"]["token"].as_str()).collect();
    assert_eq!(tokens.len(), 1);
    let over = answers.iter().filter(|answer| answer["__typename"] == "VerificationNotPending");
    assert!(over.into_iter().all(|answer| answer["verification"]["status"] == "VERIFIED"));
    assert_eq!(app.row_count("proof").await, 1);
    app.stop().await;
}

/// CR-01 across processes: each has its own memory, and the table judges.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_two_processes_take_five_attempts_together() {
    let one = unhurried().await;
    let other = one.another_process().await;
    let id = one.anonymous().send_code_to(PHONE).await["id"].clone();
    let guess = wrong(&one.code_sent_to(PHONE).await);
    let (here, there) = (one.anonymous(), other.anonymous());
    let answers = join_all((0..60).map(|n| if n % 2 == 0 { &here } else { &there }.confirm(&id, &guess))).await;
    assert_eq!(tally(&answers), counts(&[("CodeMismatch", 5), ("VerificationNotPending", 55)]));
    other.stop().await;
    one.stop().await;
}

fn aliased(id: &Value, guesses: impl Iterator<Item = String>) -> String {
    let field = |(n, code)| {
        format!("g{n}: confirmVerificationCode(input: {{ verificationId: {id}, code: \"{code}\" }}) {{ __typename }}")
    };
    format!("mutation {{ {} }}", guesses.enumerate().map(field).collect::<Vec<_>>().join(" "))
}

/// BF-04: aliased guesses in one document are refused whole; where an operator allows them, each pays for itself.
#[tokio::test]
async fn aliased_guesses_pay_each_for_itself() {
    let app = unhurried().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let refused = visitor.execute(&aliased(&id, (0..2).map(|n| format!("00000{n}"))), json!({})).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "TOO_COMPLEX", "{refused:#}");
    assert_eq!(visitor.verification(&id).await["attemptsRemaining"], 5);
    app.stop().await;

    let app = Setup::new().await.with("MAX_ROOT_MUTATIONS", "10").with("CLIENT_GUESSES_PER_MINUTE", "8").start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let guess = wrong(&app.code_sent_to(PHONE).await);
    let answer = visitor.data(&aliased(&id, (0..10).map(|_| guess.clone())), json!({})).await;
    let answers: Vec<&Value> = answer.as_object().unwrap().values().collect();
    // Ten fields, eight of which the address could pay for, five of which were attempts.
    assert_eq!(tally(answers), counts(&[("CodeMismatch", 5), ("QuotaExceeded", 2), ("VerificationNotPending", 3)]));
    app.stop().await;
}

/// BF-05: arrays of operations are refused.
#[tokio::test]
async fn an_array_of_guesses_is_refused() {
    let app = unhurried().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let guess = json!({ "query": aliased(&id, std::iter::once("000000".to_owned())) });
    let http = reqwest::Client::builder().build().unwrap();
    let batch = Value::Array(vec![guess; 20]);
    let answer = http.post(format!("{}/graphql", app.url())).json(&batch).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert_eq!(visitor.verification(&id).await["attemptsRemaining"], 5);
    app.stop().await;
}

/// BF-06: a socket's guesses and a request's count together.
#[tokio::test]
async fn guesses_over_a_socket_are_counted_with_the_others() {
    let app = unhurried().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let guess = wrong(&app.code_sent_to(PHONE).await);
    for left in [4, 3] {
        assert_eq!(visitor.confirm(&id, &guess).await["attemptsRemaining"], left);
    }
    let document = "mutation($id: ID!, $code: String!) { it: confirmVerificationCode(input: { verificationId: $id, \
                    code: $code }) { __typename ... on CodeMismatch { attemptsRemaining } } }";
    let mut socket = visitor.socket().await;
    let mut answers = Vec::new();
    for n in 0..5 {
        let payload = json!({ "query": document, "variables": { "id": id, "code": guess } });
        socket.send(&json!({ "id": n.to_string(), "type": "subscribe", "payload": payload })).await;
        loop {
            let message = socket.receive().await.unwrap();
            match message["type"].as_str().unwrap() {
                "next" => answers.push(message["payload"]["data"]["it"].clone()),
                "complete" => break,
                other => panic!("{other}: {message:#}"),
            }
        }
    }
    assert_eq!(tally(&answers), counts(&[("CodeMismatch", 3), ("VerificationNotPending", 2)]));
    app.stop().await;
}

/// CL-06: what is no code never matches, and what is plainly none costs no attempt.
#[tokio::test]
async fn nothing_but_the_code_is_the_code() {
    let app = unhurried().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(PHONE).await["id"].clone();
    let code = app.code_sent_to(PHONE).await;
    for empty in ["", "   ", "\u{3000}"] {
        let refused = visitor.confirm(&id, empty).await;
        assert_eq!((&refused["fields"][0]["path"], &refused["fields"][0]["reason"]), (&json!("code"), &json!("empty")));
    }
    let long = visitor.confirm(&id, &"0".repeat(257)).await;
    assert_eq!(long["fields"][0]["reason"], "not_a_code");
    assert_eq!(visitor.verification(&id).await["attemptsRemaining"], 5);
    for near in [&code[..5], &format!("{code}0"), "null", "000000\u{0}"] {
        assert_eq!(visitor.confirm(&id, near).await["__typename"], "CodeMismatch", "{near:?}");
    }
    // As people type it.
    let typed = format!(" {}-{} ", &code[..3], &code[3..]);
    assert_eq!(visitor.confirm(&id, &typed).await["__typename"], "ConfirmVerificationCodePayload");
    app.stop().await;
}

/// CL-05: a code is worth nothing for another verification, though contact and purpose are the same.
#[tokio::test]
async fn a_code_opens_its_own_verification_alone() {
    let app = Setup::new().await.with("RESEND_COOLDOWN", "0s").start().await;
    let visitor = app.anonymous();
    let first = visitor.send_code_to(PHONE).await["id"].clone();
    let first_code = app.code_sent_to(PHONE).await;
    let second = visitor.send_code_to(PHONE).await["id"].clone();
    let second_code = app.messages_to(PHONE, 2).await[0]["code"].as_str().unwrap().to_owned();
    if first_code != second_code {
        assert_eq!(visitor.confirm(&second, &first_code).await["__typename"], "CodeMismatch");
        assert_eq!(visitor.confirm(&first, &second_code).await["__typename"], "CodeMismatch");
    }
    // A stranger's send does not cancel the older one: each lives for its holder.
    assert_eq!(visitor.confirm(&first, &first_code).await["__typename"], "ConfirmVerificationCodePayload");
    assert_eq!(visitor.confirm(&second, &second_code).await["__typename"], "ConfirmVerificationCodePayload");
    app.stop().await;
}

/// DR-01, DR-02: whoever steals the database learns neither a code nor a proof.
#[tokio::test]
async fn the_tables_hold_no_code_and_no_proof() {
    let app = unhurried().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to("010-8765-4321").await["id"].clone();
    let code = app.code_sent_to("+821087654321").await;
    let proof = visitor.confirm(&id, &code).await["proof"]["token"].as_str().unwrap().to_owned();
    for table in ["verification", "delivery", "proof", "contact_usage", "audit"] {
        let dump = app.dump(table).await;
        assert!(!dump.contains(&proof), "{table}");
        // The code's digits may stand in a long number by chance, so a word of its own is looked for.
        let words = dump.split(|c: char| !c.is_ascii_alphanumeric());
        assert!(words.into_iter().all(|word| word != code), "{table}");
    }
    app.stop().await;
}
