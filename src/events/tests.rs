//! Events within one process.

use std::time::{Duration, Instant};

use chrono::DateTime;
use futures_util::FutureExt;

use super::*;
use domain::{
    channel::Channel,
    ids::SessionId,
    status::{DeliveryStatus, Status},
};

pub fn id(seed: u64) -> VerificationId {
    VerificationId::new(&Entropy::seeded(seed))
}

pub fn snapshot(id: &VerificationId, sequence: i64) -> Snapshot {
    let at = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    Snapshot {
        id: id.clone(),
        sequence,
        status: Status::Pending,
        attempts: 0,
        delivery_channel: Channel::Sms,
        delivery_status: DeliveryStatus::Sent,
        delivery_failure: None,
        delivery_updated_at: at,
        last_sent_at: at,
        expires_at: at + Duration::from_secs(300),
        updated_at: Some(at),
    }
}

pub fn revocation(seed: u64) -> Revocation {
    let at = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    Revocation { session: SessionId::new(&Entropy::seeded(seed)), at }
}

fn single_process() -> Events {
    Events::open(&Entropy::seeded(0), None, &Supervisor::default())
}

#[tokio::test]
async fn watcher_receives_only_its_verification() {
    let events = single_process();
    let mut watcher = events.watch(&id(1));
    events.publish(snapshot(&id(2), 1));
    assert_eq!(watcher.next().now_or_never(), None);
    events.publish(snapshot(&id(1), 1));
    assert_eq!(watcher.next().await, WatchEvent::Changed(snapshot(&id(1), 1)));
    assert_eq!(watcher.next().now_or_never(), None);
}

#[tokio::test]
async fn slow_watcher_receives_only_the_newest_snapshot() {
    let events = single_process();
    let mut watcher = events.watch(&id(1));
    for sequence in 1..=1000 {
        events.publish(snapshot(&id(1), sequence));
    }
    assert_eq!(watcher.next().await, WatchEvent::Changed(snapshot(&id(1), 1000)));
    assert_eq!(watcher.next().now_or_never(), None);
}

#[tokio::test]
async fn older_and_repeated_snapshots_are_dropped() {
    let events = single_process();
    let mut watcher = events.watch(&id(1));
    events.publish(snapshot(&id(1), 3));
    events.publish(snapshot(&id(1), 2));
    assert_eq!(watcher.next().await, WatchEvent::Changed(snapshot(&id(1), 3)));
    events.publish(snapshot(&id(1), 3));
    assert_eq!(watcher.next().now_or_never(), None);
}

#[tokio::test]
async fn watcher_receives_reread_once() {
    let events = single_process();
    let mut watcher = events.watch(&id(1));
    events.publish(snapshot(&id(1), 1));
    events.hub.reread().await;
    assert_eq!(watcher.next().await, WatchEvent::Reread);
    assert_eq!(watcher.next().now_or_never(), None);
    assert_eq!(events.watch(&id(1)).next().now_or_never(), None, "a new watcher reads the row anyway");
    events.publish(snapshot(&id(1), 2));
    assert_eq!(watcher.next().await, WatchEvent::Changed(snapshot(&id(1), 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dropped_watchers_are_removed() {
    let events = single_process();
    let tasks = (0..64).map(|task| {
        let events = events.clone();
        tokio::spawn(async move {
            for round in 0..200 {
                let id = id(round % 8);
                let (one, other) = (events.watch(&id), events.watch(&id));
                events.publish(snapshot(&id, task));
                drop(one);
                tokio::task::yield_now().await;
                drop(other);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(events.hub.watchers.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sb_14_ten_thousand_watchers_receive_the_last_state() {
    let events = single_process();
    let ids: Vec<_> = (0..100).map(id).collect();
    let watching = (0..10_000).map(|number| {
        let mut watcher = events.watch(&ids[number % ids.len()]);
        tokio::spawn(async move {
            loop {
                match watcher.next().await {
                    WatchEvent::Changed(snapshot) if snapshot.sequence == 9 => return,
                    _ => {}
                }
            }
        })
    });
    let watching: Vec<_> = watching.collect();
    let started = Instant::now();
    for sequence in 1..=9 {
        ids.iter().for_each(|id| events.publish(snapshot(id, sequence)));
    }
    for watcher in watching {
        watcher.await.unwrap();
    }
    eprintln!("10,000 watchers took {:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(events.hub.watchers.len(), 0);
}

#[tokio::test]
async fn revocations_reach_every_subscriber_and_a_slow_one_reads_again() {
    let events = single_process();
    let (mut one, mut slow) = (events.revocations(), events.revocations());
    events.publish_revocation(revocation(1));
    assert_eq!(one.next().await, Some(RevocationEvent::Revoked(revocation(1))));
    (0..2000).for_each(|seed| events.publish_revocation(revocation(seed)));
    assert_eq!(slow.next().await, Some(RevocationEvent::Reread));
}

#[test]
fn message_contains_only_the_listed_fields() {
    let news = vec![message::RemoteEvent::Changed(snapshot(&id(1), 7)), message::RemoteEvent::Revoked(revocation(1))];
    let text = serde_json::to_string(&news).unwrap();
    assert_eq!(serde_json::from_str::<Vec<message::RemoteEvent>>(&text).unwrap(), news);
    let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
    let fields: Vec<_> = shown[0]["changed"].as_object().unwrap().keys().cloned().collect();
    let expected = [
        "attempts",
        "delivery_channel",
        "delivery_failure",
        "delivery_status",
        "delivery_updated_at",
        "expires_at",
        "id",
        "last_sent_at",
        "sequence",
        "status",
        "updated_at",
    ];
    assert_eq!(fields, expected);
}
