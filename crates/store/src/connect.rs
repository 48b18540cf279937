//! Opens the databases, with the options that determine durability.

use std::{
    fs::OpenOptions,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sea_orm::{DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector};
use sqlx::{
    ConnectOptions as _, Connection as _,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    availability::{Availability, ConnectionFilter, State, is_read_only},
    pool::Pool,
};
use platform::{
    config::{self, Secret},
    fault::Fault,
};

/// How long a transaction may be idle: after that its process is assumed to have crashed.
const IDLE_TIMEOUT: &str = "30s";
/// The number of reader connections of an embedded database; they never wait for the writer (WAL).
const SQLITE_READERS: u32 = 4;

/// Every statement that runs often finds its rows by an index, one after the other. A plan that is made while a table is
/// small would read the whole table, and is kept while the table grows: so the planner is told to prefer the plan for large
/// tables. JIT compilation takes longer than such a statement, and the estimated cost would switch it on.
pub(super) const PLANNER_OPTIONS: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
    ("jit", "off"),
];

/// A connection to PostgreSQL that was used this recently is taken from the pool without a ping.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// PostgreSQL: a pool whose statements time out on the server shortly after our own timeout, so that no connection
/// stays busy with an abandoned statement.
///
/// Without `DATABASE_STATEMENT_CACHE` the connections may be those of a pooler, which assigns another server connection
/// to each transaction. Then no startup options are sent, since poolers reject them, and each transaction sets what it
/// needs.
pub(super) async fn postgres(url: &Secret, settings: &config::Store) -> Result<Pool, Fault> {
    let timeout = format!("{}ms", settings.timeout.as_millis() + 500);
    let options = postgres_options(url, settings, &timeout)?;
    // A single attempt outside the pool: the pool would retry until its timeout and hide the cause.
    let cannot = |error: sqlx::Error| Fault::database(&error, "PostgreSQL can't be reached");
    let probe = tokio::time::timeout(settings.timeout, is_read_only(&options));
    let read_only = probe.await.map_err(|_| Fault::unavailable("PostgreSQL does not respond"))?.map_err(cannot)?;
    let state = if read_only { State::ReadOnly } else { State::Up };
    let usable = ConnectionFilter::new();
    let availability = Availability::new(options.clone(), settings.timeout, state, &usable);
    // The pool pings each connection when it is returned. By default it pings again when it is taken, which under load
    // is a moment later, and costs a round trip for each transaction.
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.timeout)
        .test_before_acquire(false)
        .before_acquire(move |connection, known| {
            let usable = usable.allows(known.age);
            Box::pin(async move {
                if usable && known.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(usable)
            })
        })
        .connect_with(options)
        .await
        .map_err(cannot)?;
    let pool = SqlxPostgresConnector::from_sqlx_postgres_pool(pool);
    let reader = match settings.statement_cache {
        true => Pool::new(pool, settings.max_connections),
        false => Pool::with_pooler(pool, settings.max_connections, &timeout, IDLE_TIMEOUT),
    };
    Ok(reader.reserve_for_queue().of(availability))
}

/// The connection options. Transactions that read and then write rely on READ COMMITTED, whatever the server's default
/// is: under SERIALIZABLE a transaction may fail with 40001 and would have to be repeated.
///
/// The planner is set by [`PLANNER_OPTIONS`].
fn postgres_options(url: &Secret, settings: &config::Store, timeout: &str) -> Result<PgConnectOptions, Fault> {
    let unreadable = |_| Fault::internal("DATABASE_URL is not a valid PostgreSQL URL");
    let options: PgConnectOptions = with_host(url.expose()).parse().map_err(unreadable)?;
    // The driver treats an IPv6 address in brackets as a host name.
    let bare = options.get_host().strip_prefix('[').and_then(|host| host.strip_suffix(']')).map(str::to_owned);
    let options = match bare {
        Some(address) => options.host(&address),
        None => options,
    };
    let options = options.application_name("countersign").disable_statement_logging();
    Ok(match settings.statement_cache {
        true => options
            .statement_cache_capacity(200)
            .options([
                ("statement_timeout", timeout),
                ("lock_timeout", timeout),
                ("idle_in_transaction_session_timeout", IDLE_TIMEOUT),
                ("default_transaction_isolation", "read committed"),
            ])
            .options(PLANNER_OPTIONS),
        false => options.statement_cache_capacity(0).extra_float_digits(None),
    })
}

/// Adds a host to a URL that has a user but no host, such as `postgres://user:password@/db?host=/cloudsql/…`: the
/// parser rejects those. The parameter `host` replaces it.
fn with_host(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (address, parameters) = url.split_at(end);
    match address.rfind("@/") {
        Some(at) => format!("{}@localhost{}{parameters}", &address[..at], &address[at + 1..]),
        None => url.to_owned(),
    }
}

/// Creates the file with access for its owner only, since it contains personal data. SQLite gives its additional files
/// the same permissions. An existing file keeps its permissions.
fn make_private(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The connections to SQLite.
pub(super) struct Sqlite {
    pub readers: Pool,
    pub writer: DatabaseConnection,
    /// Whether the last transaction of the writer was committed; if not, its connection is replaced.
    pub writes: Arc<AtomicBool>,
}

/// SQLite.
///
/// - WAL: readers and the writer do not wait for each other.
/// - `synchronous=FULL`: the log is on disk before a commit is acknowledged, so a power failure loses nothing that was
///   acknowledged. `NORMAL` would risk the last moments. Commits in batches compensate for the cost.
/// - `busy_timeout`: only another program (a backup, a shell) can hold the write lock; it is waited for.
/// - Foreign keys are enforced: `deleteAccount` relies on their cascade.
pub(super) async fn sqlite(file: &Path, settings: &config::Store) -> Result<Sqlite, Fault> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| Fault::internal(format!("can't create {}: {error}", folder.display())))?;
    }
    make_private(file).map_err(|error| Fault::internal(format!("can't create {}: {error}", file.display())))?;
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

    let writes = Arc::new(AtomicBool::new(true));
    let trusted = Arc::clone(&writes);
    let writer = pool(1)
        .before_acquire(move |_, _| {
            let trusted = trusted.load(Ordering::Relaxed);
            Box::pin(async move { Ok(trusted) })
        })
        .connect_with(options.clone().auto_vacuum(SqliteAutoVacuum::Incremental))
        .await
        .map_err(cannot)?;
    let readers = pool(SQLITE_READERS).connect_with(options.pragma("query_only", "ON")).await.map_err(cannot)?;
    Ok(Sqlite {
        readers: Pool::new(SqlxSqliteConnector::from_sqlx_sqlite_pool(readers), SQLITE_READERS),
        writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
        writes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> PgConnectOptions {
        let settings = config::Store {
            place: config::DatabaseLocation::Postgres { url: Secret::new(url) },
            data_dir: "data".into(),
            max_connections: 4,
            timeout: Duration::from_secs(3),
            wait: Duration::ZERO,
            statement_cache: true,
            auto_migrate: false,
        };
        postgres_options(&Secret::new(url), &settings, "3500ms").unwrap()
    }

    #[test]
    fn addresses_and_sockets_are_parsed_like_libpq() {
        assert_eq!(options("postgres://me@[::1]:5433/x").get_host(), "::1");
        assert_eq!(options("postgres://me@[::1]:5433/x").get_port(), 5433);
        assert_eq!(options("postgres://me:secret@db/x").get_host(), "db");
        for url in [
            "postgres://me:secret@/x?host=/cloudsql/project:region:instance",
            "postgres:///x?host=/cloudsql/project:region:instance",
        ] {
            let socket = options(url).get_socket().cloned();
            assert!(socket.is_some_and(|path| path.starts_with("/cloudsql")), "{url}");
            assert_eq!(options(url).get_database(), Some("x"));
        }
    }
}
