//! Opening the databases, with the options that decide what a power cut can cost.

use std::{path::Path, time::Duration};

use sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::{
    ConnectOptions as _, Connection as _,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    config::{self, Secret},
    fault::Fault,
};

/// Readers of an embedded database; they never wait for the writer (WAL).
const SQLITE_READERS: u32 = 4;

/// A connection to PostgreSQL that answered so recently is taken without asking it whether it still does.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// PostgreSQL: a pool whose statements give up on the server's side a little after we did on ours, so that no
/// connection stays busy with what nobody waits for.
pub(super) async fn postgres(url: &Secret, settings: &config::Store) -> Result<DatabaseConnection, Fault> {
    let timeout = format!("{}ms", settings.timeout.as_millis() + 500);
    let options: PgConnectOptions =
        url.expose().parse().map_err(|_| Fault::internal("DATABASE_URL is not a URL that PostgreSQL knows"))?;
    let options = options
        .application_name("countersign")
        .statement_cache_capacity(if settings.statement_cache { 200 } else { 0 })
        .options([
            ("statement_timeout", timeout.as_str()),
            ("lock_timeout", timeout.as_str()),
            ("idle_in_transaction_session_timeout", "30s"),
        ])
        .disable_statement_logging();
    // Asked once by itself: the pool would try again until its time is up, and say no more than that.
    let cannot = |error: sqlx::Error| Fault::unavailable(format!("PostgreSQL can't be reached: {error}"));
    let probe = tokio::time::timeout(settings.timeout, options.connect());
    let probe = probe.await.map_err(|_| Fault::unavailable("PostgreSQL does not answer"))?.map_err(cannot)?;
    drop(probe);
    // The pool asks each connection whether it is alive as it is given back. By default it asks again as it is taken,
    // which under load is a moment later, and a round trip for each transaction.
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.timeout)
        .test_before_acquire(false)
        .before_acquire(|connection, known| {
            Box::pin(async move {
                if known.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await
        .map_err(cannot)?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// SQLite: `(readers, writer)`.
///
/// - WAL: readers and the writer do not wait for each other.
/// - `synchronous=FULL`: the log reaches the disk before a commit is answered, so a power cut costs nothing that was
///   acknowledged. `NORMAL` would risk the last moments; the price is paid back by committing in batches.
/// - `busy_timeout`: only a second program (a backup, a shell) ever holds the write lock; it is waited for.
/// - Foreign keys are enforced: `deleteAccount` relies on their cascade.
pub(super) async fn sqlite(
    file: &Path,
    settings: &config::Store,
) -> Result<(DatabaseConnection, DatabaseConnection), Fault> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| Fault::internal(format!("can't make {}: {error}", folder.display())))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(settings.timeout)
        .foreign_keys(true)
        .disable_statement_logging();
    let pool =
        |size: u32| SqlitePoolOptions::new().min_connections(1).max_connections(size).acquire_timeout(settings.timeout);
    let cannot = |error: sqlx::Error| Fault::unavailable(format!("can't open {}: {error}", file.display()));

    let writer =
        pool(1).connect_with(options.clone().auto_vacuum(SqliteAutoVacuum::Incremental)).await.map_err(cannot)?;
    let readers = pool(SQLITE_READERS).connect_with(options.pragma("query_only", "ON")).await.map_err(cannot)?;
    Ok((SqlxSqliteConnector::from_sqlx_sqlite_pool(readers), SqlxSqliteConnector::from_sqlx_sqlite_pool(writer)))
}
