//! Events between processes, with a real Redis.

use std::time::{Duration, Instant};

use super::{
    tests::{id, revocation, snapshot},
    *,
};
use platform::redis_client::testing::{Wire, eventually, open, prefix, url};

/// A process, once it is subscribed.
async fn process(url: &str, prefix: &str) -> Events {
    let events = Events::open(&Entropy::System, Some(open(url, prefix).await), &Supervisor::default());
    let mut revocations = events.revocations();
    // After subscribing, a process first makes everything be read again.
    assert_eq!(next_revocation(&mut revocations).await, RevocationEvent::Reread);
    events
}

async fn next_wake(watcher: &mut Watcher) -> WatchEvent {
    tokio::time::timeout(Duration::from_secs(10), watcher.next()).await.unwrap()
}

async fn next_revocation(revocations: &mut Revocations) -> RevocationEvent {
    tokio::time::timeout(Duration::from_secs(10), revocations.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn change_reaches_watchers_of_another_process() {
    let Some(url) = url("change_reaches_watchers_of_another_process") else { return };
    let prefix = prefix();
    let (one, other) = (process(&url, &prefix).await, process(&url, &prefix).await);
    let mut watcher = other.watch(&id(1));
    let mut own = one.watch(&id(1));
    let mut revocations = other.revocations();
    for sequence in 1..100 {
        one.publish(snapshot(&id(1), sequence));
        assert_eq!(next_wake(&mut watcher).await, WatchEvent::Changed(snapshot(&id(1), sequence)));
        assert_eq!(next_wake(&mut own).await, WatchEvent::Changed(snapshot(&id(1), sequence)));
    }
    one.publish_revocation(revocation(1));
    assert_eq!(next_revocation(&mut revocations).await, RevocationEvent::Revoked(revocation(1)));
    one.drain().await;
}

#[tokio::test]
async fn process_ignores_its_own_messages() {
    let Some(url) = url("process_ignores_its_own_messages") else { return };
    let prefix = prefix();
    let (one, other) = (process(&url, &prefix).await, process(&url, &prefix).await);
    let (mut own, mut others) = (one.revocations(), other.revocations());
    one.publish_revocation(revocation(1));
    one.publish_revocation(revocation(2));
    other.publish_revocation(revocation(3));
    for events in [&one, &other] {
        events.drain().await;
    }
    let mut received = Vec::new();
    for _ in 0..3 {
        received.push(next_revocation(&mut own).await);
        next_revocation(&mut others).await;
    }
    let expected = [1, 2, 3].map(|seed| RevocationEvent::Revoked(revocation(seed)));
    assert_eq!(received, expected);
}

#[tokio::test]
async fn sb_14_reconnected_process_reads_again_and_receives_changes() {
    let Some(url) = url("sb_14_reconnected_process_reads_again_and_receives_changes") else { return };
    let prefix = prefix();
    let wire = Wire::to(&url).await;
    let (one, disconnected) = (process(&url, &prefix).await, process(&wire.url, &prefix).await);
    let (mut watcher, mut revocations) = (disconnected.watch(&id(1)), disconnected.revocations());
    for round in 1..=3 {
        wire.cut();
        one.publish(snapshot(&id(1), 10 * round));
        one.drain().await;
        wire.restore();
        assert_eq!(next_wake(&mut watcher).await, WatchEvent::Reread);
        assert_eq!(next_revocation(&mut revocations).await, RevocationEvent::Reread);
        one.publish(snapshot(&id(1), 10 * round + 1));
        assert_eq!(next_wake(&mut watcher).await, WatchEvent::Changed(snapshot(&id(1), 10 * round + 1)));
    }
}

#[tokio::test]
async fn changes_made_while_disconnected_are_published_afterwards() {
    let Some(url) = url("changes_made_while_disconnected_are_published_afterwards") else { return };
    let prefix = prefix();
    let wire = Wire::to(&url).await;
    let (disconnected, other) = (process(&wire.url, &prefix).await, process(&url, &prefix).await);
    let mut watcher = other.watch(&id(1));
    // First disconnected, then without a response.
    for (round, interrupt) in [(1, Wire::cut as fn(&Wire)), (2, Wire::hold)] {
        interrupt(&wire);
        let started = Instant::now();
        (1..=9).for_each(|sequence| disconnected.publish(snapshot(&id(1), 10 * round + sequence)));
        assert!(started.elapsed() < Duration::from_millis(100), "publishing does not wait");
        tokio::time::timeout(Duration::from_millis(50), watcher.next()).await.unwrap_err();
        wire.restore();
        loop {
            match next_wake(&mut watcher).await {
                WatchEvent::Changed(newest) if newest.sequence == 10 * round + 9 => break,
                wake => assert!(matches!(wake, WatchEvent::Changed(_)), "{wake:?}"),
            }
        }
        disconnected.drain().await;
    }
}

#[tokio::test]
async fn queue_overflow_makes_other_processes_read_again() {
    let Some(url) = url("queue_overflow_makes_other_processes_read_again") else { return };
    let prefix = prefix();
    let wire = Wire::to(&url).await;
    let (disconnected, other) = (process(&wire.url, &prefix).await, process(&url, &prefix).await);
    let mut watcher = other.watch(&id(1));
    wire.cut();
    disconnected.publish(snapshot(&id(1), 1));
    (2..20_000).for_each(|seed| disconnected.publish(snapshot(&id(seed), 1)));
    wire.restore();
    assert_eq!(next_wake(&mut watcher).await, WatchEvent::Reread);
}

#[tokio::test]
async fn unreadable_message_makes_watchers_read_again() {
    let Some(url) = url("unreadable_message_makes_watchers_read_again") else { return };
    let prefix = prefix();
    let events = process(&url, &prefix).await;
    let mut watcher = events.watch(&id(1));
    let link = open(&url, &prefix).await;
    let newer = r#"{"from":1,"made_at":0,"news":[{"of_a_later_version":{}}]}"#;
    let publish =
        async |mut redis| redis::cmd("PUBLISH").arg(link.name("events")).arg(newer).query_async(&mut redis).await;
    let subscribers: u32 = link.query(publish).await.unwrap();
    assert_eq!(subscribers, 1);
    assert_eq!(next_wake(&mut watcher).await, WatchEvent::Reread);
}

#[tokio::test]
async fn tasks_end_when_the_last_clone_is_dropped() {
    let Some(url) = url("tasks_end_when_the_last_clone_is_dropped") else { return };
    let prefix = prefix();
    let link = open(&url, &prefix).await;
    let channel = link.name("events");
    let subscribers = async || -> u32 {
        let ask = async |mut redis| redis::cmd("PUBSUB").arg("NUMSUB").arg(&channel).query_async(&mut redis).await;
        let (_, subscribers): (String, u32) = link.query(ask).await.unwrap();
        subscribers
    };
    let events = process(&url, &prefix).await;
    assert_eq!(subscribers().await, 1);
    drop(events);
    eventually("the subscription has ended", async || subscribers().await == 0).await;
}
