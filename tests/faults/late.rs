//! A database that starts late, and one that is known to be unavailable (FD-02).

use std::time::Duration;

use super::{
    load::{phone, send, status, timed, until},
    on_servers,
    servers::{Postgres, free_port},
    without_quotas,
};
use crate::{
    process::child::{ChildConfig, run_output},
    support::TEST_TIMEOUT,
};

/// The service waits for a server that starts later; meanwhile the process is alive and logs that it waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_waits_for_a_late_postgres() {
    let what = "PostgreSQL may start late";
    if !on_servers(what) {
        return;
    }
    let Some(mut postgres) = tokio::task::block_in_place(|| Postgres::start(what)) else { return };
    tokio::task::block_in_place(|| postgres.down());
    let config = without_quotas().await.with("DATABASE_URL", &postgres.url()).with("DATABASE_WAIT", "10m");
    let mut child = config.spawn();
    until("it is alive", TEST_TIMEOUT, || async { (status(&child, "/healthz").await == 200).then_some(()) }).await;
    assert_eq!(status(&child, "/readyz").await, 503);
    assert!(config.log_text().contains("waiting for the database"), "{}", config.log_text());
    tokio::task::block_in_place(|| postgres.up());
    child.wait_ready(&config).await;
    assert!(send(&child, &phone(0)).await.id().is_some());
}

/// A server that is not available within `DATABASE_WAIT` is an error, and permanent errors are reported at
/// once. SIGTERM stops a waiting process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_for_postgres_ends_by_timeout_or_signal() {
    if !on_servers("waiting for PostgreSQL ends") {
        return;
    }
    let config = ChildConfig::new().await;
    let away = format!("postgres://postgres@127.0.0.1:{}/postgres", free_port());
    for command in ["serve", "migrate"] {
        let (good, answered) =
            run_output(&config.second_process().with("DATABASE_URL", &away).with("DATABASE_WAIT", "1s"), &[command]);
        assert!(!good && answered.contains("DATABASE_URL: PostgreSQL can't be reached"), "{command}: {answered}");
    }
    let missing = config.vars["DATABASE_URL"].clone() + "_that_is_not_there";
    let (good, answered) =
        run_output(&config.second_process().with("DATABASE_URL", &missing).with("DATABASE_WAIT", "10m"), &["serve"]);
    assert!(!good && answered.contains("does not exist"), "{answered}");

    let config = config.with("DATABASE_URL", &away).with("DATABASE_WAIT", "10m");
    let child = config.spawn();
    until("it waits", TEST_TIMEOUT, || async { config.log_text().contains("waiting for the database").then_some(()) })
        .await;
    child.signal("TERM");
    assert!(child.wait_exit(TEST_TIMEOUT).await.success(), "{}", config.log_text());
}

/// Requests do not wait again for a database known to be unavailable. The timeout is far above the delays of a
/// slow machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_known_to_be_unavailable_is_not_waited_for() {
    let what = "PostgreSQL may be known to be unavailable";
    if !on_servers(what) {
        return;
    }
    let Some(mut postgres) = tokio::task::block_in_place(|| Postgres::start(what)) else { return };
    let config = without_quotas().await.with("DATABASE_URL", &postgres.url()).with("DATABASE_TIMEOUT", "60s");
    let child = config.serve().await;
    assert!(send(&child, &phone(0)).await.id().is_some());
    tokio::task::block_in_place(|| postgres.down());
    let (ready, took) = timed(status(&child, "/readyz")).await;
    assert!(ready == 503 && took < Duration::from_secs(20), "{ready} after {took:?}");
    let (responses, took) = timed(futures_util::future::join_all((1..40).map(|at| {
        let child = &child;
        async move { send(child, &phone(at)).await }
    })))
    .await;
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(responses.iter().all(super::load::RequestResult::is_unavailable), "{responses:?}");
    tokio::task::block_in_place(|| postgres.up());
    until("it is ready again", TEST_TIMEOUT, || async { (status(&child, "/readyz").await == 200).then_some(()) }).await;
    assert!(send(&child, &phone(100)).await.id().is_some());
}
