//! The response to a correct code may be lost: the same code returns the same proof again for a minute.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{Instant, sleep},
};

use super::{counts, counts_by_type};
use crate::{
    delivery::setup::wait_for_status,
    support::{Account, ApiClient, Setup, TEST_TIMEOUT, TestApp, different_code as wrong},
};

const PHONE: &str = "+821022223333";
const MINUTE: Duration = Duration::from_secs(60);
const PAYLOAD: &str = "ConfirmVerificationCodePayload";
const OVER: &str = "VerificationNotPending";

async fn app() -> TestApp {
    let setup = Setup::new().await.with("CLIENT_GUESSES_PER_MINUTE", "unlimited");
    setup.with("CONTACT_DAILY_GUESSES", "unlimited").start().await
}

/// Sends a code for this purpose. Returns the verification id and the code.
async fn send_code(app: &TestApp, purpose: &str, phone: &str) -> (Value, String) {
    let sent = app.anonymous().send_code(json!({ "purpose": purpose, "to": { "phone": phone } })).await;
    let id = sent["verification"]["id"].clone();
    assert!(id.is_string(), "{sent:#}");
    let code = app.code_sent_to(phone).await;
    // The status of the message changes shortly after the message arrives.
    wait_for_status(&app.anonymous(), &id, "SENT").await;
    (id, code)
}

fn proof(response: &Value) -> &Value {
    assert_eq!(response["__typename"], PAYLOAD, "{response:#}");
    &response["proof"]
}

/// Waits until a verification has this status.
async fn until(client: &ApiClient, id: &Value, status: &str) {
    let deadline = Instant::now() + TEST_TIMEOUT;
    while client.verification(id).await["status"] != status {
        assert!(Instant::now() < deadline, "it never became {status}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Sends a confirmation and closes the connection before the response.
async fn confirm_and_leave(app: &TestApp, id: &Value, code: &str) {
    let query = "mutation($id: ID!, $code: String!) { confirmVerificationCode(input: { verificationId: $id, code: $code }) \
                 { __typename } }";
    let body = json!({ "query": query, "variables": { "id": id, "code": code } }).to_string();
    let host = app.url().trim_start_matches("http://");
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn closed_connection_does_not_lose_the_proof() {
    let app = app().await;
    let visitor = app.anonymous();
    for n in 0..5 {
        let (id, code) = send_code(&app, "CONTACT", &format!("+82102222{n:04}")).await;
        confirm_and_leave(&app, &id, &code).await;
        until(&visitor, &id, "VERIFIED").await;
        let before = visitor.verification(&id).await;
        let response = visitor.confirm(&id, &code).await;
        let token = proof(&response)["token"].clone();
        assert_eq!(proof(&visitor.confirm(&id, &code).await), proof(&response), "and again");
        assert_eq!(visitor.verification(&id).await, before, "the status is unchanged");
        assert_eq!(token.as_str().unwrap().len(), 64);
    }
    assert_eq!(app.row_count("proof").await, 5);
    app.stop().await;
}

/// A response UNAVAILABLE leaves open whether the confirmation was committed; the proof is not lost in either case.
#[tokio::test]
async fn database_timeout_does_not_lose_the_proof() {
    let setup = Setup::new().await.with("DATABASE_TIMEOUT", "1s");
    let app = setup.start().await;
    let visitor = app.anonymous();
    let (id, code) = send_code(&app, "CONTACT", PHONE).await;
    visitor.confirm(&id, &wrong(&code)).await;
    let lock = app.lock("SELECT * FROM contact_usage").await;
    let query =
        "mutation($input: ConfirmVerificationCodeInput!) { confirmVerificationCode(input: $input) { __typename } }";
    let response = visitor.execute(query, json!({ "input": { "verificationId": id, "code": code } })).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{response:#}");
    lock.release().await;
    let deadline = Instant::now() + TEST_TIMEOUT;
    let token = loop {
        let response = visitor.execute(
            "mutation($input: ConfirmVerificationCodeInput!) { it: confirmVerificationCode(input: $input) { __typename \
             ... on ConfirmVerificationCodePayload { proof { token } } } }",
            json!({ "input": { "verificationId": id, "code": code } }),
        );
        let response = response.await;
        if response["errors"].is_null() {
            break response["data"]["it"]["proof"]["token"].clone();
        }
        assert!(Instant::now() < deadline, "{response:#}");
    };
    assert_eq!(proof(&visitor.confirm(&id, &code).await)["token"], token);
    assert_eq!(app.row_count("proof").await, 1);
    app.stop().await;
}

/// CR-02 across processes: of many concurrent right codes as many succeed as there are attempts, all with one proof.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_right_codes_at_two_processes_yield_one_proof() {
    let one = app().await;
    let other = one.another_process().await;
    let (id, code) = send_code(&one, "CONTACT", PHONE).await;
    let (here, there) = (one.anonymous(), other.anonymous());
    let responses = join_all((0..50).map(|n| if n % 2 == 0 { &here } else { &there }.confirm(&id, &code))).await;
    assert_eq!(counts_by_type(&responses), counts(&[(PAYLOAD, 6), (OVER, 44)]));
    let mut proofs = responses.iter().filter(|response| response["__typename"] == PAYLOAD).map(proof);
    let first = proofs.next().unwrap();
    assert!(proofs.all(|proof| proof == first));
    assert_eq!(one.row_count("proof").await, 1);
    assert_eq!(here.verification(&id).await["attemptsRemaining"], 5);
    other.stop().await;
    one.stop().await;
}

/// Wrong codes after the right one use the same attempts and disclose nothing beyond what the id discloses.
#[tokio::test]
async fn guesses_after_the_right_code_are_counted_and_disclose_nothing() {
    let app = app().await;
    let visitor = app.anonymous();
    let (id, code) = send_code(&app, "CONTACT", PHONE).await;
    let first = visitor.confirm(&id, &code).await;
    for _ in 0..4 {
        let response = visitor.confirm(&id, &wrong(&code)).await;
        assert_eq!((&response["__typename"], &response["verification"]["status"]), (&json!(OVER), &json!("VERIFIED")));
        assert_eq!(response["verification"]["attemptsRemaining"], 5);
        assert_eq!(response["verification"]["sequence"], first["verification"]["sequence"]);
    }
    assert_eq!(proof(&visitor.confirm(&id, &code).await), proof(&first));
    // The sixth of five attempts.
    assert_eq!(visitor.confirm(&id, &code).await["__typename"], OVER);
    app.stop().await;
}

/// BF-03: they also count towards the contact's daily guesses.
#[tokio::test]
async fn guesses_after_the_right_code_count_towards_the_daily_limit() {
    let app = Setup::new().await.with("CONTACT_DAILY_GUESSES", "3").start().await;
    let visitor = app.anonymous();
    let (id, code) = send_code(&app, "CONTACT", PHONE).await;
    proof(&visitor.confirm(&id, &code).await);
    assert_eq!(visitor.confirm(&id, &wrong(&code)).await["__typename"], OVER);
    proof(&visitor.confirm(&id, &code).await);
    assert_eq!(visitor.confirm(&id, &code).await["__typename"], OVER);
    app.stop().await;
}

#[tokio::test]
async fn repeated_code_is_rejected_after_a_minute() {
    let app = app().await;
    let visitor = app.anonymous();
    let (id, code) = send_code(&app, "CONTACT", PHONE).await;
    let first = visitor.confirm(&id, &code).await;
    app.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(proof(&visitor.confirm(&id, &code).await), proof(&first));
    app.advance(Duration::from_millis(1));
    let late = visitor.confirm(&id, &code).await;
    assert_eq!((&late["__typename"], &late["verification"]["status"]), (&json!(OVER), &json!("VERIFIED")));
    app.stop().await;
}

/// Invariant 2: a spent proof stays spent, however often its code is repeated.
#[tokio::test]
async fn spent_proof_is_not_returned_again() {
    let app = app().await;
    app.insert_accounts([Account::with_phone(PHONE)]).await;
    let visitor = app.anonymous();
    let (id, code) = send_code(&app, "SIGN_IN", PHONE).await;
    proof(&visitor.confirm(&id, &code).await);
    let token = proof(&visitor.confirm(&id, &code).await)["token"].clone();
    assert_eq!(visitor.sign_in_with_proof(&token).await["__typename"], "SignInPayload");
    assert_eq!(visitor.confirm(&id, &code).await["__typename"], OVER);
    assert_eq!(visitor.sign_in_with_proof(&token).await["reason"], "SPENT");
    app.stop().await;
}

/// A changed contact or a cancelled verification invalidates the repeated code.
#[tokio::test]
async fn repeated_code_does_not_reopen_a_closed_verification() {
    const NEW: &str = "+821077778888";
    let app = app().await;
    let owner = app.client_for(&app.signed_up("hong", PHONE).await);
    app.advance(MINUTE);
    let change = app.proof(&owner, "PHONE_CHANGE", NEW).await;
    let sent = app.anonymous().send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": PHONE } })).await;
    let id = sent["verification"]["id"].clone();
    let code = app.messages_to(PHONE, 2).await[0]["code"].as_str().unwrap().to_owned();
    let attacker = app.anonymous();
    proof(&attacker.confirm(&id, &code).await);
    assert_eq!(owner.change_contact("changePhone", &change).await["__typename"], "ChangeContactPayload");
    assert_eq!(attacker.confirm(&id, &code).await["__typename"], OVER);

    let (id, code) = send_code(&app, "CONTACT", "+821044445555").await;
    assert_eq!(attacker.cancel(&id).await["__typename"], "CancelVerificationPayload");
    let late = attacker.confirm(&id, &code).await;
    assert_eq!((&late["__typename"], &late["verification"]["status"]), (&json!(OVER), &json!("CANCELED")));
    app.stop().await;
}

/// During a rolling key replacement each process returns the proof that another one issued. A verification of a key
/// that this process does not know is not checked.
#[tokio::test]
async fn proof_is_returned_again_during_key_replacement() {
    const NEW_KEY: &str = "Qx7LmZ2VtR9cYw4KpN8sJd3HfG6bTa5EuC1vXo0iMyk=";
    let old = app().await;
    let old_key = old.vars()["SERVER_KEY"].clone();
    let rotated = [("SERVER_KEY", Some(NEW_KEY)), ("SERVER_KEYS_PREVIOUS", Some(old_key.as_str()))];
    let new = old.another_process_with(&rotated).await;
    let (id, code) = send_code(&old, "CONTACT", PHONE).await;
    let first = old.anonymous().confirm(&id, &code).await;
    assert_eq!(proof(&new.anonymous().confirm(&id, &code).await), proof(&first));

    let (id, code) = send_code(&new, "CONTACT", "+821044445555").await;
    let query =
        "mutation($input: ConfirmVerificationCodeInput!) { confirmVerificationCode(input: $input) { __typename } }";
    let input = json!({ "input": { "verificationId": id, "code": code } });
    let response = old.anonymous().execute(query, input.clone()).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{response:#}");
    assert_eq!(old.anonymous().verification(&id).await["attemptsRemaining"], 5);
    proof(&new.anonymous().confirm(&id, &code).await);
    let response = old.anonymous().execute(query, input).await;
    assert_eq!(response["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{response:#}");
    new.stop().await;
    old.stop().await;
}

/// The audit trail distinguishes a repeated proof from a new one.
#[tokio::test]
async fn audit_trail_records_repeated_proofs() {
    let app = app().await;
    let (id, code) = send_code(&app, "CONTACT", PHONE).await;
    for _ in 0..2 {
        proof(&app.anonymous().confirm(&id, &code).await);
    }
    app.anonymous().confirm(&id, &wrong(&code)).await;
    let query = "SELECT outcome FROM audit WHERE act = 'confirmVerificationCode' ORDER BY id";
    assert_eq!(app.column(query).await, ["ok", "proof_repeated", "verification_not_pending"]);
    app.stop().await;
}
