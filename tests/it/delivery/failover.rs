//! Who is asked next, with what, how often, and when nobody is.

use std::time::Duration;

use countersign::{ids::DeliveryId, status::DeliveryStatus};

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, by, code, number, phone, shows, store, takes, twilio_error, twilio_took},
};
use crate::{providers::double::Reply, support::TEST_TIMEOUT};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn dl_04_the_next_provider_carries_the_same_code_for_every_class_that_allows_it() {
    let twilio = Carrier::start(|_| Act::Hang).await;
    let gateway = Carrier::start(takes).await;
    let app = by("twilio,webhook").await.twilio(&twilio).gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let classes = [(401, 20003), (400, 21606), (503, 20500), (429, 20429)];
    for (number, (status, error)) in classes.into_iter().enumerate() {
        twilio.behave(move |_| Act::Say(twilio_error(status, error).with("retry-after", "1")));
        let id = visitor.send_code_to(&phone(number)).await["id"].clone();
        shows(&visitor, &id, "SENT").await;
        let (first, second) = (twilio.seen(), gateway.seen());
        assert_eq!((first.len(), second.len()), (number + 1, number + 1), "{status} {error}");
        assert_eq!(code(&first[number]), code(&second[number]));
        let confirmed = visitor.confirm(&id, &code(&second[number])).await;
        assert_eq!(confirmed["__typename"], "ConfirmVerificationCodePayload", "{confirmed:#}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_refused_recipient_is_told_to_the_page_and_to_nobody_else() {
    let twilio = Carrier::start(|_| Act::Say(twilio_error(400, 21211))).await;
    let gateway = Carrier::start(takes).await;
    let app = by("twilio,webhook").await.twilio(&twilio).gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &id, "FAILED").await;
    assert_eq!(gateway.seen().len(), 0);
    app.advance(MINUTE);
    let refused = visitor.resend(&id).await;
    assert_eq!(refused["__typename"], "DeliveryRefused", "{refused:#}");
    assert_eq!(refused["providerCode"], "21211");
    assert_eq!(twilio.seen().len(), 1);
    app.stop().await;
}

#[tokio::test]
async fn an_unknown_outcome_shows_as_such_and_is_not_repeated() {
    let (silent, other) = (phone(0), phone(1));
    let hangs = silent.clone();
    let twilio = Carrier::start(move |seen| match number(seen) == hangs {
        true => Act::Hang,
        false => Act::Say(twilio_took("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
    })
    .await;
    let gateway = Carrier::start(takes).await;
    let app = by("twilio,webhook").await.twilio(&twilio).gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&silent).await["id"].clone();
    shows(&visitor, &id, "UNKNOWN").await;
    for step in 1..4 {
        app.advance(MINUTE);
        let next = visitor.send_code_to(&phone(step)).await["id"].clone();
        shows(&visitor, &next, "SENT").await;
    }
    assert_eq!(twilio.seen().iter().filter(|seen| number(seen) == silent).count(), 1);
    assert!(twilio.seen().iter().any(|seen| number(seen) == other));
    assert!(gateway.seen().iter().all(|seen| number(seen) != silent));
    // The person may have it sent again.
    let again = visitor.resend(&id).await;
    assert_eq!(again["__typename"], "SendVerificationCodePayload", "{again:#}");
    app.stop().await;
}

#[tokio::test]
async fn dl_02_dl_04_a_message_is_tried_six_times_at_most_under_one_id_with_one_code() {
    let gateway = Carrier::start(|_| Act::Say(Reply::text(503, "no"))).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    let first = gateway.seen_at_least(1).await.remove(0);
    // Its tries are spread over its life: whenever the next one is known, the clock is set to it.
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
    shows(&visitor, &id, "FAILED").await;
    let seen = gateway.seen();
    assert!((4..=6).contains(&seen.len()), "{}", seen.len());
    assert!(seen.iter().all(|other| code(other) == code(&seen[0])));
    assert!(seen.iter().all(|other| other.header("webhook-id") == seen[0].header("webhook-id")));
    app.stop().await;
}

#[tokio::test]
async fn dl_04_retry_after_is_honoured_for_every_message() {
    let gateway = Carrier::start(|_| Act::Say(Reply::text(429, "slow").with("retry-after", "100"))).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let one = visitor.send_code_to(&phone(0)).await["id"].clone();
    gateway.seen_at_least(1).await;
    let other = visitor.send_code_to(&phone(1)).await["id"].clone();
    app.advance(Duration::from_secs(95));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(gateway.seen().len(), 1);
    gateway.behave(takes);
    app.advance(Duration::from_secs(10));
    shows(&visitor, &one, "SENT").await;
    shows(&visitor, &other, "SENT").await;
    app.stop().await;
}

/// What waits for a provider that is back in a moment is not taken in hand and put back: it keeps its place.
#[tokio::test]
async fn what_waits_out_a_short_rest_stays_in_order_of_age() {
    let gateway = Carrier::start(|_| Act::Say(Reply::text(429, "slow").with("retry-after", "4"))).await;
    let app = by("webhook").await.with("DISPATCH_CONCURRENCY", "1").gateway(&gateway).start().await;
    let database = store(&app).await;
    let visitor = app.anonymous();
    visitor.send_code_to(&phone(0)).await;
    gateway.seen_at_least(1).await;
    let mut ids = Vec::new();
    for number in 1..=20 {
        ids.push(visitor.send_code_to(&phone(number)).await["id"].clone());
        app.advance(Duration::from_millis(10));
    }
    // Two sweeps.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!((gateway.seen().len(), database.count_due_deliveries(app.now()).await.unwrap()), (1, 20));
    gateway.behave(takes);
    app.advance(Duration::from_secs(4));
    for id in &ids {
        shows(&visitor, id, "SENT").await;
    }
    let sent: Vec<_> = gateway.seen().iter().map(number).filter(|to| *to != phone(0)).collect();
    assert_eq!(sent, (1..=20).map(phone).collect::<Vec<_>>());
    app.stop().await;
}

/// A gateway that takes a message once may be asked again where it gave no answer; anybody else would send it twice. If
/// it says later that it can't, what it had taken before is as unknown as it was.
#[tokio::test]
async fn what_a_gateway_may_have_taken_goes_by_nobody_else() {
    for (takes_later, end) in [(true, "SENT"), (false, "UNKNOWN")] {
        let gateway = Carrier::start(|_| Act::Hang).await;
        let twilio = Carrier::start(|_| Act::Say(twilio_took("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))).await;
        let app = by("webhook,twilio").await.gateway(&gateway).twilio(&twilio).start().await;
        let database = store(&app).await;
        let id = app.anonymous().send_code_to(&phone(0)).await["id"].clone();
        let hung = gateway.seen_at_least(1).await.remove(0);
        gateway.behave(move |seen| if takes_later { takes(seen) } else { Act::Say(Reply::text(503, "no")) });
        let delivery = DeliveryId::parse(hung.header("webhook-id")).unwrap();
        let deadline = tokio::time::Instant::now() + 2 * TEST_TIMEOUT;
        loop {
            let row = database.delivery(&delivery).await.unwrap().unwrap();
            match (row.status, row.claimed_by, row.due_at) {
                // The next try; or the end of the gateway's rest.
                (DeliveryStatus::Queued, None, Some(due)) => {
                    app.advance((due - app.now()).to_std().unwrap_or_default().max(Duration::from_millis(200)));
                }
                (DeliveryStatus::Queued, ..) => {}
                _ => break,
            }
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        shows(&app.anonymous(), &id, end).await;
        let seen = gateway.seen();
        assert!(seen.len() > 1 && seen.iter().all(|seen| seen.header("webhook-id") == delivery.as_str()));
        assert_eq!(twilio.seen().len(), 0);
        app.stop().await;
    }
}

/// What a gateway calls its refusal decides nothing: "no answer" by its own word is no answer that we lacked.
#[tokio::test]
async fn a_gateway_that_says_no_answer_has_not_taken_the_message() {
    let gateway = Carrier::start(|_| Act::Say(Reply::json(503, &serde_json::json!({ "code": "no_answer" })))).await;
    let twilio = Carrier::start(|_| Act::Say(twilio_error(503, 20_503))).await;
    let app = by("twilio,webhook").await.gateway(&gateway).twilio(&twilio).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    let asked = gateway.seen_at_least(1).await.remove(0);
    twilio.behave(|_| Act::Say(twilio_took("SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
    let (database, delivery) = (store(&app).await, DeliveryId::parse(asked.header("webhook-id")).unwrap());
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    let due_at = loop {
        let row = database.delivery(&delivery).await.unwrap().unwrap();
        if let (None, 2, Some(due_at)) = (row.claimed_by, row.tries, row.due_at) {
            assert_eq!((row.reason.as_deref(), row.perhaps_sent), (Some("no_answer"), false));
            break due_at;
        }
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    app.advance((due_at - app.now()).to_std().unwrap_or_default());
    shows(&visitor, &id, "SENT").await;
    assert_eq!((twilio.asked(), gateway.asked()), (2, 1));
    app.stop().await;
}

#[tokio::test]
async fn a_provider_that_fails_again_and_again_rests_and_is_back_after_a_probe() {
    let gateway = Carrier::start(|_| Act::Say(Reply::text(503, "no"))).await;
    let app = by("webhook").await.with("DISPATCH_CONCURRENCY", "1").gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(visitor.send_code_to(&phone(number)).await["id"].clone());
    }
    gateway.seen_at_least(5).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(gateway.seen().len(), 5, "it is left alone");
    gateway.behave(takes);
    for id in &ids {
        app.advance(Duration::from_secs(5));
        shows(&visitor, id, "SENT").await;
    }
    app.stop().await;
}

#[tokio::test]
async fn dl_02_a_code_that_has_expired_is_not_sent() {
    let gateway = Carrier::start(|_| Act::Say(Reply::text(503, "no"))).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    gateway.seen_at_least(1).await;
    gateway.behave(takes);
    app.advance(MINUTE * 5);
    shows(&visitor, &id, "FAILED").await;
    let next = visitor.send_code_to(&phone(1)).await["id"].clone();
    shows(&visitor, &next, "SENT").await;
    assert_eq!(gateway.seen().iter().filter(|seen| number(seen) == phone(0)).count(), 1);
    app.stop().await;
}

#[tokio::test]
async fn dl_02_a_message_that_a_resend_overtook_is_not_sent_any_more() {
    let gateway = Carrier::start(|_| Act::Say(Reply::text(429, "slow").with("retry-after", "90"))).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    gateway.seen_at_least(1).await;
    gateway.behave(takes);
    app.advance(MINUTE);
    assert_eq!(visitor.resend(&id).await["__typename"], "SendVerificationCodePayload");
    app.advance(MINUTE);
    // What found the provider resting is due a moment after it wakes, by a clock that stands still unless it is moved.
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    while visitor.verification(&id).await["delivery"]["status"] != "SENT" {
        assert!(tokio::time::Instant::now() < deadline);
        app.advance(Duration::from_millis(200));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let next = visitor.send_code_to(&phone(1)).await["id"].clone();
    shows(&visitor, &next, "SENT").await;
    let taken: Vec<_> = gateway.seen().into_iter().filter(|seen| number(seen) == phone(0)).collect();
    assert_eq!(taken.len(), 2, "one that was refused, one that was taken");
    assert_ne!(taken[0].header("webhook-id"), taken[1].header("webhook-id"));
    assert_eq!(code(&taken[0]), code(&taken[1]));
    app.stop().await;
}
