//! More than can be done, for longer than a burst (FD-08).

use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use super::{
    load::{Answer, phone, send, timed},
    on_servers,
    proxy::{Proxy, server_of, through},
    unlimited,
};
use crate::process::child::Child;

const CLIENTS: usize = 150;

/// What one client was answered from when on, and how long it waited.
async fn ask_without_end(child: &Child, next: &AtomicUsize, until: Instant) -> Vec<(Instant, Answer, Duration)> {
    let mut answers = Vec::new();
    while Instant::now() < until {
        let begun = Instant::now();
        let (answer, took) = timed(send(child, &phone(next.fetch_add(1, SeqCst)))).await;
        answers.push((begun, answer, took));
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fd_08_an_overload_is_shed_and_what_is_let_in_does_not_wait_for_it() {
    if !on_servers("an overload is shed") {
        return;
    }
    let plan = unlimited().await.with("DATABASE_MAX_CONNECTIONS", "4");
    let server = server_of(&plan);
    let proxy = Proxy::before(&server).await;
    let (plan, _) = through(plan, proxy.port);
    let child = plan.serve().await;
    assert!(send(&child, &phone(0)).await.id().is_some());
    // A send holds a connection for some tens of milliseconds: all of these at once would wait for seconds.
    proxy.delay(Duration::from_millis(20));
    let begun = Instant::now();
    let (next, until) = (AtomicUsize::new(1), begun + Duration::from_secs(6));
    let answers = join_all((0..CLIENTS).map(|_| ask_without_end(&child, &next, until))).await.concat();
    // Once it was seen that this is no burst.
    let settled = begun + Duration::from_secs(3);
    let (taken, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().filter(|(begun, ..)| *begun > settled).partition(|(_, answer, _)| answer.id().is_some());
    assert!(refused.iter().all(|(_, answer, _)| answer.is_unavailable()), "{refused:?}");
    assert!(refused.len() > taken.len(), "{} refused, {} taken", refused.len(), taken.len());
    // Let in all together, they would wait for one another.
    let rate = taken.len() as f64 / (until - settled).as_secs_f64();
    let unshed = Duration::from_secs_f64(CLIENTS as f64 / rate);
    let mut waits: Vec<_> = taken.iter().map(|(_, _, took)| *took).collect();
    waits.sort();
    let most = waits[waits.len() * 9 / 10];
    assert!(most < unshed / 2, "nine of ten waited up to {most:?}, at {rate} a second: {unshed:?} without");
    // It is over, for less than the ten seconds that are allowed: as many at once are a burst again.
    proxy.delay(Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let first = next.load(SeqCst);
    let burst = join_all((first..first + CLIENTS).map(async |number| send(&child, &phone(number)).await)).await;
    let lost: Vec<_> = burst.iter().filter(|answer| answer.id().is_none()).collect();
    assert!(lost.is_empty(), "{lost:?}");
}
