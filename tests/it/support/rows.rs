//! Direct queries and locks, for state that the API does not show.

use sqlx::{Connection, Row};

use super::TestApp;

impl TestApp {
    /// The first column of a query, as text.
    pub async fn column(&self, query: &'static str) -> Vec<String> {
        column(self.database.url(), &self.vars["DATA_DIR"], query).await
    }
}

/// A transaction that holds a lock the server has to wait for.
pub enum Lock {
    Postgres(sqlx::PgConnection),
    Sqlite(sqlx::SqliteConnection),
}

impl TestApp {
    /// Locks the rows that `select` returns; on SQLite, the whole database for writes.
    pub async fn lock(&self, select: &'static str) -> Lock {
        match self.database.url() {
            Some(url) => {
                let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
                sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
                sqlx::query(sqlx::AssertSqlSafe(format!("{select} FOR UPDATE")))
                    .execute(&mut connection)
                    .await
                    .unwrap();
                Lock::Postgres(connection)
            }
            None => {
                let file = format!("sqlite://{}/countersign.db", self.vars["DATA_DIR"]);
                let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
                sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
                Lock::Sqlite(connection)
            }
        }
    }
}

impl Lock {
    pub async fn release(self) {
        match self {
            Lock::Postgres(mut connection) => drop(sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap()),
            Lock::Sqlite(mut connection) => drop(sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap()),
        }
    }
}

/// The first column of a query, as text, from the database at `url`, or from the SQLite file in the data directory.
pub async fn column(url: Option<&str>, data: &str, query: &'static str) -> Vec<String> {
    match url {
        Some(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
        None => {
            let mut connection =
                sqlx::SqliteConnection::connect(&format!("sqlite://{data}/countersign.db")).await.unwrap();
            let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
    }
}
