//! Failover and retries: which provider is used, with which code, how often, and when none is.

use std::time::Duration;

use domain::{ids::DeliveryId, status::DeliveryStatus};

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{
        ProviderSettings, accept_all, code, number, phone, store, twilio_accepted, twilio_error, wait_for_status,
        with_providers,
    },
};
use crate::{providers::double::Reply, support::TEST_TIMEOUT};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn dl_04_failover_sends_the_same_code_for_every_retryable_class() {
    let twilio = FakeProvider::start(|_| Action::Hang).await;
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("twilio,webhook").await.twilio(&twilio).gateway(&gateway).start().await;
    let client = app.anonymous();
    let classes = [(401, 20003), (400, 21606), (503, 20500), (429, 20429)];
    for (number, (status, error)) in classes.into_iter().enumerate() {
        twilio.behave(move |_| Action::Respond(twilio_error(status, error).with("retry-after", "1")));
        let id = client.send_code_to(&phone(number)).await["id"].clone();
        wait_for_status(&client, &id, "SENT").await;
        let (first, second) = (twilio.requests(), gateway.requests());
        assert_eq!((first.len(), second.len()), (number + 1, number + 1), "{status} {error}");
        assert_eq!(code(&first[number]), code(&second[number]));
        let confirmed = client.confirm(&id, &code(&second[number])).await;
        assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    }
    app.stop().await;
}

#[tokio::test]
async fn rejected_recipient_is_shown_to_the_client_without_failover() {
    let twilio = FakeProvider::start(|_| Action::Respond(twilio_error(400, 21211))).await;
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("twilio,webhook").await.twilio(&twilio).gateway(&gateway).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    wait_for_status(&client, &id, "FAILED").await;
    assert_eq!(gateway.requests().len(), 0);
    app.advance(MINUTE);
    let refused = client.resend(&id).await;
    assert_eq!(refused["__typename"], "DeliveryRefused", "{refused:#}");
    assert_eq!(refused["providerCode"], "21211");
    assert_eq!(twilio.requests().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn unknown_outcome_is_shown_and_not_retried() {
    let (silent, other) = (phone(0), phone(1));
    let hangs = silent.clone();
    let twilio = FakeProvider::start(move |seen| match number(seen) == hangs {
        true => Action::Hang,
        false => Action::Respond(twilio_accepted("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
    })
    .await;
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("twilio,webhook").await.twilio(&twilio).gateway(&gateway).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&silent).await["id"].clone();
    wait_for_status(&client, &id, "UNKNOWN").await;
    for step in 1..4 {
        app.advance(MINUTE);
        let next = client.send_code_to(&phone(step)).await["id"].clone();
        wait_for_status(&client, &next, "SENT").await;
    }
    assert_eq!(twilio.requests().iter().filter(|seen| number(seen) == silent).count(), 1);
    assert!(twilio.requests().iter().any(|seen| number(seen) == other));
    assert!(gateway.requests().iter().all(|seen| number(seen) != silent));
    // The user may request a resend.
    let again = client.resend(&id).await;
    assert_eq!(again["__typename"], "SendVerificationCodePayload", "{again:#}");
    app.stop().await;
}

#[tokio::test]
async fn dl_02_dl_04_message_is_tried_at_most_six_times_with_one_id_and_code() {
    let gateway = FakeProvider::start(|_| Action::Respond(Reply::text(503, "no"))).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    let first = gateway.wait_for_requests(1).await.remove(0);
    // The retries are spread over the message's lifetime: the clock is set to each next due time.
    let (database, delivery) = (store(&app).await, DeliveryId::parse(first.header("webhook-id")).unwrap());
    let deadline = tokio::time::Instant::now() + 2 * TEST_TIMEOUT;
    loop {
        let row = database.delivery(&delivery).await.unwrap().unwrap();
        match (row.status, row.claimed_by, row.due_at) {
            (DeliveryStatus::Failed, ..) => break,
            (_, None, Some(due)) if due > app.now() => app.advance((due - app.now()).to_std().unwrap()),
            waiting => {
                assert!(tokio::time::Instant::now() < deadline, "{waiting:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    wait_for_status(&client, &id, "FAILED").await;
    let seen = gateway.requests();
    assert!((4..=6).contains(&seen.len()), "{}", seen.len());
    assert!(seen.iter().all(|other| code(other) == code(&seen[0])));
    assert!(seen.iter().all(|other| other.header("webhook-id") == seen[0].header("webhook-id")));
    app.stop().await;
}

#[tokio::test]
async fn dl_04_retry_after_applies_to_every_message() {
    let gateway = FakeProvider::start(|_| Action::Respond(Reply::text(429, "slow").with("retry-after", "100"))).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let client = app.anonymous();
    let one = client.send_code_to(&phone(0)).await["id"].clone();
    gateway.wait_for_requests(1).await;
    let other = client.send_code_to(&phone(1)).await["id"].clone();
    app.advance(Duration::from_secs(95));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(gateway.requests().len(), 1);
    gateway.behave(accept_all);
    app.advance(Duration::from_secs(10));
    wait_for_status(&client, &one, "SENT").await;
    wait_for_status(&client, &other, "SENT").await;
    app.stop().await;
}

/// A message that waits for a short `Retry-After` is not claimed and put back: it keeps its position.
#[tokio::test]
async fn messages_waiting_for_a_short_retry_after_keep_their_order() {
    let gateway = FakeProvider::start(|_| Action::Respond(Reply::text(429, "slow").with("retry-after", "4"))).await;
    let app = with_providers("webhook").await.with("DISPATCH_CONCURRENCY", "1").gateway(&gateway).start().await;
    let database = store(&app).await;
    let client = app.anonymous();
    client.send_code_to(&phone(0)).await;
    gateway.wait_for_requests(1).await;
    let mut ids = Vec::new();
    for number in 1..=20 {
        ids.push(client.send_code_to(&phone(number)).await["id"].clone());
        app.advance(Duration::from_millis(10));
    }
    // Two polling cycles.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!((gateway.requests().len(), database.count_due_deliveries(app.now()).await.unwrap()), (1, 20));
    gateway.behave(accept_all);
    app.advance(Duration::from_secs(4));
    for id in &ids {
        wait_for_status(&client, id, "SENT").await;
    }
    let sent: Vec<_> = gateway.requests().iter().map(number).filter(|to| *to != phone(0)).collect();
    assert_eq!(sent, (1..=20).map(phone).collect::<Vec<_>>());
    app.stop().await;
}

/// An idempotent gateway may be asked again after a missing response; another provider would send a duplicate. If the
/// gateway rejects the retry, the outcome of the first try stays unknown.
#[tokio::test]
async fn message_that_a_gateway_may_have_accepted_is_not_failed_over() {
    for (takes_later, end) in [(true, "SENT"), (false, "UNKNOWN")] {
        let gateway = FakeProvider::start(|_| Action::Hang).await;
        let twilio =
            FakeProvider::start(|_| Action::Respond(twilio_accepted("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))).await;
        let app = with_providers("webhook,twilio").await.gateway(&gateway).twilio(&twilio).start().await;
        let database = store(&app).await;
        let id = app.anonymous().send_code_to(&phone(0)).await["id"].clone();
        let hung = gateway.wait_for_requests(1).await.remove(0);
        gateway
            .behave(move |seen| if takes_later { accept_all(seen) } else { Action::Respond(Reply::text(503, "no")) });
        let delivery = DeliveryId::parse(hung.header("webhook-id")).unwrap();
        let deadline = tokio::time::Instant::now() + 2 * TEST_TIMEOUT;
        loop {
            let row = database.delivery(&delivery).await.unwrap().unwrap();
            match (row.status, row.claimed_by, row.due_at) {
                // The next retry, or the end of the open circuit breaker.
                (DeliveryStatus::Queued, None, Some(due)) => {
                    app.advance((due - app.now()).to_std().unwrap_or_default().max(Duration::from_millis(200)));
                }
                (DeliveryStatus::Queued, ..) => {}
                _ => break,
            }
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        wait_for_status(&app.anonymous(), &id, end).await;
        let seen = gateway.requests();
        assert!(seen.len() > 1 && seen.iter().all(|seen| seen.header("webhook-id") == delivery.as_str()));
        assert_eq!(twilio.requests().len(), 0);
        app.stop().await;
    }
}

/// The gateway's own error code decides nothing: a code "no answer" is a response and not a missing one.
#[tokio::test]
async fn gateway_error_code_no_answer_is_a_rejection() {
    let gateway =
        FakeProvider::start(|_| Action::Respond(Reply::json(503, &serde_json::json!({ "code": "no_answer" })))).await;
    let twilio = FakeProvider::start(|_| Action::Respond(twilio_error(503, 20_503))).await;
    let app = with_providers("twilio,webhook").await.gateway(&gateway).twilio(&twilio).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    let requests = gateway.wait_for_requests(1).await.remove(0);
    twilio.behave(|_| Action::Respond(twilio_accepted("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
    let (database, delivery) = (store(&app).await, DeliveryId::parse(requests.header("webhook-id")).unwrap());
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    let due_at = loop {
        let row = database.delivery(&delivery).await.unwrap().unwrap();
        if let (None, 2, Some(due_at)) = (row.claimed_by, row.tries, row.due_at) {
            assert_eq!((row.reason.as_deref(), row.maybe_sent), (Some("no_answer"), false));
            break due_at;
        }
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    app.advance((due_at - app.now()).to_std().unwrap_or_default());
    wait_for_status(&client, &id, "SENT").await;
    assert_eq!((twilio.request_count(), gateway.request_count()), (2, 1));
    app.stop().await;
}

#[tokio::test]
async fn circuit_breaker_opens_after_repeated_failures_and_closes_after_a_probe() {
    let gateway = FakeProvider::start(|_| Action::Respond(Reply::text(503, "no"))).await;
    let app = with_providers("webhook").await.with("DISPATCH_CONCURRENCY", "1").gateway(&gateway).start().await;
    let client = app.anonymous();
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(client.send_code_to(&phone(number)).await["id"].clone());
    }
    gateway.wait_for_requests(5).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(gateway.requests().len(), 5, "it gets no requests");
    gateway.behave(accept_all);
    for id in &ids {
        app.advance(Duration::from_secs(5));
        wait_for_status(&client, id, "SENT").await;
    }
    app.stop().await;
}

#[tokio::test]
async fn dl_02_expired_code_is_not_sent() {
    let gateway = FakeProvider::start(|_| Action::Respond(Reply::text(503, "no"))).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    gateway.wait_for_requests(1).await;
    gateway.behave(accept_all);
    app.advance(MINUTE * 5);
    wait_for_status(&client, &id, "FAILED").await;
    let next = client.send_code_to(&phone(1)).await["id"].clone();
    wait_for_status(&client, &next, "SENT").await;
    assert_eq!(gateway.requests().iter().filter(|seen| number(seen) == phone(0)).count(), 1);
    app.stop().await;
}

#[tokio::test]
async fn dl_02_message_superseded_by_a_resend_is_not_sent() {
    let gateway = FakeProvider::start(|_| Action::Respond(Reply::text(429, "slow").with("retry-after", "90"))).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    gateway.wait_for_requests(1).await;
    gateway.behave(accept_all);
    app.advance(MINUTE);
    assert_eq!(client.resend(&id).await["__typename"], "SendVerificationCodePayload");
    app.advance(MINUTE);
    // A message that found the circuit breaker open is due just after it closes; the clock advances only when moved.
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while client.verification(&id).await["delivery"]["status"] != "SENT" {
        assert!(tokio::time::Instant::now() < deadline);
        app.advance(Duration::from_millis(200));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let next = client.send_code_to(&phone(1)).await["id"].clone();
    wait_for_status(&client, &next, "SENT").await;
    let accepted: Vec<_> = gateway.requests().into_iter().filter(|seen| number(seen) == phone(0)).collect();
    assert_eq!(accepted.len(), 2, "one rejected and one accepted request");
    assert_ne!(accepted[0].header("webhook-id"), accepted[1].header("webhook-id"));
    assert_eq!(code(&accepted[0]), code(&accepted[1]));
    app.stop().await;
}
