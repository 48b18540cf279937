//! PostgreSQL that only reads, as after a failover (FD-02).

use sqlx::{Connection, Executor, PgConnection};

use super::{
    load::{Answer, look, phone, send, status, until},
    on_servers, unlimited,
};
use crate::{process::child::said, support::TEST_TIMEOUT};

/// Every connection from now on reads only, or writes again; those that stand are ended, as a failover would.
async fn writable(url: &str, is: bool) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let database: String =
        sqlx::query_scalar("SELECT current_database()::text").fetch_one(&mut connection).await.unwrap();
    let value = if is { "off" } else { "on" };
    for statement in [
        "SET default_transaction_read_only = off".to_owned(),
        format!("ALTER DATABASE {database} SET default_transaction_read_only = {value}"),
    ] {
        connection.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    }
    if !is {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        connection.execute(others).await.unwrap();
    }
}

/// Case 2: nothing is broken for good. Writes are refused as `UNAVAILABLE`, reading goes on, `/readyz` says it, and what
/// comes after it is writable again succeeds, each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_only_reads_is_unavailable_until_it_writes_again() {
    if !on_servers("PostgreSQL may be read-only") {
        return;
    }
    let plan = unlimited().await;
    let url = plan.vars["DATABASE_URL"].clone();
    let child = plan.serve().await;
    let id = send(&child, &phone(0)).await.id().unwrap();
    writable(&url, false).await;
    for at in 1..11 {
        let answer = send(&child, &phone(at)).await;
        assert!(answer.is_unavailable(), "{answer:?}");
    }
    until("it says that it is not ready", TEST_TIMEOUT, || async {
        (status(&child, "/readyz").await == 503).then_some(())
    })
    .await;
    assert!(matches!(look(&child, &id).await, Answer::Is(_)));
    assert!(plan.logged().contains("PostgreSQL is read-only"), "{}", plan.logged());
    let other = plan.beside().with("LISTEN_ADDR", "127.0.0.1:0").with("DATABASE_WAIT", "0s");
    for command in ["serve", "migrate", "doctor"] {
        let (good, answered) = said(&other, &[command]);
        assert!(!good && answered.contains("PostgreSQL is read-only"), "{command}: {answered}");
    }

    writable(&url, true).await;
    until("it is ready again", TEST_TIMEOUT, || async { (status(&child, "/readyz").await == 200).then_some(()) }).await;
    let answers = futures_util::future::join_all((20..60).map(|at| {
        let child = &child;
        async move { send(child, &phone(at)).await }
    }));
    for answer in answers.await {
        assert!(answer.id().is_some(), "{answer:?}");
    }
}
