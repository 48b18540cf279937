//! A pool that is larger than what PostgreSQL allows (53300).

use sqlx::{Connection, Executor, PgConnection};

use super::{
    load::{phone, send, until},
    on_servers,
    servers::Postgres,
    unlimited,
};
use crate::{process::child::said, support::PATIENCE};

/// Case 11: some requests find out that the server has no more connections; those after them do not wait for any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_larger_than_the_server_allows_shrinks() {
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
    let plan = unlimited()
        .await
        .with("DATABASE_URL", &postgres.url())
        .with("DATABASE_TIMEOUT", "10s")
        .with("DATABASE_MAX_CONNECTIONS", "40");
    let (good, answered) = said(&plan, &["doctor"]);
    assert!(!good && answered.contains("DATABASE_MAX_CONNECTIONS=40 is more than the 9 connections"), "{answered}");
    let child = plan.serve().await;
    let round = std::cell::Cell::new(0);
    until("every send of a burst is taken", PATIENCE, || async {
        round.set(round.get() + 1);
        let sends = (0..60).map(|at| {
            let (child, number) = (&child, 1000 * round.get() + at);
            async move { send(child, &phone(number)).await.id() }
        });
        futures_util::future::join_all(sends).await.iter().all(Option::is_some).then_some(())
    })
    .await;
    assert!(plan.logged().contains("PostgreSQL has no free connection"), "{}", plan.logged());
}
