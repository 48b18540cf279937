//! Twilio Verify keeps one open verification per number. Two verifications of this service must never share it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{ProviderSettings, accept_all, code, phone, twilio_error, wait_for_status, with_providers},
};
use crate::{
    providers::double::{RecordedRequest, Reply},
    support::{ApiClient, TEST_TIMEOUT, TestApp},
};

/// A model of Twilio Verify: one open verification per number, each with its own code.
#[derive(Default)]
struct Twilio {
    created: usize,
    /// Open verifications by number.
    open: HashMap<String, String>,
    /// Starts that joined an open verification.
    joined: usize,
}

type Shared = Arc<Mutex<Twilio>>;

fn sid(number: usize) -> String {
    format!("VE{number:032x}")
}

fn code_of(sid: &str) -> String {
    format!("{:06}", 700_000 + usize::from_str_radix(&sid[2..], 16).unwrap())
}

async fn twilio() -> (Shared, FakeProvider) {
    let shared = Shared::default();
    let state = Arc::clone(&shared);
    (shared, FakeProvider::start(move |seen| Action::Respond(state.lock().unwrap().respond(seen))).await)
}

impl Twilio {
    fn respond(&mut self, seen: &RecordedRequest) -> Reply {
        match seen.line.rsplit('/').next() {
            Some("Verifications") => {
                let to = seen.form()["To"].clone();
                if self.open.contains_key(&to) {
                    self.joined += 1;
                } else {
                    self.created += 1;
                    self.open.insert(to.clone(), sid(self.created));
                }
                Reply::json(201, &json!({ "sid": self.open[&to], "status": "pending" }))
            }
            Some("VerificationCheck") => {
                let (sid, guess) = (seen.form()["VerificationSid"].clone(), seen.form()["Code"].clone());
                let is_open = self.open.values().any(|open| *open == sid);
                match is_open {
                    false => twilio_error(404, 20404),
                    true if guess == code_of(&sid) => {
                        self.open.retain(|_, open| *open != sid);
                        Reply::json(200, &json!({ "status": "approved" }))
                    }
                    true => Reply::json(200, &json!({ "status": "pending" })),
                }
            }
            Some(sid) if sid.starts_with("VE") => {
                let before = self.open.len();
                self.open.retain(|_, open| open != sid);
                match self.open.len() < before {
                    true => Reply::json(200, &json!({ "sid": sid, "status": "canceled" })),
                    false => twilio_error(404, 20404),
                }
            }
            _ => Reply::json(200, &json!({ "attempts": [] })),
        }
    }
}

/// The number of verifications created, and of starts that joined an open one.
fn counts(twilio: &Shared) -> (usize, usize) {
    let twilio = twilio.lock().unwrap();
    (twilio.created, twilio.joined)
}

/// Waits until `count` verifications have a reference from Twilio: a discreet message is shown as SENT before Twilio is
/// called.
async fn wait_for_references(app: &TestApp, count: i64) {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while app.row_count("verification WHERE code_ref IS NOT NULL").await < count {
        assert!(tokio::time::Instant::now() < deadline, "{count} references did not arrive in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn current_code(twilio: &Shared, number: &str) -> String {
    code_of(&twilio.lock().unwrap().open[number])
}

async fn request_code(client: &ApiClient, purpose: &str, number: &str, device: Option<&str>) -> Value {
    client.send_code(json!({ "purpose": purpose, "to": { "phone": number }, "deviceToken": device })).await
}

fn assert_cooldown(response: &Value) {
    let found = (&response["__typename"], &response["quota"]);
    assert_eq!(found, (&json!("QuotaExceeded"), &json!("RESEND_COOLDOWN")), "{response:#}");
}

/// Advances the clock past the resend cooldown.
fn pass_cooldown(app: &TestApp) {
    app.advance(Duration::from_secs(61));
}

#[tokio::test]
async fn concurrent_verification_uses_the_next_provider_for_all_its_messages() {
    let (twilio, verify) = twilio().await;
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("twilio-verify,webhook").await.twilio_verify(&verify).gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let first = visitor.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&visitor, &first, "SENT").await;
    pass_cooldown(&app);
    let second = visitor.send_code_to(&phone(0)).await["id"].clone();
    let ours = code(&gateway.wait_for_requests(1).await[0]);
    // Neither code confirms the other verification, and canceling one does not end the other.
    let theirs = current_code(&twilio, &phone(0));
    assert_eq!(visitor.confirm(&second, &theirs).await["__typename"], "CodeMismatch");
    visitor.cancel(&second).await;
    let right = visitor.confirm(&first, &theirs).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    pass_cooldown(&app);
    // After the first verification is confirmed, Twilio is used for the number again.
    let third = visitor.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&visitor, &third, "SENT").await;
    assert_eq!((gateway.request_count(), twilio.lock().unwrap().joined), (1, 0));
    assert_ne!(ours, theirs);
    app.stop().await;
}

#[tokio::test]
async fn without_another_provider_unknown_clients_wait_even_for_a_decoy() {
    let (twilio, verify) = twilio().await;
    let app = with_providers("twilio-verify").await.twilio_verify(&verify).start().await;
    let visitor = app.anonymous();
    // The second number has no account: its SIGN_IN is a decoy, for which Twilio is not called.
    for (number, purpose) in [(phone(0), "CONTACT"), (phone(1), "SIGN_IN")] {
        let first = request_code(&visitor, purpose, &number, None).await["verification"].clone();
        wait_for_status(&visitor, &first["id"], "SENT").await;
        pass_cooldown(&app);
        let refused = request_code(&visitor, "CONTACT", &number, None).await;
        assert_cooldown(&refused);
        assert_eq!(refused["retryAt"], first["expiresAt"]);
        // An unknown client may use two of the five checks.
        assert_eq!(first["attemptsRemaining"], 2);
        visitor.confirm(&first["id"], "000001").await;
        visitor.confirm(&first["id"], "000002").await;
        let locked = visitor.verification(&first["id"]).await;
        assert_eq!(locked["status"], "LOCKED");
        let again = request_code(&visitor, "CONTACT", &number, None).await;
        assert_eq!(again["__typename"], "SendVerificationCodePayload", "{again:#}");
        wait_for_status(&visitor, &again["verification"]["id"], "SENT").await;
    }
    assert_eq!(twilio.lock().unwrap().joined, 0);
    app.stop().await;
}

#[tokio::test]
async fn expired_verification_is_canceled_at_twilio_before_the_next_start() {
    let (twilio, verify) = twilio().await;
    let app = with_providers("twilio-verify").await.twilio_verify(&verify).with("CODE_TTL", "2m").start().await;
    let visitor = app.anonymous();
    let first = visitor.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&visitor, &first, "SENT").await;
    let old = current_code(&twilio, &phone(0));
    app.advance(Duration::from_secs(121));
    let second = visitor.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&visitor, &second, "SENT").await;
    assert_eq!(visitor.confirm(&second, &old).await["__typename"], "CodeMismatch");
    let right = visitor.confirm(&second, &current_code(&twilio, &phone(0))).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    assert_eq!(twilio.lock().unwrap().joined, 0);
    app.stop().await;
}

#[tokio::test]
async fn known_device_cancels_the_pending_verification_and_starts_another() {
    let (twilio, verify) = twilio().await;
    let app = with_providers("twilio-verify").await.twilio_verify(&verify).start().await;
    let (visitor, number) = (app.anonymous(), phone(0));
    let sent = request_code(&visitor, "SIGN_UP", &number, None).await["verification"]["id"].clone();
    wait_for_references(&app, 1).await;
    let proof = visitor.confirm(&sent, &current_code(&twilio, &number)).await["proof"]["token"].clone();
    let account =
        visitor.sign_up(json!({ "proofToken": proof, "username": "minji", "password": "NewPassword123!" })).await;
    let device = account["deviceToken"].as_str().unwrap_or_else(|| panic!("{account:#}"));
    pass_cooldown(&app);
    // Another client has a pending verification of the number. Only the owner's device and session may cancel it.
    let unknown_client = request_code(&visitor, "CONTACT", &number, None).await["verification"]["id"].clone();
    wait_for_status(&visitor, &unknown_client, "SENT").await;
    pass_cooldown(&app);
    assert_cooldown(&request_code(&visitor, "SIGN_IN", &number, Some(&"0".repeat(64))).await);
    let from_device = request_code(&visitor, "SIGN_IN", &number, Some(device)).await["verification"].clone();
    assert_eq!(from_device["attemptsRemaining"], 5, "{from_device:#}");
    assert_eq!(visitor.verification(&unknown_client).await["status"], "CANCELED");
    wait_for_status(&visitor, &from_device["id"], "SENT").await;
    wait_for_references(&app, 3).await;
    pass_cooldown(&app);
    let owner = visitor.clone().with_token(account["tokens"]["accessToken"].as_str().unwrap());
    let from_session = request_code(&owner, "CONTACT", &number, None).await["verification"]["id"].clone();
    wait_for_status(&visitor, &from_session, "SENT").await;
    assert_eq!(visitor.verification(&from_device["id"]).await["status"], "CANCELED");
    let right = visitor.confirm(&from_session, &current_code(&twilio, &number)).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    assert_eq!(counts(&twilio), (4, 0));
    app.stop().await;
}

/// Across processes, at most one of several concurrent sends gets the number.
#[tokio::test]
async fn one_of_several_concurrent_sends_gets_the_number() {
    let (twilio, verify) = twilio().await;
    let app = with_providers("twilio-verify").await.twilio_verify(&verify).with("RESEND_COOLDOWN", "0s").start().await;
    let other = match app.vars().get("DATABASE_URL").is_some_and(|url| url.starts_with("postgres")) {
        true => Some(app.another_process().await),
        false => None,
    };
    let clients = (0..8).map(|client| {
        let app = if client % 2 == 0 { &app } else { other.as_ref().unwrap_or(&app) };
        app.client_at(&format!("203.0.113.{}", client + 1))
    });
    let clients: Vec<_> = clients.collect();
    let number = phone(0);
    let sends = clients.iter().map(|client| request_code(client, "CONTACT", &number, None));
    let responses = futures_util::future::join_all(sends).await;
    let sent: Vec<_> = responses.iter().filter(|response| response["verification"]["id"].is_string()).collect();
    assert_eq!(sent.len(), 1, "{responses:#?}");
    wait_for_status(&clients[0], &sent[0]["verification"]["id"], "SENT").await;
    responses.iter().filter(|response| response["verification"].is_null()).for_each(assert_cooldown);
    assert_eq!(counts(&twilio), (1, 0));
    if let Some(other) = other {
        other.stop().await;
    }
    app.stop().await;
}

/// Without the response there is no reference to cancel the verification with, so the number is not used until the
/// verification has expired at Twilio.
#[tokio::test]
async fn lost_response_blocks_the_number_for_ten_minutes() {
    let (shared, verify) = twilio().await;
    verify.behave(|_| Action::Drop);
    let app = with_providers("twilio-verify").await.twilio_verify(&verify).start().await;
    let visitor = app.anonymous();
    let first = visitor.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&visitor, &first, "UNKNOWN").await;
    visitor.cancel(&first).await;
    app.advance(Duration::from_secs(6 * 60));
    assert_cooldown(&request_code(&visitor, "CONTACT", &phone(0), None).await);
    verify.behave(move |seen| Action::Respond(shared.lock().unwrap().respond(seen)));
    app.advance(Duration::from_secs(4 * 60));
    let second = visitor.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&visitor, &second, "SENT").await;
    app.stop().await;
}

/// Nothing was sent, so no verification is open at Twilio.
#[tokio::test]
async fn rate_limit_of_a_number_uses_the_next_provider_or_fails_immediately() {
    for error in [60_203, 60_212] {
        let verify = FakeProvider::start(move |_| Action::Respond(twilio_error(429, error))).await;
        let gateway = FakeProvider::start(accept_all).await;
        let app = with_providers("twilio-verify,webhook").await.twilio_verify(&verify).gateway(&gateway).start().await;
        let visitor = app.anonymous();
        let id = visitor.send_code_to(&phone(0)).await["id"].clone();
        wait_for_status(&visitor, &id, "SENT").await;
        let right = visitor.confirm(&id, &code(&gateway.wait_for_requests(1).await[0])).await;
        assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
        app.stop().await;

        let app = with_providers("twilio-verify").await.twilio_verify(&verify).start().await;
        let visitor = app.anonymous();
        let id = visitor.send_code_to(&phone(0)).await["id"].clone();
        let failed = wait_for_status(&visitor, &id, "FAILED").await;
        assert_eq!(failed["delivery"]["failure"], "BLOCKED", "{failed:#}");
        visitor.cancel(&id).await;
        verify.behave(|_| Action::Respond(Reply::json(201, &json!({ "sid": sid(9), "status": "pending" }))));
        pass_cooldown(&app);
        let id = visitor.send_code_to(&phone(0)).await["id"].clone();
        wait_for_status(&visitor, &id, "SENT").await;
        app.stop().await;
    }
}
