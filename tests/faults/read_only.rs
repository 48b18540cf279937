//! A read-only PostgreSQL, as after a failover (FD-02).

use sqlx::{Connection, Executor, PgConnection};

use super::{
    load::{RequestResult, phone, read_verification, send, status, until},
    on_servers, without_quotas,
};
use crate::{process::child::run_output, support::TEST_TIMEOUT};

/// Makes new connections read-only or writable, and ends the existing ones as a failover would.
async fn set_writable(url: &str, allowed: bool) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let database: String =
        sqlx::query_scalar("SELECT current_database()::text").fetch_one(&mut connection).await.unwrap();
    let value = if allowed { "off" } else { "on" };
    for statement in [
        "SET default_transaction_read_only = off".to_owned(),
        format!("ALTER DATABASE {database} SET default_transaction_read_only = {value}"),
    ] {
        connection.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    }
    if !allowed {
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        connection.execute(others).await.unwrap();
    }
}

/// The fault is temporary. Writes are rejected as `UNAVAILABLE`, reads work, `/readyz` reports it, and
/// everything succeeds once the database is writable again, each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_postgres_is_unavailable_until_writable_again() {
    if !on_servers("PostgreSQL may be read-only") {
        return;
    }
    let config = without_quotas().await;
    let url = config.vars["DATABASE_URL"].clone();
    let child = config.serve().await;
    let id = send(&child, &phone(0)).await.id().unwrap();
    set_writable(&url, false).await;
    for at in 1..11 {
        let response = send(&child, &phone(at)).await;
        assert!(response.is_unavailable(), "{response:?}");
    }
    until("it reports that it is not ready", TEST_TIMEOUT, || async {
        (status(&child, "/readyz").await == 503).then_some(())
    })
    .await;
    assert!(matches!(read_verification(&child, &id).await, RequestResult::Data(_)));
    assert!(config.log_text().contains("PostgreSQL is read-only"), "{}", config.log_text());
    let other = config.second_process().with("LISTEN_ADDR", "127.0.0.1:0").with("DATABASE_WAIT", "0s");
    for command in ["serve", "migrate", "doctor"] {
        let (good, answered) = run_output(&other, &[command]);
        assert!(!good && answered.contains("PostgreSQL is read-only"), "{command}: {answered}");
    }

    set_writable(&url, true).await;
    until("it is ready again", TEST_TIMEOUT, || async { (status(&child, "/readyz").await == 200).then_some(()) }).await;
    let responses = futures_util::future::join_all((20..60).map(|at| {
        let child = &child;
        async move { send(child, &phone(at)).await }
    }));
    for response in responses.await {
        assert!(response.id().is_some(), "{response:?}");
    }
}
