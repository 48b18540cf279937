//! Events between processes, on a real Redis.

use std::time::{Duration, Instant};

use super::{
    tests::{id, revocation, snapshot},
    *,
};
use crate::redis_link::testing::{Wire, eventually, open, prefix, url};

/// A process, once it listens.
async fn process(url: &str, prefix: &str) -> Events {
    let events = Events::open(&Entropy::System, Some(open(url, prefix).await), &Vitals::default());
    let mut revocations = events.revocations();
    // The first thing that a listening process does is to have everything read again.
    assert_eq!(heard(&mut revocations).await, RevocationWake::Reread);
    events
}

async fn woken(watcher: &mut Watcher) -> Wake {
    tokio::time::timeout(Duration::from_secs(10), watcher.next()).await.unwrap()
}

async fn heard(revocations: &mut Revocations) -> RevocationWake {
    tokio::time::timeout(Duration::from_secs(10), revocations.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_change_of_one_process_reaches_the_watchers_of_another() {
    let Some(url) = url("a_change_of_one_process_reaches_the_watchers_of_another") else { return };
    let prefix = prefix();
    let (one, other) = (process(&url, &prefix).await, process(&url, &prefix).await);
    let mut watcher = other.watch(&id(1));
    let mut own = one.watch(&id(1));
    let mut revocations = other.revocations();
    for sequence in 1..100 {
        one.publish(snapshot(&id(1), sequence));
        assert_eq!(woken(&mut watcher).await, Wake::Changed(snapshot(&id(1), sequence)));
        assert_eq!(woken(&mut own).await, Wake::Changed(snapshot(&id(1), sequence)));
    }
    one.publish_revocation(revocation(1));
    assert_eq!(heard(&mut revocations).await, RevocationWake::Revoked(revocation(1)));
    one.drain().await;
}

#[tokio::test]
async fn a_process_does_not_listen_to_itself() {
    let Some(url) = url("a_process_does_not_listen_to_itself") else { return };
    let prefix = prefix();
    let (one, other) = (process(&url, &prefix).await, process(&url, &prefix).await);
    let (mut own, mut others) = (one.revocations(), other.revocations());
    one.publish_revocation(revocation(1));
    one.publish_revocation(revocation(2));
    other.publish_revocation(revocation(3));
    for events in [&one, &other] {
        events.drain().await;
    }
    let mut heard_here = Vec::new();
    for _ in 0..3 {
        heard_here.push(heard(&mut own).await);
        heard(&mut others).await;
    }
    let expected = [1, 2, 3].map(|seed| RevocationWake::Revoked(revocation(seed)));
    assert_eq!(heard_here, expected);
}

#[tokio::test]
async fn sb_14_a_process_that_was_cut_off_reads_again_and_goes_on() {
    let Some(url) = url("sb_14_a_process_that_was_cut_off_reads_again_and_goes_on") else { return };
    let prefix = prefix();
    let wire = Wire::to(&url).await;
    let (one, cut_off) = (process(&url, &prefix).await, process(&wire.url, &prefix).await);
    let (mut watcher, mut revocations) = (cut_off.watch(&id(1)), cut_off.revocations());
    for round in 1..=3 {
        wire.cut();
        one.publish(snapshot(&id(1), 10 * round));
        one.drain().await;
        wire.mend();
        assert_eq!(woken(&mut watcher).await, Wake::Reread);
        assert_eq!(heard(&mut revocations).await, RevocationWake::Reread);
        one.publish(snapshot(&id(1), 10 * round + 1));
        assert_eq!(woken(&mut watcher).await, Wake::Changed(snapshot(&id(1), 10 * round + 1)));
    }
}

#[tokio::test]
async fn what_a_process_had_to_tell_while_it_was_cut_off_is_told_afterwards() {
    let Some(url) = url("what_a_process_had_to_tell_while_it_was_cut_off_is_told_afterwards") else { return };
    let prefix = prefix();
    let wire = Wire::to(&url).await;
    let (cut_off, other) = (process(&wire.url, &prefix).await, process(&url, &prefix).await);
    let mut watcher = other.watch(&id(1));
    // Gone, and then merely silent.
    for (round, break_wire) in [(1, Wire::cut as fn(&Wire)), (2, Wire::hold)] {
        break_wire(&wire);
        let begun = Instant::now();
        (1..=9).for_each(|sequence| cut_off.publish(snapshot(&id(1), 10 * round + sequence)));
        assert!(begun.elapsed() < Duration::from_millis(100), "publishing waits for nobody");
        tokio::time::timeout(Duration::from_millis(50), watcher.next()).await.unwrap_err();
        wire.mend();
        loop {
            match woken(&mut watcher).await {
                Wake::Changed(newest) if newest.sequence == 10 * round + 9 => break,
                wake => assert!(matches!(wake, Wake::Changed(_)), "{wake:?}"),
            }
        }
        cut_off.drain().await;
    }
}

#[tokio::test]
async fn more_than_can_be_kept_becomes_a_word_to_read_again() {
    let Some(url) = url("more_than_can_be_kept_becomes_a_word_to_read_again") else { return };
    let prefix = prefix();
    let wire = Wire::to(&url).await;
    let (cut_off, other) = (process(&wire.url, &prefix).await, process(&url, &prefix).await);
    let mut watcher = other.watch(&id(1));
    wire.cut();
    cut_off.publish(snapshot(&id(1), 1));
    (2..20_000).for_each(|seed| cut_off.publish(snapshot(&id(seed), 1)));
    wire.mend();
    assert_eq!(woken(&mut watcher).await, Wake::Reread);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_has_everything_read_again() {
    let Some(url) = url("a_message_that_cannot_be_read_has_everything_read_again") else { return };
    let prefix = prefix();
    let events = process(&url, &prefix).await;
    let mut watcher = events.watch(&id(1));
    let link = open(&url, &prefix).await;
    let newer = r#"{"from":1,"made_at":0,"news":[{"of_a_later_version":{}}]}"#;
    let publish =
        async |mut redis| redis::cmd("PUBLISH").arg(link.name("events")).arg(newer).query_async(&mut redis).await;
    let listening: u32 = link.ask(publish).await.unwrap();
    assert_eq!(listening, 1);
    assert_eq!(woken(&mut watcher).await, Wake::Reread);
}

#[tokio::test]
async fn nothing_runs_on_once_the_last_clone_is_gone() {
    let Some(url) = url("nothing_runs_on_once_the_last_clone_is_gone") else { return };
    let prefix = prefix();
    let link = open(&url, &prefix).await;
    let channel = link.name("events");
    let listening = async || -> u32 {
        let ask = async |mut redis| redis::cmd("PUBSUB").arg("NUMSUB").arg(&channel).query_async(&mut redis).await;
        let (_, listening): (String, u32) = link.ask(ask).await.unwrap();
        listening
    };
    let events = process(&url, &prefix).await;
    assert_eq!(listening().await, 1);
    drop(events);
    eventually("the subscription is gone", async || listening().await == 0).await;
}
