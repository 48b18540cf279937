//! What a process leaves behind that dies, or sleeps and comes back.

use std::time::Duration;

use countersign::{
    channel::Channel,
    clock::{Entropy, Instant},
    contact::{Contact, PhoneNumber, Region},
    delivery::{Content, Notice, Order},
    ids::DeliveryId,
    status::DeliveryStatus,
    store::{Acceptance, Ending, Identifier, Settlement, Store, Taking, entity::delivery::Model},
    texts::Locale,
};
use serde_json::json;

use super::{
    carrier::{Act, Carrier},
    setup::{Carried, by, number, phone, shows, store, taken, takes, twilio_took},
};
use crate::support::{Account, PATIENCE};

const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A notice in the outbox.
fn notice(to: &str, now: Instant) -> Model {
    let to = Contact::Phone(PhoneNumber::parse(to, Region::parse("KR").unwrap()).unwrap());
    let order = Order {
        id: DeliveryId::new(&Entropy::System),
        verification: None,
        channel: Channel::Sms,
        to,
        locale: Locale::En,
        content: Content::Notice(Notice::PasswordChanged),
        decoy: false,
        discreet: false,
        scenario: None,
        expires_at: now + Duration::from_secs(3600),
    };
    order.into_row(now)
}

async fn owe(store: &Store, rows: Vec<Model>) {
    let write = store.write(move |tx| {
        Box::pin(async move {
            for row in rows {
                tx.insert_delivery(row).await?;
            }
            Ok(Ending::Commit(()))
        })
    });
    write.await.unwrap();
}

/// A notice in the hands of a process that said nothing since long.
async fn abandoned(store: &Store, to: &str, now: Instant) -> DeliveryId {
    let row = Model { claimed_by: Some("dead".to_owned()), ..notice(to, now) };
    let id = row.id.clone();
    owe(store, vec![row]).await;
    id
}

async fn comes_to(store: &Store, id: &DeliveryId, is_it: impl Fn(&Model) -> bool) -> Model {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let row = store.delivery(id).await.unwrap().unwrap();
        if is_it(&row) {
            return row;
        }
        assert!(tokio::time::Instant::now() < deadline, "{row:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn dl_01_what_a_dead_process_had_in_hand_is_sent_where_it_arrives_once_and_shows_as_unknown_elsewhere() {
    let gateway = Carrier::start(takes).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let database = store(&app).await;
    let id = abandoned(&database, &phone(0), app.now()).await;
    let row = comes_to(&database, &id, |row| row.status != DeliveryStatus::Queued).await;
    assert_eq!((row.status, row.claimed_by), (DeliveryStatus::Sent, None));
    assert_eq!(gateway.seen()[0].header("webhook-id"), id.as_str());
    app.stop().await;

    let twilio = Carrier::start(|_| Act::Say(twilio_took(SID))).await;
    let app = by("twilio").await.twilio(&twilio).start().await;
    let database = store(&app).await;
    let id = abandoned(&database, &phone(0), app.now()).await;
    let row = comes_to(&database, &id, |row| row.status != DeliveryStatus::Queued).await;
    assert_eq!((row.status, row.reason.as_deref()), (DeliveryStatus::Unknown, Some("interrupted")));
    assert_eq!(twilio.seen().len(), 0);
    app.stop().await;
}

/// A claim that was committed after whoever made it had given up waiting: nobody has it in hand, and nobody asked.
#[tokio::test]
async fn dl_01_a_claim_whose_answer_was_lost_is_found_by_its_own_process() {
    let twilio = Carrier::start(|_| Act::Hang).await;
    let app = by("twilio").await.twilio(&twilio).start().await;
    let database = store(&app).await;
    let first = app.anonymous().send_code_to(&phone(0)).await;
    twilio.seen_at_least(1).await;
    let process = app.column("SELECT claimed_by FROM delivery").await.remove(0);
    twilio.behave(|_| Act::Say(twilio_took(SID)));
    let lost = Model { claimed_by: Some(process), ..notice(&phone(1), app.now()) };
    let id = lost.id.clone();
    owe(&database, vec![lost]).await;
    comes_to(&database, &id, |row| row.status == DeliveryStatus::Sent).await;
    // What is in hand is left there.
    assert_eq!(app.anonymous().verification(&first["id"]).await["delivery"]["status"], "QUEUED");
    assert_eq!(twilio.seen().len(), 2);
    app.stop().await;
}

/// An account erased while a provider has its message leaves no hand busy.
#[tokio::test]
async fn a_message_whose_account_was_erased_keeps_no_hand() {
    let gateway =
        Carrier::start(|seen| Act::SayAfter(Duration::from_millis(500), taken(seen.header("webhook-id")))).await;
    let app = by("webhook").await.with("DISPATCH_CONCURRENCY", "1").gateway(&gateway).start().await;
    app.has_accounts([Account::with_phone(&phone(0))]).await;
    let id = app.anonymous().send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": phone(0) } })).await;
    gateway.seen_at_least(1).await;
    let database = store(&app).await;
    database
        .write(move |tx| {
            Box::pin(async move {
                let account = tx.account(&Identifier::Phone(phone(0))).await?.unwrap();
                tx.erase_history(&account.id).await?;
                Ok(Ending::Commit(()))
            })
        })
        .await
        .unwrap();
    assert_eq!(app.anonymous().verification(&id["verification"]["id"]).await, json!(null));
    let next = app.anonymous().send_code_to(&phone(1)).await["id"].clone();
    shows(&app.anonymous(), &next, "SENT").await;
    app.stop().await;
}

/// Only what a provider was asked for may have been sent: what waited for its turn is sent by the next process.
#[tokio::test]
async fn dl_01_what_no_provider_was_asked_for_is_sent_by_the_next_process() {
    for (limit, value, begun) in [("PROVIDER_CONCURRENCY", "2", 2), ("PROVIDER_RATE", "unlimited, twilio=1", 1)] {
        let twilio = Carrier::start(|_| Act::Hang).await;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let setup = by("twilio").await.with(limit, value).with("PROVIDER_TIMEOUT", "60s").twilio(&twilio);
        let killed = setup.start_on(runtime.handle()).await;
        let visitor = killed.anonymous();
        let mut ids = Vec::new();
        for number in 0..8 {
            ids.push(visitor.send_code_to(&phone(number)).await["id"].clone());
        }
        twilio.seen_at_least(begun).await;
        runtime.shutdown_background();
        assert_eq!(twilio.asked(), begun, "{limit}");
        twilio.behave(|_| Act::Say(twilio_took(SID)));
        let app = killed.another_process().await;
        let visitor = app.anonymous();
        // The claims of the dead run out.
        app.advance(Duration::from_secs(40));
        let mut ends = Vec::new();
        let deadline = tokio::time::Instant::now() + 2 * PATIENCE;
        while ends.len() < ids.len() {
            ends.clear();
            for id in &ids {
                let status = visitor.verification(id).await["delivery"]["status"].clone();
                ends.extend((status != "QUEUED").then_some(status));
            }
            assert!(tokio::time::Instant::now() < deadline, "{limit}: {ends:?}");
            app.advance(Duration::from_millis(200));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(ends.iter().filter(|status| *status == "UNKNOWN").count(), begun, "{limit}: {ends:?}");
        assert_eq!(ends.iter().filter(|status| *status == "SENT").count(), ids.len() - begun, "{limit}");
        app.stop().await;
    }
}

#[tokio::test]
async fn dl_01_a_full_outbox_is_sent_by_the_next_process() {
    let gateway = Carrier::start(|_| Act::Hang).await;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let setup = by("webhook").await.with("DISPATCH_CONCURRENCY", "2").gateway(&gateway);
    let killed = setup.start_on(runtime.handle()).await;
    let visitor = killed.anonymous();
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(visitor.send_code_to(&phone(number)).await["id"].clone());
    }
    gateway.seen_at_least(2).await;
    runtime.shutdown_background();
    gateway.behave(takes);
    let app = killed.another_process().await;
    let visitor = app.anonymous();
    // The claims of the dead run out.
    app.advance(Duration::from_secs(40));
    for id in &ids {
        shows(&visitor, id, "SENT").await;
    }
    let mut numbers: Vec<_> = gateway.seen().iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 10);
    app.stop().await;
}

/// Two processes sweep one outbox at the same time, and no message is in the hands of both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_never_send_the_same_message() {
    const MESSAGES: usize = 300;
    let gateway = Carrier::start(|seen| match takes(seen) {
        Act::Say(reply) => Act::SayAfter(Duration::from_millis(5), reply),
        other => other,
    })
    .await;
    let one = by("webhook").await.with("DISPATCH_CONCURRENCY", "8").gateway(&gateway).start().await;
    let other = one.another_process().await;
    let rows: Vec<_> = (0..MESSAGES).map(|number| notice(&phone(number), one.now())).collect();
    owe(&store(&one).await, rows).await;
    gateway.seen_at_least(MESSAGES).await;
    let mut ids: Vec<_> = gateway.seen().iter().map(|seen| seen.header("webhook-id").to_owned()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), MESSAGES);
    // Both are done with them before it is counted whether any was sent once more.
    other.stop().await;
    one.stop().await;
    assert_eq!(gateway.seen().len(), MESSAGES);
}

/// The claim of a process that sleeps is taken over; then the process wakes up with its provider's answer.
#[tokio::test]
async fn a_process_that_comes_back_settles_nothing_that_was_taken_over_and_still_tells_that_it_was_sent() {
    let twilio = Carrier::start(|_| Act::SayAfter(Duration::from_millis(700), twilio_took(SID))).await;
    let app = by("twilio").await.twilio(&twilio).start().await;
    let database = store(&app).await;
    let visitor = app.anonymous();
    let id = visitor.send_code_to(&phone(0)).await["id"].clone();
    let seen = twilio.seen_at_least(1).await;
    let callback = seen[0].form()["StatusCallback"].clone();
    let delivery = DeliveryId::parse(callback.split_once("delivery=").unwrap().1).unwrap();
    let holder = comes_to(&database, &delivery, |row| row.claimed_by.is_some()).await.claimed_by.unwrap();
    let settled = {
        let (delivery, now) = (delivery.clone(), app.now());
        let guess = Settlement::Ended {
            status: DeliveryStatus::Unknown,
            provider: None,
            reason: Some("interrupted".to_owned()),
            failure: None,
            refused: false,
        };
        database
            .write(move |tx| {
                Box::pin(async move {
                    Ok(Ending::Commit(tx.settle_delivery(&delivery, Some(&holder), 1, guess, now).await?.is_some()))
                })
            })
            .await
            .unwrap()
    };
    assert!(settled);
    // Its verdict (accepted) is written in place of the guess; one of failure would not be.
    let row = comes_to(&database, &delivery, |row| row.status == DeliveryStatus::Sent).await;
    assert_eq!(row.provider_message_id.as_deref(), Some(SID));
    shows(&visitor, &id, "SENT").await;
    assert_eq!(twilio.seen().len(), 1);
    app.stop().await;
}

/// The one statement that PostgreSQL settles by, and its fence: who lost the claim writes nothing by it.
#[tokio::test]
async fn what_was_taken_is_written_at_once_by_who_holds_the_claim_and_nobody_else() {
    let twilio = Carrier::start(|_| Act::Hang).await;
    let app = by("twilio").await.twilio(&twilio).start().await;
    let (database, now) = (store(&app).await, app.now());
    let held = Model {
        claimed_by: Some("holder.2".to_owned()),
        due_at: Some(now + Duration::from_secs(600)),
        ..notice(&phone(0), now)
    };
    let id = held.id.clone();
    owe(&database, vec![held.clone()]).await;
    let taking = |claim: &str| Taking {
        delivery: id.clone(),
        verification: None,
        shown: None,
        claim: Some(claim.to_owned()),
        asked: 1,
        by: Acceptance { provider: "twilio".to_owned(), provider_message_id: Some(SID.to_owned()), poll_at: None },
        receipt_due: None,
    };
    // An earlier claim of the same process is another's, too.
    assert_eq!(database.settle_taking(&taking("holder.1"), now).await.unwrap(), None);
    let delivery = id.clone();
    let settled = database.write(move |tx| {
        Box::pin(async move {
            let again =
                Settlement::Again { due_at: now, provider: None, reason: None, failure: None, perhaps_sent: false };
            Ok(Ending::Commit(tx.settle_delivery(&delivery, Some("holder.1"), 0, again, now).await?))
        })
    });
    assert_eq!(settled.await.unwrap(), None);
    assert_eq!(database.delivery(&id).await.unwrap(), Some(held.clone()));
    let written = database.settle_taking(&taking("holder.2"), now).await.unwrap();
    let row = database.delivery(&id).await.unwrap().unwrap();
    if database.is_embedded() {
        // In its turn, by the one writer.
        assert_eq!((written, row), (None, held));
    } else {
        assert_eq!(written, Some(None));
        assert_eq!((row.status, row.claimed_by, row.due_at, row.tries), (DeliveryStatus::Sent, None, None, 1));
        assert_eq!((row.provider.as_deref(), row.provider_message_id.as_deref()), (Some("twilio"), Some(SID)));
    }
    app.stop().await;
}

#[tokio::test]
async fn a_notice_is_tried_for_a_day_and_then_fails_with_its_reason() {
    let gateway = Carrier::start(|_| Act::Say(crate::providers::double::Reply::text(503, "no"))).await;
    let app = by("webhook").await.gateway(&gateway).start().await;
    let database = store(&app).await;
    let now = app.now();
    let row = Model { expires_at: now + Duration::from_secs(86_400), ..notice(&phone(0), now) };
    let id = row.id.clone();
    owe(&database, vec![row]).await;
    // The clock goes from each time at which it is due to the next and never past one, so that it cannot expire in hand.
    let mut tries = 0;
    let row = loop {
        let row = comes_to(&database, &id, |row| row.tries > tries && row.claimed_by.is_none()).await;
        if row.status != DeliveryStatus::Queued {
            break row;
        }
        tries = row.tries;
        let due_at = row.due_at.expect("who is queued is due");
        app.advance((due_at - app.now()).to_std().unwrap_or_default());
    };
    assert_eq!((row.status, row.reason.as_deref()), (DeliveryStatus::Failed, Some("503")));
    assert!(app.now() - now > chrono::TimeDelta::hours(6), "it had time: {}", app.now() - now);
    assert_eq!(gateway.seen().len(), 6);
    app.stop().await;
}
