//! Quotas of several processes, on a real Redis.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use redis::AsyncCommands;

use super::{
    tests::{DESTINATION, alarmed, clock, from, guarded, send, settings},
    *,
};
use platform::redis_client::testing::{Wire, eventually, open, prefix, url};

/// Two processes on one Redis.
async fn two_processes(settings: &QuotaSettings, clock: &Clock, url: &str) -> [Quotas; 2] {
    let prefix = prefix();
    let process = async || Quotas::open(settings, clock.clone(), Some(open(url, &prefix).await));
    [process().await, process().await]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_share_one_limit_under_concurrency() {
    let Some(url) = url("two_processes_share_one_limit") else { return };
    let processes = two_processes(&settings(), &Clock::System, &url).await;
    let requests = (0..200).map(|number| {
        let quotas = processes[number % 2].clone();
        tokio::spawn(async move { quotas.charge(Operation::Guess, &from("192.0.2.1")).await.is_ok() })
    });
    let mut granted = 0;
    for request in requests.collect::<Vec<_>>() {
        granted += u32::from(request.await.unwrap());
    }
    // One more becomes available every two seconds, and a slow machine may take that long.
    assert!((30..=32).contains(&granted), "{granted}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unsent_charge_is_refunded_for_all_processes() {
    let Some(url) = url("unsent_charge_is_refunded_for_all_processes") else { return };
    let limits = QuotaSettings { service_hourly_sends: NonZeroU32::new(35), ..guarded() };
    let (clock, _) = clock();
    let [one, other] = two_processes(&limits, &clock, &url).await;
    let caller = from("192.0.2.1");
    for _ in 0..50 {
        assert_eq!(one.charge(send(), &caller).await, Ok(()));
        one.refund_send(Some(DESTINATION), &caller).await;
    }
    for _ in 0..30 {
        assert_eq!(other.charge(send(), &caller).await, Ok(()));
    }
    // The prefix is throttled now, and the remaining rate is refunded as well.
    for _ in 0..3 {
        assert_eq!(one.charge(send(), &caller).await, Ok(()));
        one.refund_send(Some(DESTINATION), &caller).await;
    }
    assert_eq!(one.charge(send(), &caller).await, Ok(()));
    assert_eq!(other.charge(send(), &caller).await.unwrap_err().quota, Quota::DestinationPrefix);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_one_alarm() {
    let Some(url) = url("processes_share_one_alarm") else { return };
    let (clock, _) = clock();
    let [one, other] = two_processes(&alarmed(), &clock, &url).await;
    for _ in 0..5 {
        assert_eq!(one.count_guess(false).await, None);
        assert_eq!(other.count_guess(true).await, None);
    }
    let alarm = one.count_guess(false).await.unwrap();
    assert_eq!(alarm, Alarm { raised: true, guesses: 11.0, confirmed: 5.0 });
    assert_eq!(other.count_guess(false).await, None);
    assert_eq!(other.count_guess(true).await, None);
    assert_eq!(other.count_guess(true).await.map(|alarm| alarm.raised), Some(false));
}

/// The process, the client, the destination, the pause before in milliseconds, and whether a code was confirmed before.
type Step = (usize, u8, usize, u64, bool);

/// Applies random steps to two processes on one Redis and to one without Redis, and compares the results.
fn compare(url: &str, limits: &QuotaSettings, agree: impl Fn(Result<(), Refused>, Result<(), Refused>) -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pause = prop_oneof![3 => 0..20u64, 2 => 0..15_000u64, 1 => 0..120_000u64];
    let step = (0..2usize, 0..3u8, 0..2usize, pause, prop::bool::weighted(0.05));
    let mut runner = TestRunner::new(Config { cases: 30, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&prop::collection::vec(step, 1..150), |steps: Vec<Step>| {
        runtime.block_on(async {
            let (clock, hand) = clock();
            let pair = two_processes(limits, &clock, url).await;
            let single = Quotas::open(limits, clock.clone(), None);
            for (process, client, destination, pause, confirmed) in steps {
                hand.advance(Duration::from_millis(pause));
                let prefix = ["821012", "821013"][destination];
                if confirmed {
                    pair[process].count_confirmed(prefix).await;
                    single.count_confirmed(prefix).await;
                }
                let act = Operation::SendCode { destination: Some(prefix) };
                let caller = from(&format!("192.0.2.{client}"));
                let (shared, own) = (pair[process].charge(act, &caller).await, single.charge(act, &caller).await);
                prop_assert!(agree(shared, own), "{:?} with Redis, {:?} without", shared, own);
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

#[test]
fn script_and_process_agree_to_the_millisecond() {
    let Some(url) = url("script_and_process_agree_to_the_millisecond") else { return };
    let limits = QuotaSettings { client_sends_per_minute: NonZeroU32::new(5), ..settings() };
    compare(&url, &limits, |shared, own| shared == own);
}

/// Of several refusals a process may know only the shorter one, so only the decision must be equal.
#[test]
fn script_and_process_agree_with_all_quotas_and_the_guard() {
    let Some(url) = url("script_and_process_agree_with_all_quotas_and_the_guard") else { return };
    let limits = QuotaSettings {
        client_sends_per_minute: NonZeroU32::new(12),
        destination_hourly_sends: NonZeroU32::new(60),
        service_hourly_sends: NonZeroU32::new(90),
        ..guarded()
    };
    compare(&url, &limits, |shared, own| shared.is_ok() == own.is_ok());
}

#[tokio::test]
async fn guard_counts_across_processes() {
    let Some(url) = url("guard_counts_across_processes") else { return };
    let [one, other] = two_processes(&guarded(), &clock().0, &url).await;
    let caller = from("192.0.2.1");
    for _ in 0..15 {
        one.charge(send(), &caller).await.unwrap();
        other.charge(send(), &caller).await.unwrap();
    }
    one.charge(send(), &caller).await.unwrap();
    assert_eq!(other.charge(send(), &caller).await.unwrap_err().quota, Quota::DestinationPrefix);
    for _ in 0..4 {
        one.count_confirmed(DESTINATION).await;
    }
    assert_eq!(other.charge(send(), &caller).await, Ok(()));
}

#[tokio::test]
async fn operation_refused_by_redis_is_not_charged_in_the_process() {
    let Some(url) = url("operation_refused_by_redis_is_not_charged_in_the_process") else { return };
    let limits = QuotaSettings { client_sends_per_minute: NonZeroU32::new(5), ..guarded() };
    let [one, other] = two_processes(&limits, &clock().0, &url).await;
    for client in 0..31 {
        one.charge(send(), &from(&format!("198.51.100.{client}"))).await.unwrap();
    }
    let caller = from("192.0.2.1");
    for _ in 0..20 {
        assert_eq!(other.charge(send(), &caller).await.unwrap_err().quota, Quota::DestinationPrefix);
    }
    for _ in 0..5 {
        assert_eq!(other.charge(Operation::SendCode { destination: None }, &caller).await, Ok(()));
    }
}

#[tokio::test]
async fn fd_04_without_redis_process_continues_from_the_common_count() {
    let Some(url) = url("fd_04_without_redis_process_continues_from_the_common_count") else { return };
    let (clock, prefix, wire) = (clock().0, prefix(), Wire::to(&url).await);
    let link = open(&wire.url, &prefix).await;
    let one = Quotas::open(&settings(), clock.clone(), Some(open(&url, &prefix).await));
    let other = Quotas::open(&settings(), clock, Some(link.clone()));
    let caller = from("192.0.2.1");
    for _ in 0..20 {
        one.charge(Operation::Guess, &caller).await.unwrap();
    }
    other.charge(Operation::Guess, &caller).await.unwrap();
    wire.cut();
    let mut granted = 0;
    while other.charge(Operation::Guess, &caller).await.is_ok() {
        granted += 1;
    }
    assert_eq!(granted, 9, "of 30, after 20 in one process and 1 in the other");
    assert!(!link.is_up());
}

/// Limits on cost are shared out while the processes can't count together.
#[tokio::test]
async fn fd_04_cost_limits_hold_without_redis() {
    let Some(url) = url("fd_04_cost_limits_hold_without_redis") else { return };
    let limits = QuotaSettings { service_hourly_sends: NonZeroU32::new(100), pumping: None, ..settings() };
    let (clock, prefix, wire) = (clock().0, prefix(), Wire::to(&url).await);
    let mut processes = Vec::new();
    for _ in 0..3 {
        let quotas = Quotas::open(&limits, clock.clone(), Some(open(&wire.url, &prefix).await));
        quotas.set_process_count(3);
        processes.push(quotas);
    }
    let mut clients = 0..;
    let mut granted_by = async |quotas: &Quotas, requests: usize| {
        let mut granted = 0;
        for client in clients.by_ref().take(requests) {
            let caller = from(&format!("198.51.{}.{}", client / 250, client % 250));
            granted += usize::from(quotas.charge(send(), &caller).await.is_ok());
        }
        granted
    };
    let mut granted = granted_by(&processes[0], 10).await;
    // Each process has received the common count.
    for quotas in &processes {
        granted += granted_by(quotas, 1).await;
    }
    assert_eq!(granted, 13);
    wire.cut();
    for quotas in &processes {
        granted += granted_by(quotas, 100).await;
    }
    assert!((90..=102).contains(&granted), "{granted}");
}

#[tokio::test]
async fn fd_04_process_keeps_its_counts_when_redis_is_flushed() {
    let Some(url) = url("fd_04_process_keeps_its_counts_when_redis_is_flushed") else { return };
    let link = open(&url, &prefix()).await;
    let quotas = Quotas::open(&settings(), clock().0, Some(link.clone()));
    let caller = from("192.0.2.1");
    while quotas.charge(send(), &caller).await.is_ok() {}
    let key = link.name("quota:send_code:client:192.0.2.1");
    let deleted: u32 = link.query(async |mut redis| redis.del(key).await).await.unwrap();
    assert_eq!(deleted, 1);
    assert!(quotas.charge(send(), &caller).await.is_err());
}

#[tokio::test]
async fn fd_04_hanging_redis_costs_one_timeout_and_process_continues_from_its_counts() {
    let Some(url) = url("fd_04_hanging_redis_costs_one_timeout") else { return };
    let wire = Wire::to(&url).await;
    let link = open(&wire.url, &prefix()).await;
    let quotas = Quotas::open(&settings(), Clock::System, Some(link.clone()));
    let caller = from("192.0.2.1");
    for _ in 0..20 {
        quotas.charge(Operation::Guess, &caller).await.unwrap();
    }

    wire.hold();
    let started = Instant::now();
    for _ in 0..10 {
        quotas.charge(Operation::Guess, &caller).await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(1), "one timeout of 500 ms, not ten");
    assert!(!link.is_up());
    assert!(quotas.charge(Operation::Guess, &caller).await.is_err(), "20 before and 10 after");

    wire.restore();
    eventually("Redis is available again", async || link.is_up()).await;
    assert_eq!(quotas.charge(send(), &caller).await, Ok(()));
    assert!(link.is_up());
}

#[tokio::test]
async fn fd_04_redis_outage_and_recovery() {
    let Some(url) = url("fd_04_redis_outage_and_recovery") else { return };
    let wire = Wire::to(&url).await;
    wire.cut();
    let link = open(&wire.url, &prefix()).await;
    let quotas = Quotas::open(&settings(), Clock::System, Some(link.clone()));
    let caller = from("192.0.2.1");
    for _ in 0..10 {
        quotas.charge(send(), &caller).await.unwrap();
    }
    assert!(quotas.charge(send(), &caller).await.is_err());
    for _ in 0..2 {
        wire.restore();
        eventually("Redis is available again", async || link.is_up()).await;
        wire.cut();
        eventually("the loss is noticed", async || {
            // The result does not matter here.
            let _: Result<(), Refused> = quotas.charge(Operation::Guess, &from("192.0.2.9")).await;
            !link.is_up()
        })
        .await;
    }
}
