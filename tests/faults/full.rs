//! A connection pool that is larger than PostgreSQL allows (error 53300).

use sqlx::{Connection, Executor, PgConnection};

use super::{
    load::{phone, send, until},
    on_servers,
    servers::Postgres,
    without_quotas,
};
use crate::{process::child::run_output, support::TEST_TIMEOUT};

/// Some requests find that the server has no more connections; later requests do not wait for any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oversized_pool_shrinks() {
    let what = "PostgreSQL may have too few connections";
    if !on_servers(what) {
        return;
    }
    let Some(mut postgres) = tokio::task::block_in_place(|| Postgres::start(what)) else { return };
    let mut connection = PgConnection::connect(&postgres.url()).await.unwrap();
    connection.execute("ALTER SYSTEM SET max_connections = 12").await.unwrap();
    drop(connection);
    tokio::task::block_in_place(|| {
        postgres.down();
        postgres.up();
    });
    let config = without_quotas()
        .await
        .with("DATABASE_URL", &postgres.url())
        .with("DATABASE_TIMEOUT", "10s")
        .with("DATABASE_MAX_CONNECTIONS", "40");
    let (good, answered) = run_output(&config, &["doctor"]);
    assert!(!good && answered.contains("DATABASE_MAX_CONNECTIONS=40 is more than the 9 connections"), "{answered}");
    let child = config.serve().await;
    let round = std::cell::Cell::new(0);
    until("every send of a burst is accepted", TEST_TIMEOUT, || async {
        round.set(round.get() + 1);
        let sends = (0..60).map(|at| {
            let (child, number) = (&child, 1000 * round.get() + at);
            async move { send(child, &phone(number)).await.id() }
        });
        futures_util::future::join_all(sends).await.iter().all(Option::is_some).then_some(())
    })
    .await;
    assert!(config.log_text().contains("PostgreSQL has no free connection"), "{}", config.log_text());
}
