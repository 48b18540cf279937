//! Twilio Verify keeps one open verification of a number. Two of ours never share it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, by, code, phone, shows, takes, twilio_error},
};
use crate::{
    providers::double::{Reply, Seen},
    support::{PATIENCE, Person, TestApp},
};

/// Twilio as far as it matters here: one open verification of each number, with a code of its own.
#[derive(Default)]
struct Twilio {
    made: usize,
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

async fn twilio() -> (Shared, Carrier) {
    let shared = Shared::default();
    let state = Arc::clone(&shared);
    (shared, Carrier::start(move |seen| Act::Say(state.lock().unwrap().answer(seen))).await)
}

impl Twilio {
    fn answer(&mut self, seen: &Seen) -> Reply {
        match seen.line.rsplit('/').next() {
            Some("Verifications") => {
                let to = seen.form()["To"].clone();
                if self.open.contains_key(&to) {
                    self.joined += 1;
                } else {
                    self.made += 1;
                    self.open.insert(to.clone(), sid(self.made));
                }
                Reply::json(201, &json!({ "sid": self.open[&to], "status": "pending" }))
            }
            Some("VerificationCheck") => {
                let (asked, guess) = (seen.form()["VerificationSid"].clone(), seen.form()["Code"].clone());
                let is_open = self.open.values().any(|open| *open == asked);
                match is_open {
                    false => twilio_error(404, 20404),
                    true if guess == code_of(&asked) => {
                        self.open.retain(|_, open| *open != asked);
                        Reply::json(200, &json!({ "status": "approved" }))
                    }
                    true => Reply::json(200, &json!({ "status": "pending" })),
                }
            }
            Some(asked) if asked.starts_with("VE") => {
                let before = self.open.len();
                self.open.retain(|_, open| open != asked);
                match self.open.len() < before {
                    true => Reply::json(200, &json!({ "sid": asked, "status": "canceled" })),
                    false => twilio_error(404, 20404),
                }
            }
            _ => Reply::json(200, &json!({ "attempts": [] })),
        }
    }
}

/// How many verifications were made, and how many starts joined one.
fn counts(twilio: &Shared) -> (usize, usize) {
    let twilio = twilio.lock().unwrap();
    (twilio.made, twilio.joined)
}

/// Once so many verifications know what Twilio calls theirs: the message of a discreet one shows SENT before Twilio is
/// asked.
async fn are_made(app: &TestApp, count: i64) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while app.rows("verification WHERE code_ref IS NOT NULL").await < count {
        assert!(tokio::time::Instant::now() < deadline, "never {count}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn code_now(twilio: &Shared, number: &str) -> String {
    code_of(&twilio.lock().unwrap().open[number])
}

async fn asks(person: &Person, purpose: &str, number: &str, device: Option<&str>) -> Value {
    person.send_code(json!({ "purpose": purpose, "to": { "phone": number }, "deviceToken": device })).await
}

fn is_cooldown(answer: &Value) {
    let found = (&answer["__typename"], &answer["quota"]);
    assert_eq!(found, (&json!("QuotaExceeded"), &json!("RESEND_COOLDOWN")), "{answer:#}");
}

/// Past the cooldown between two sends.
fn cool_down(app: &TestApp) {
    app.advance(Duration::from_secs(61));
}

#[tokio::test]
async fn a_second_start_goes_by_the_next_provider_and_keeps_to_it() {
    let (twilio, verify) = twilio().await;
    let gateway = Carrier::start(takes).await;
    let app = by("twilio-verify,webhook").await.twilio_verify(&verify).gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let first = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &first, "SENT").await;
    cool_down(&app);
    let second = visitor.send_code_to(&phone(0)).await["id"].clone();
    let ours = code(&gateway.seen_at_least(1).await[0]);
    // Neither code confirms the other verification, and the end of one is not the end of the other.
    let theirs = code_now(&twilio, &phone(0));
    assert_eq!(visitor.confirm(&second, &theirs).await["__typename"], "CodeMismatch");
    visitor.cancel(&second).await;
    let right = visitor.confirm(&first, &theirs).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    cool_down(&app);
    // With the first confirmed the number is free at Twilio again.
    let third = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &third, "SENT").await;
    assert_eq!((gateway.asked(), twilio.lock().unwrap().joined), (1, 0));
    assert_ne!(ours, theirs);
    app.stop().await;
}

#[tokio::test]
async fn with_no_other_provider_an_unknown_client_waits_and_a_decoy_is_no_exception() {
    let (twilio, verify) = twilio().await;
    let app = by("twilio-verify").await.twilio_verify(&verify).start().await;
    let visitor = app.anonymous();
    // The second number has no account: its SIGN_IN is a decoy, for which Twilio is not asked.
    for (number, purpose) in [(phone(0), "CONTACT"), (phone(1), "SIGN_IN")] {
        let first = asks(&visitor, purpose, &number, None).await["verification"].clone();
        shows(&visitor, &first["id"], "SENT").await;
        cool_down(&app);
        let refused = asks(&visitor, "CONTACT", &number, None).await;
        is_cooldown(&refused);
        assert_eq!(refused["retryAt"], first["expiresAt"]);
        // An unknown client may use two of the five checks.
        assert_eq!(first["attemptsRemaining"], 2);
        visitor.confirm(&first["id"], "000001").await;
        visitor.confirm(&first["id"], "000002").await;
        let locked = visitor.verification(&first["id"]).await;
        assert_eq!(locked["status"], "LOCKED");
        let again = asks(&visitor, "CONTACT", &number, None).await;
        assert_eq!(again["__typename"], "SendVerificationCodePayload", "{again:#}");
        shows(&visitor, &again["verification"]["id"], "SENT").await;
    }
    assert_eq!(twilio.lock().unwrap().joined, 0);
    app.stop().await;
}

#[tokio::test]
async fn what_expired_here_is_canceled_there_before_the_next() {
    let (twilio, verify) = twilio().await;
    let app = by("twilio-verify").await.twilio_verify(&verify).with("CODE_TTL", "2m").start().await;
    let visitor = app.anonymous();
    let first = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &first, "SENT").await;
    let old = code_now(&twilio, &phone(0));
    app.advance(Duration::from_secs(121));
    let second = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &second, "SENT").await;
    assert_eq!(visitor.confirm(&second, &old).await["__typename"], "CodeMismatch");
    let right = visitor.confirm(&second, &code_now(&twilio, &phone(0))).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    assert_eq!(twilio.lock().unwrap().joined, 0);
    app.stop().await;
}

#[tokio::test]
async fn a_known_device_cancels_and_starts_anew() {
    let (twilio, verify) = twilio().await;
    let app = by("twilio-verify").await.twilio_verify(&verify).start().await;
    let (visitor, number) = (app.anonymous(), phone(0));
    let sent = asks(&visitor, "SIGN_UP", &number, None).await["verification"]["id"].clone();
    are_made(&app, 1).await;
    let proof = visitor.confirm(&sent, &code_now(&twilio, &number)).await["proof"]["token"].clone();
    let made =
        visitor.sign_up(json!({ "proofToken": proof, "username": "minji", "password": "NewPassword123!" })).await;
    let device = made["deviceToken"].as_str().unwrap_or_else(|| panic!("{made:#}"));
    cool_down(&app);
    // A stranger has the number; the owner's device and the owner's session get past it, and no other device does.
    let stranger = asks(&visitor, "CONTACT", &number, None).await["verification"]["id"].clone();
    shows(&visitor, &stranger, "SENT").await;
    cool_down(&app);
    is_cooldown(&asks(&visitor, "SIGN_IN", &number, Some(&"0".repeat(64))).await);
    let owners = asks(&visitor, "SIGN_IN", &number, Some(device)).await["verification"].clone();
    assert_eq!(owners["attemptsRemaining"], 5, "{owners:#}");
    assert_eq!(visitor.verification(&stranger).await["status"], "CANCELED");
    shows(&visitor, &owners["id"], "SENT").await;
    are_made(&app, 3).await;
    cool_down(&app);
    let holder = visitor.clone().with_token(made["tokens"]["accessToken"].as_str().unwrap());
    let by_session = asks(&holder, "CONTACT", &number, None).await["verification"]["id"].clone();
    shows(&visitor, &by_session, "SENT").await;
    assert_eq!(visitor.verification(&owners["id"]).await["status"], "CANCELED");
    let right = visitor.confirm(&by_session, &code_now(&twilio, &number)).await;
    assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
    assert_eq!(counts(&twilio), (4, 0));
    app.stop().await;
}

/// Whichever process they come to, at most one of many sends at once has the number.
#[tokio::test]
async fn of_sends_at_once_one_has_the_number() {
    let (twilio, verify) = twilio().await;
    let app = by("twilio-verify").await.twilio_verify(&verify).with("RESEND_COOLDOWN", "0s").start().await;
    let other = match app.vars().get("DATABASE_URL").is_some_and(|url| url.starts_with("postgres")) {
        true => Some(app.another_process().await),
        false => None,
    };
    let clients = (0..8).map(|client| {
        let asked = if client % 2 == 0 { &app } else { other.as_ref().unwrap_or(&app) };
        asked.person_at(&format!("203.0.113.{}", client + 1))
    });
    let clients: Vec<_> = clients.collect();
    let number = phone(0);
    let sends = clients.iter().map(|client| asks(client, "CONTACT", &number, None));
    let answers = futures_util::future::join_all(sends).await;
    let sent: Vec<_> = answers.iter().filter(|answer| answer["verification"]["id"].is_string()).collect();
    assert_eq!(sent.len(), 1, "{answers:#?}");
    shows(&clients[0], &sent[0]["verification"]["id"], "SENT").await;
    answers.iter().filter(|answer| answer["verification"].is_null()).for_each(is_cooldown);
    assert_eq!(counts(&twilio), (1, 0));
    if let Some(other) = other {
        other.stop().await;
    }
    app.stop().await;
}

/// Its answer was lost, so what is open there can't be canceled: the number rests until it is over by itself.
#[tokio::test]
async fn a_lost_answer_keeps_the_number_for_ten_minutes() {
    let (shared, verify) = twilio().await;
    verify.behave(|_| Act::Drop);
    let app = by("twilio-verify").await.twilio_verify(&verify).start().await;
    let visitor = app.anonymous();
    let first = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &first, "UNKNOWN").await;
    visitor.cancel(&first).await;
    app.advance(Duration::from_secs(6 * 60));
    is_cooldown(&asks(&visitor, "CONTACT", &phone(0), None).await);
    verify.behave(move |seen| Act::Say(shared.lock().unwrap().answer(seen)));
    app.advance(Duration::from_secs(4 * 60));
    let second = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &second, "SENT").await;
    app.stop().await;
}

/// Nothing was sent, so nothing is open there.
#[tokio::test]
async fn a_limit_on_the_number_fails_at_once_or_goes_by_the_next() {
    for error in [60_203, 60_212] {
        let verify = Carrier::start(move |_| Act::Say(twilio_error(429, error))).await;
        let gateway = Carrier::start(takes).await;
        let app = by("twilio-verify,webhook").await.twilio_verify(&verify).gateway(&gateway).start().await;
        let visitor = app.anonymous();
        let id = visitor.send_code_to(&phone(0)).await["id"].clone();
        shows(&visitor, &id, "SENT").await;
        let right = visitor.confirm(&id, &code(&gateway.seen_at_least(1).await[0])).await;
        assert_eq!(right["__typename"], "ConfirmVerificationCodePayload", "{right:#}");
        app.stop().await;

        let app = by("twilio-verify").await.twilio_verify(&verify).start().await;
        let visitor = app.anonymous();
        let id = visitor.send_code_to(&phone(0)).await["id"].clone();
        let failed = shows(&visitor, &id, "FAILED").await;
        assert_eq!(failed["delivery"]["failure"], "BLOCKED", "{failed:#}");
        visitor.cancel(&id).await;
        verify.behave(|_| Act::Say(Reply::json(201, &json!({ "sid": sid(9), "status": "pending" }))));
        cool_down(&app);
        let id = visitor.send_code_to(&phone(0)).await["id"].clone();
        shows(&visitor, &id, "SENT").await;
        app.stop().await;
    }
}
