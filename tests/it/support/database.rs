//! A database for each test: an SQLite file, or a database on the server of `COUNTERSIGN_TEST_DATABASE_URL`, which
//! is dropped after the test.

use std::{path::Path, sync::Arc};

use sqlx::{ConnectOptions, Connection, Executor, PgConnection, sqlite::SqliteConnectOptions};

/// The database of one test. It is dropped with its last handle.
pub struct Database(Arc<TestDatabase>);

struct TestDatabase {
    name: String,
    /// The URL of the server and the URL of the database.
    server: Option<(String, String)>,
}

impl Database {
    pub async fn create() -> Self {
        let name = format!("countersign_{}", hex::encode(platform::clock::Entropy::System.bytes::<8>()));
        let server = match super::env_var("COUNTERSIGN_TEST_DATABASE_URL") {
            None => None,
            Some(server) => {
                let mut connection = PgConnection::connect(&server).await.unwrap();
                connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
                let own = format!("{}/{name}", server.trim_end_matches('/').trim_end_matches("/postgres"));
                Some((server, own))
            }
        };
        Self(Arc::new(TestDatabase { name, server }))
    }

    /// The value for `DATABASE_URL`; `None` for the embedded SQLite.
    pub fn url(&self) -> Option<&str> {
        self.0.server.as_ref().map(|(_, own)| own.as_str())
    }

    /// Executes the statements of a dump on the server or in the SQLite file.
    pub async fn restore(&self, file: &Path, dump: &str) {
        let dump = sqlx::AssertSqlSafe(dump.to_owned());
        match self.url() {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(dump).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            None => {
                let options = SqliteConnectOptions::new().filename(file).create_if_missing(true).foreign_keys(false);
                let mut connection = options.connect().await.unwrap();
                sqlx::raw_sql(dump).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Another handle to the same database.
    pub fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, _)) = self.server.take() else { return };
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // Blocking on the test's runtime is not possible while it is being dropped.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                if let Ok(mut connection) = PgConnection::connect(&server).await {
                    let _ = connection.execute(sqlx::AssertSqlSafe(drop)).await;
                }
            });
        });
        let _ = dropping.join();
    }
}
