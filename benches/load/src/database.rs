//! A connection to the database of the server under test: which messages are not settled, and how much WAL was written.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Deliveries without a result, in the tables of Countersign and of the baseline.
pub const UNSETTLED: &str = "SELECT count(*) FROM delivery WHERE status = 'QUEUED' OR claimed_by IS NOT NULL";

/// One connection. It is idle while a measurement runs.
pub struct Database {
    connection: PgConnection,
    unsettled: String,
}

impl Database {
    /// Connects. `unsettled` is a query for the number of messages without a result.
    ///
    /// # Errors
    /// The database is unreachable.
    pub async fn connect(url: &str, unsettled: String) -> Result<Self, String> {
        let connection = PgConnection::connect(url).await.map_err(|error| format!("the database: {error}"))?;
        Ok(Self { connection, unsettled })
    }

    /// The number of messages whose result the server has not recorded.
    ///
    /// # Errors
    /// The query failed.
    pub async fn unsettled(&mut self) -> Result<u64, String> {
        let query = self.unsettled.clone();
        self.number(query).await
    }

    /// The bytes of WAL that were inserted since the database cluster was created.
    ///
    /// # Errors
    /// The query failed.
    pub async fn wal_bytes(&mut self) -> Result<u64, String> {
        self.number("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint".to_owned()).await
    }

    async fn number(&mut self, query: String) -> Result<u64, String> {
        // The operator of the benchmark gives the query.
        let number = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut self.connection).await;
        let number: i64 = number.map_err(|error| format!("the database: {error}"))?;
        u64::try_from(number).map_err(|_| format!("the database: a negative number: {number}"))
    }
}
