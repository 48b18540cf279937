//! A database that comes late, and one that is known to be away (FD-02).

use std::time::Duration;

use super::{
    load::{phone, send, status, timed, until},
    on_servers,
    servers::{Postgres, free_port},
    unlimited,
};
use crate::{
    process::child::{Plan, said},
    support::TEST_TIMEOUT,
};

/// Case 6: a server that starts after the program is waited for; the process lives meanwhile, and says that it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_postgres_is_waited_for() {
    let what = "PostgreSQL may come late";
    if !on_servers(what) {
        return;
    }
    let Some(mut postgres) = tokio::task::block_in_place(|| Postgres::start(what)) else { return };
    tokio::task::block_in_place(|| postgres.down());
    let plan = unlimited().await.with("DATABASE_URL", &postgres.url()).with("DATABASE_WAIT", "10m");
    let mut child = plan.begin();
    until("it lives", TEST_TIMEOUT, || async { (status(&child, "/healthz").await == 200).then_some(()) }).await;
    assert_eq!(status(&child, "/readyz").await, 503);
    assert!(plan.logged().contains("waiting for the database"), "{}", plan.logged());
    tokio::task::block_in_place(|| postgres.up());
    child.comes_up(&plan).await;
    assert!(send(&child, &phone(0)).await.id().is_some());
}

/// Case 6: a server that does not come within `DATABASE_WAIT` is refused; what does not pass by itself is refused at
/// once. Nobody needs `kill -9` to stop what waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_postgres_ends_with_its_time_or_a_signal() {
    if !on_servers("waiting for PostgreSQL ends") {
        return;
    }
    let plan = Plan::new().await;
    let away = format!("postgres://postgres@127.0.0.1:{}/postgres", free_port());
    for command in ["serve", "migrate"] {
        let (good, answered) = said(&plan.beside().with("DATABASE_URL", &away).with("DATABASE_WAIT", "1s"), &[command]);
        assert!(!good && answered.contains("DATABASE_URL: PostgreSQL can't be reached"), "{command}: {answered}");
    }
    let missing = plan.vars["DATABASE_URL"].clone() + "_that_is_not_there";
    let (good, answered) = said(&plan.beside().with("DATABASE_URL", &missing).with("DATABASE_WAIT", "10m"), &["serve"]);
    assert!(!good && answered.contains("does not exist"), "{answered}");

    let plan = plan.with("DATABASE_URL", &away).with("DATABASE_WAIT", "10m");
    let child = plan.begin();
    until("it waits", TEST_TIMEOUT, || async { plan.logged().contains("waiting for the database").then_some(()) })
        .await;
    child.signal("TERM");
    assert!(child.ended_within(TEST_TIMEOUT).await.success(), "{}", plan.logged());
}

/// Case 13: what is known to be away is not waited for again. The time-out is far above what a slow machine takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_known_to_be_away_is_not_waited_for() {
    let what = "PostgreSQL may be known to be away";
    if !on_servers(what) {
        return;
    }
    let Some(mut postgres) = tokio::task::block_in_place(|| Postgres::start(what)) else { return };
    let plan = unlimited().await.with("DATABASE_URL", &postgres.url()).with("DATABASE_TIMEOUT", "60s");
    let child = plan.serve().await;
    assert!(send(&child, &phone(0)).await.id().is_some());
    tokio::task::block_in_place(|| postgres.down());
    let (ready, took) = timed(status(&child, "/readyz")).await;
    assert!(ready == 503 && took < Duration::from_secs(20), "{ready} after {took:?}");
    let (answers, took) = timed(futures_util::future::join_all((1..40).map(|at| {
        let child = &child;
        async move { send(child, &phone(at)).await }
    })))
    .await;
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(answers.iter().all(super::load::Answer::is_unavailable), "{answers:?}");
    tokio::task::block_in_place(|| postgres.up());
    until("it is ready again", TEST_TIMEOUT, || async { (status(&child, "/readyz").await == 200).then_some(()) }).await;
    assert!(send(&child, &phone(100)).await.id().is_some());
}
