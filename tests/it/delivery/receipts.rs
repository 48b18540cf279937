//! What providers tell later: late, early, twice, in any order, forged; and what happens when they tell nothing.

use std::time::Duration;

use serde_json::json;

use super::{
    carrier::{Act, Carrier},
    setup::{
        Carried, SECRET, by, code, gateway_tells, number, phone, shows, taken, takes, twilio_error, twilio_tells,
        twilio_took,
    },
};
use crate::support::{Account, TEST_TIMEOUT, TestApp};

const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const OTHER_SECRET: &str = "whsec_myeZw9Y0OR9RYFGgorboA1q8mW3vQxX2Osey6rPw2Gc=";

async fn tells(app: &TestApp, id: &str, status: &str) {
    let receipt = json!({ "provider_message_id": id, "status": status, "news": { "unheard": "of" } });
    assert_eq!(gateway_tells(app, &receipt, SECRET).await, 200);
}

#[tokio::test]
async fn dl_05_only_the_provider_can_tell_and_only_forward() {
    let gateway = Carrier::start(|_| Act::Say(taken("gw-1"))).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    let mut watch = visitor.watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;

    let forged = json!({ "provider_message_id": "gw-1", "status": "delivered" });
    assert_eq!(gateway_tells(&app, &forged, OTHER_SECRET).await, 403);
    assert_eq!(visitor.verification(&id).await["delivery"]["status"], "SENT");

    tells(&app, "gw-1", "undelivered").await;
    watch.until(|state| state["delivery"]["status"] == "UNDELIVERED").await;
    // A carrier that gave up may deliver after all.
    tells(&app, "gw-1", "delivered").await;
    let delivered = watch.until(|state| state["delivery"]["status"] == "DELIVERED").await;
    for late in ["sent", "undelivered", "delivered", "sent", "undelivered"] {
        tells(&app, "gw-1", late).await;
    }
    assert_eq!(visitor.verification(&id).await, delivered, "nothing was taken back, and nothing counted");
    app.stop().await;
}

/// EN-01, invariant 5: where it would tell whether there is an account, the page sees that the message left, and not that
/// it arrived; the operator's report does.
#[tokio::test]
async fn en_01_what_depends_on_an_account_never_shows_more_than_sent() {
    let gateway = Carrier::start(|seen| Act::Say(taken(&format!("gw-{}", seen.header("webhook-id"))))).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    app.insert_accounts([Account::with_phone(&phone(0)), Account::with_phone(&phone(1))]).await;
    let visitor = app.anonymous();
    for (n, told) in ["delivered", "undelivered"].into_iter().enumerate() {
        let input = json!({ "purpose": "SIGN_IN", "to": { "phone": phone(n) } });
        let id = visitor.send_code(input).await["verification"]["id"].clone();
        let mut watch = visitor.watch(&id).await;
        let sent = watch.until(|state| state["delivery"]["status"] == "SENT").await;
        let accepted = format!("gw-{}", gateway.seen_at_least(n + 1).await[n].header("webhook-id"));
        tells(&app, &accepted, told).await;
        assert_eq!(visitor.verification(&id).await, sent);
        let known = app.column("SELECT status FROM delivery ORDER BY created_at, id").await;
        assert_eq!(known.iter().filter(|status| status.eq_ignore_ascii_case(told)).count(), 1, "{known:?}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_receipt_that_comes_before_the_answer_is_waited_for() {
    let gateway = Carrier::start(|_| Act::SayAfter(Duration::from_millis(700), taken("gw-early"))).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    gateway.seen_at_least(1).await;
    tells(&app, "gw-early", "delivered").await;
    assert_eq!(visitor.verification(&id).await["delivery"]["status"], "DELIVERED");
    app.stop().await;
}

#[tokio::test]
async fn a_receipt_that_names_the_delivery_counts_even_where_the_answer_is_lost() {
    let twilio = Carrier::start(|_| Act::Hang).await;
    let app = by("twilio").await.twilio(&twilio).start().await;
    let visitor = app.anonymous();
    for (number, (told, shown)) in
        [("delivered", "DELIVERED"), ("undelivered", "UNDELIVERED"), ("sent", "SENT")].into_iter().enumerate()
    {
        let id = visitor.send_code_to(&phone(number)).await["id"].clone();
        let seen = twilio.seen_at_least(number + 1).await;
        let callback = seen[number].form()["StatusCallback"].clone();
        let delivery = callback.split_once("delivery=").unwrap().1.to_owned();
        // Once while the request is open, once more after it was given up.
        assert_eq!(twilio_tells(&app, &delivery, SID, told).await, 200);
        shows(&visitor, &id, shown).await;
        assert_eq!(twilio_tells(&app, &delivery, SID, told).await, 200);
        assert_eq!(visitor.verification(&id).await["delivery"]["status"], shown);
    }
    app.stop().await;
}

/// The gateway took it, gave no answer, and told what became of it before it was asked again: it is not asked again.
#[tokio::test]
async fn a_receipt_before_the_next_try_is_the_last_word() {
    for (number, (told, shown)) in [("undelivered", "UNDELIVERED"), ("sent", "SENT")].into_iter().enumerate() {
        let gateway = Carrier::start(|_| Act::Hang).await;
        let app = by("webhook").await.gateway(&gateway).start().await;
        let visitor = app.anonymous();
        let id = visitor.send_code_to(&phone(number)).await["id"].clone();
        let delivery = gateway.seen_at_least(1).await[0].header("webhook-id").to_owned();
        gateway.behave(takes);
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
        while app.column("SELECT id FROM delivery WHERE tries = 1 AND claimed_by IS NULL").await.is_empty() {
            assert!(tokio::time::Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(gateway_tells(&app, &json!({ "id": delivery, "status": told }), SECRET).await, 200);
        app.advance(Duration::from_secs(10));
        shows(&visitor, &id, shown).await;
        assert_eq!(gateway.seen().len(), 1);
        app.stop().await;
    }
}

#[tokio::test]
async fn without_a_receipt_the_message_goes_by_the_next_route_once_and_the_page_sees_it() {
    let gateway = Carrier::start(takes).await;
    let twilio = Carrier::start(|_| Act::SayAfter(Duration::from_millis(200), twilio_took(SID))).await;
    let app = by("webhook,twilio").await.gateway(&gateway).twilio(&twilio).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    let mut watch = visitor.watch(&id).await;
    let sent = watch.until(|state| state["delivery"]["status"] == "SENT").await;
    app.advance(Duration::from_secs(46));
    let queued = watch.until(|state| state["delivery"]["status"] == "QUEUED").await;
    let again = watch.until(|state| state["delivery"]["status"] == "SENT").await;
    let sequence = |state: &serde_json::Value| state["sequence"].as_i64().unwrap();
    assert!(sequence(&sent) < sequence(&queued) && sequence(&queued) < sequence(&again));
    assert_ne!(sent["delivery"]["updatedAt"], again["delivery"]["updatedAt"]);
    let (first, second) = (gateway.seen(), twilio.seen());
    assert_eq!(code(&first[0]), code(&second[0]));

    // What the first one gave up says nothing any more; that it arrived after all does.
    let first_id = format!("gw-{}", first[0].header("webhook-id"));
    tells(&app, &first_id, "undelivered").await;
    assert_eq!(visitor.verification(&id).await["delivery"]["status"], "SENT");
    tells(&app, &first_id, "delivered").await;
    watch.until(|state| state["delivery"]["status"] == "DELIVERED").await;
    app.advance(Duration::from_secs(100));
    let next = visitor.send_code_to(&phone(1)).await["id"].clone();
    shows(&visitor, &next, "SENT").await;
    assert_eq!((gateway.seen().len(), twilio.seen().len()), (2, 1), "one retry, not more");
    app.stop().await;
}

#[tokio::test]
async fn a_confirmed_code_and_a_receipt_in_time_need_no_other_route() {
    let gateway = Carrier::start(takes).await;
    let twilio = Carrier::start(|_| Act::Say(twilio_took(SID))).await;
    let app = by("webhook,twilio").await.gateway(&gateway).twilio(&twilio).start().await;
    let visitor = app.anonymous();
    let confirmed = visitor.send_code_to(&phone(0)).await["id"].clone();
    let told = visitor.send_code_to(&phone(1)).await["id"].clone();
    shows(&visitor, &confirmed, "SENT").await;
    shows(&visitor, &told, "SENT").await;
    let seen = gateway.seen_at_least(2).await;
    let of = |phone: &str| seen.iter().find(|seen| number(seen) == phone).unwrap();
    visitor.confirm(&confirmed, &code(of(&phone(0)))).await;
    tells(&app, &format!("gw-{}", of(&phone(1)).header("webhook-id")), "sent").await;
    app.advance(Duration::from_secs(60));
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(twilio.seen().len(), 0);
    app.stop().await;
}

#[tokio::test]
async fn where_the_next_route_leads_nowhere_what_was_sent_stays_sent() {
    let gateway = Carrier::start(takes).await;
    let twilio = Carrier::start(|_| Act::Say(twilio_error(400, 21211))).await;
    let app = by("webhook,twilio").await.gateway(&gateway).twilio(&twilio).start().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &id, "SENT").await;
    app.advance(Duration::from_secs(46));
    twilio.seen_at_least(1).await;
    shows(&visitor, &id, "SENT").await;
    app.stop().await;
}

#[tokio::test]
async fn a_receipt_at_one_process_is_known_to_the_other() {
    let gateway = Carrier::start(|_| Act::Say(taken("gw-1"))).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let other = app.another_process().await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    shows(&visitor, &id, "SENT").await;
    let watches = std::env::var_os("COUNTERSIGN_TEST_REDIS_URL").is_some();
    let mut watch = visitor.watch(&id).await;
    tells(&other, "gw-1", "delivered").await;
    if watches {
        watch.until(|state| state["delivery"]["status"] == "DELIVERED").await;
    }
    shows(&visitor, &id, "DELIVERED").await;
    other.stop().await;
    app.stop().await;
}
