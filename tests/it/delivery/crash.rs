//! Deliveries of a process that was killed, or that was suspended and resumes.

use std::time::Duration;

use countersign::delivery::{Content, OutgoingMessage};
use domain::{
    Timestamp,
    account::Identifier,
    channel::Channel,
    contact::{Contact, PhoneNumber, Region},
    delivery::Delivery,
    ids::DeliveryId,
    locale::Locale,
    notice::Notice,
    status::DeliveryStatus,
};
use platform::clock::Entropy;
use serde_json::json;
use store::{Acceptance, AcceptedDelivery, Settlement, Store, TxOutcome};

use super::{
    fake_provider::{Action, FakeProvider},
    setup::{
        ProviderSettings, accept_all, accepted, number, phone, store, twilio_accepted, wait_for_status, with_providers,
    },
};
use crate::support::{Account, TEST_TIMEOUT};

const SID: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A queued notice.
fn notice(to: &str, now: Timestamp) -> Delivery {
    let to = Contact::Phone(PhoneNumber::parse(to, Region::parse("KR").unwrap()).unwrap());
    let order = OutgoingMessage {
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
    order.into_row(now, None)
}

async fn insert_deliveries(store: &Store, rows: Vec<Delivery>) {
    let write = store.write(move |tx| {
        Box::pin(async move {
            for row in rows {
                tx.insert_delivery(row).await?;
            }
            Ok(TxOutcome::Commit(()))
        })
    });
    write.await.unwrap();
}

/// A notice claimed by a process whose claim has expired.
async fn abandoned(store: &Store, to: &str, now: Timestamp) -> DeliveryId {
    let row = Delivery { claimed_by: Some("dead".to_owned()), ..notice(to, now) };
    let id = row.id.clone();
    insert_deliveries(store, vec![row]).await;
    id
}

async fn wait_for_row(store: &Store, id: &DeliveryId, predicate: impl Fn(&Delivery) -> bool) -> Delivery {
    let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
    loop {
        let row = store.delivery(id).await.unwrap().unwrap();
        if predicate(&row) {
            return row;
        }
        assert!(tokio::time::Instant::now() < deadline, "{row:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn dl_01_interrupted_delivery_is_retried_by_idempotent_providers_and_unknown_otherwise() {
    let gateway = FakeProvider::start(accept_all).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let database = store(&app).await;
    let id = abandoned(&database, &phone(0), app.now()).await;
    let row = wait_for_row(&database, &id, |row| row.status != DeliveryStatus::Queued).await;
    assert_eq!((row.status, row.claimed_by), (DeliveryStatus::Sent, None));
    assert_eq!(gateway.requests()[0].header("webhook-id"), id.as_str());
    app.stop().await;

    let twilio = FakeProvider::start(|_| Action::Respond(twilio_accepted(SID))).await;
    let app = with_providers("twilio").await.twilio(&twilio).start().await;
    let database = store(&app).await;
    let id = abandoned(&database, &phone(0), app.now()).await;
    let row = wait_for_row(&database, &id, |row| row.status != DeliveryStatus::Queued).await;
    assert_eq!((row.status, row.reason.as_deref()), (DeliveryStatus::Unknown, Some("interrupted")));
    assert_eq!(twilio.requests().len(), 0);
    app.stop().await;
}

/// A claim that was committed after its process had given up waiting for the commit: no task handles it, and no
/// provider was asked.
#[tokio::test]
async fn dl_01_process_recovers_its_claim_after_a_lost_commit_response() {
    let twilio = FakeProvider::start(|_| Action::Hang).await;
    let app = with_providers("twilio").await.twilio(&twilio).start().await;
    let database = store(&app).await;
    let first = app.anonymous().send_code_to(&phone(0)).await;
    twilio.wait_for_requests(1).await;
    let process = app.column("SELECT claimed_by FROM delivery").await.remove(0);
    twilio.behave(|_| Action::Respond(twilio_accepted(SID)));
    let lost = Delivery { claimed_by: Some(process), ..notice(&phone(1), app.now()) };
    let id = lost.id.clone();
    insert_deliveries(&database, vec![lost]).await;
    wait_for_row(&database, &id, |row| row.status == DeliveryStatus::Sent).await;
    // A delivery that is in progress stays claimed.
    assert_eq!(app.anonymous().verification(&first["id"]).await["delivery"]["status"], "QUEUED");
    assert_eq!(twilio.requests().len(), 2);
    app.stop().await;
}

/// Erasing an account while a provider request for it is in flight releases the worker.
#[tokio::test]
async fn delivery_of_an_erased_account_releases_its_worker() {
    let gateway = FakeProvider::start(|seen| {
        Action::RespondAfter(Duration::from_millis(500), accepted(seen.header("webhook-id")))
    })
    .await;
    let app = with_providers("webhook").await.with("DISPATCH_CONCURRENCY", "1").gateway(&gateway).start().await;
    app.insert_accounts([Account::with_phone(&phone(0))]).await;
    let id = app.anonymous().send_code(json!({ "purpose": "SIGN_IN", "to": { "phone": phone(0) } })).await;
    gateway.wait_for_requests(1).await;
    let database = store(&app).await;
    database
        .write(move |tx| {
            Box::pin(async move {
                let account = tx.account(&Identifier::Phone(phone(0))).await?.unwrap();
                tx.delete_history(&account.id).await?;
                Ok(TxOutcome::Commit(()))
            })
        })
        .await
        .unwrap();
    assert_eq!(app.anonymous().verification(&id["verification"]["id"]).await, json!(null));
    let next = app.anonymous().send_code_to(&phone(1)).await["id"].clone();
    wait_for_status(&app.anonymous(), &next, "SENT").await;
    app.stop().await;
}

/// Only a message that a provider was asked to send may have been sent; one that was still waiting is sent by the next
/// process.
#[tokio::test]
async fn dl_01_unsent_message_is_sent_by_the_next_process() {
    for (limit, value, started) in [("PROVIDER_CONCURRENCY", "2", 2), ("PROVIDER_RATE", "unlimited, twilio=1", 1)] {
        let twilio = FakeProvider::start(|_| Action::Hang).await;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let setup = with_providers("twilio").await.with(limit, value).with("PROVIDER_TIMEOUT", "60s").twilio(&twilio);
        let killed = setup.start_on(runtime.handle()).await;
        let client = killed.anonymous();
        let mut ids = Vec::new();
        for number in 0..8 {
            ids.push(client.send_code_to(&phone(number)).await["id"].clone());
        }
        twilio.wait_for_requests(started).await;
        runtime.shutdown_background();
        assert_eq!(twilio.request_count(), started, "{limit}");
        twilio.behave(|_| Action::Respond(twilio_accepted(SID)));
        let app = killed.another_process().await;
        let client = app.anonymous();
        // The claims of the killed process expire.
        app.advance(Duration::from_secs(40));
        let mut ends = Vec::new();
        let deadline = tokio::time::Instant::now() + 2 * TEST_TIMEOUT;
        while ends.len() < ids.len() {
            ends.clear();
            for id in &ids {
                let status = client.verification(id).await["delivery"]["status"].clone();
                ends.extend((status != "QUEUED").then_some(status));
            }
            assert!(tokio::time::Instant::now() < deadline, "{limit}: {ends:?}");
            app.advance(Duration::from_millis(200));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(ends.iter().filter(|status| *status == "UNKNOWN").count(), started, "{limit}: {ends:?}");
        assert_eq!(ends.iter().filter(|status| *status == "SENT").count(), ids.len() - started, "{limit}");
        app.stop().await;
    }
}

#[tokio::test]
async fn dl_01_full_outbox_is_sent_by_the_next_process() {
    let gateway = FakeProvider::start(|_| Action::Hang).await;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let setup = with_providers("webhook").await.with("DISPATCH_CONCURRENCY", "2").gateway(&gateway);
    let killed = setup.start_on(runtime.handle()).await;
    let client = killed.anonymous();
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(client.send_code_to(&phone(number)).await["id"].clone());
    }
    gateway.wait_for_requests(2).await;
    runtime.shutdown_background();
    gateway.behave(accept_all);
    let app = killed.another_process().await;
    let client = app.anonymous();
    // The claims of the killed process expire.
    app.advance(Duration::from_secs(40));
    for id in &ids {
        wait_for_status(&client, id, "SENT").await;
    }
    let mut numbers: Vec<_> = gateway.requests().iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 10);
    app.stop().await;
}

/// Two processes work on one outbox at the same time, and no message is claimed by both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_never_send_the_same_message() {
    const MESSAGES: usize = 300;
    let gateway = FakeProvider::start(|seen| match accept_all(seen) {
        Action::Respond(reply) => Action::RespondAfter(Duration::from_millis(5), reply),
        other => other,
    })
    .await;
    let one = with_providers("webhook").await.with("DISPATCH_CONCURRENCY", "8").gateway(&gateway).start().await;
    let other = one.another_process().await;
    let rows: Vec<_> = (0..MESSAGES).map(|number| notice(&phone(number), one.now())).collect();
    insert_deliveries(&store(&one).await, rows).await;
    gateway.wait_for_requests(MESSAGES).await;
    let mut ids: Vec<_> = gateway.requests().iter().map(|seen| seen.header("webhook-id").to_owned()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), MESSAGES);
    // Both are done before duplicates are counted.
    other.stop().await;
    one.stop().await;
    assert_eq!(gateway.requests().len(), MESSAGES);
}

/// The claim of a suspended process is taken over; then the process resumes with its provider's response.
#[tokio::test]
async fn resumed_process_does_not_settle_a_lost_claim_but_reports_acceptance() {
    let twilio = FakeProvider::start(|_| Action::RespondAfter(Duration::from_millis(700), twilio_accepted(SID))).await;
    let app = with_providers("twilio").await.twilio(&twilio).start().await;
    let database = store(&app).await;
    let client = app.anonymous();
    let id = client.send_code_to(&phone(0)).await["id"].clone();
    let seen = twilio.wait_for_requests(1).await;
    let callback = seen[0].form()["StatusCallback"].clone();
    let delivery = DeliveryId::parse(callback.split_once("delivery=").unwrap().1).unwrap();
    let owner = wait_for_row(&database, &delivery, |row| row.claimed_by.is_some()).await.claimed_by.unwrap();
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
                    Ok(TxOutcome::Commit(tx.settle_delivery(&delivery, Some(&owner), 1, guess, now).await?.is_some()))
                })
            })
            .await
            .unwrap()
    };
    assert!(settled);
    // Its definite result (accepted) replaces the unknown outcome; a failure would not.
    let row = wait_for_row(&database, &delivery, |row| row.status == DeliveryStatus::Sent).await;
    assert_eq!(row.provider_message_id.as_deref(), Some(SID));
    wait_for_status(&client, &id, "SENT").await;
    assert_eq!(twilio.requests().len(), 1);
    app.stop().await;
}

/// The single statement by which PostgreSQL settles deliveries is fenced: a process that lost the claim changes
/// nothing.
#[tokio::test]
async fn acceptance_is_written_only_by_the_holder_of_the_claim() {
    let twilio = FakeProvider::start(|_| Action::Hang).await;
    let app = with_providers("twilio").await.twilio(&twilio).start().await;
    let (database, now) = (store(&app).await, app.now());
    let held = Delivery {
        claimed_by: Some("holder.2".to_owned()),
        due_at: Some(now + Duration::from_secs(600)),
        ..notice(&phone(0), now)
    };
    let id = held.id.clone();
    insert_deliveries(&database, vec![held.clone()]).await;
    let accepted = |claim: &str| AcceptedDelivery {
        delivery: id.clone(),
        verification: None,
        shown: None,
        claim: Some(claim.to_owned()),
        calls: 1,
        by: Acceptance { provider: "twilio".to_owned(), provider_message_id: Some(SID.to_owned()), poll_at: None },
        receipt_due: None,
        accepted_at: now,
    };
    // An earlier claim of the same process does not match either.
    assert_eq!(database.settle_accepted_delivery(accepted("holder.1")).await, None);
    let delivery = id.clone();
    let settled = database.write(move |tx| {
        Box::pin(async move {
            let again =
                Settlement::Retry { due_at: now, provider: None, reason: None, failure: None, maybe_sent: false };
            Ok(TxOutcome::Commit(tx.settle_delivery(&delivery, Some("holder.1"), 0, again, now).await?))
        })
    });
    assert_eq!(settled.await.unwrap(), None);
    assert_eq!(database.delivery(&id).await.unwrap(), Some(held.clone()));
    let written = database.settle_accepted_delivery(accepted("holder.2")).await;
    let row = database.delivery(&id).await.unwrap().unwrap();
    if database.is_embedded() {
        // In its turn, by the single writer.
        assert_eq!((written, row), (None, held));
    } else {
        assert_eq!(written, Some(None));
        assert_eq!((row.status, row.claimed_by, row.due_at, row.tries), (DeliveryStatus::Sent, None, None, 1));
        assert_eq!((row.provider.as_deref(), row.provider_message_id.as_deref()), (Some("twilio"), Some(SID)));
    }
    app.stop().await;
}

#[tokio::test]
async fn notice_is_retried_for_a_day_and_then_fails_with_its_reason() {
    let gateway = FakeProvider::start(|_| Action::Respond(crate::providers::double::Reply::text(503, "no"))).await;
    let app = with_providers("webhook").await.gateway(&gateway).start().await;
    let database = store(&app).await;
    let now = app.now();
    let row = Delivery { expires_at: now + Duration::from_secs(86_400), ..notice(&phone(0), now) };
    let id = row.id.clone();
    insert_deliveries(&database, vec![row]).await;
    // The clock advances exactly to each due time, so that no claim expires while the message is in progress.
    let mut tries = 0;
    let row = loop {
        let row = wait_for_row(&database, &id, |row| row.tries > tries && row.claimed_by.is_none()).await;
        if row.status != DeliveryStatus::Queued {
            break row;
        }
        tries = row.tries;
        let due_at = row.due_at.expect("a queued message has a due time");
        app.advance((due_at - app.now()).to_std().unwrap_or_default());
    };
    assert_eq!((row.status, row.reason.as_deref()), (DeliveryStatus::Failed, Some("503")));
    assert!(app.now() - now > chrono::TimeDelta::hours(6), "it was within its lifetime: {}", app.now() - now);
    assert_eq!(gateway.requests().len(), 6);
    app.stop().await;
}
