//! A database for each test: an SQLite file, or a database on the server of `COUNTERSIGN_TEST_DATABASE_URL`, which
//! is dropped after the test.

use std::{path::Path, sync::Arc};

use sqlx::{ConnectOptions, Connection, Executor, PgConnection, sqlite::SqliteConnectOptions};

use super::template;

/// The database of one test. It is dropped with its last handle.
pub struct Database(Arc<TestDatabase>);

struct TestDatabase {
    name: String,
    /// The URL of the server and the URL of the database.
    server: Option<(String, String)>,
}

impl Database {
    /// An empty database.
    pub async fn create() -> Self {
        let name = new_name();
        let server = super::env_var("COUNTERSIGN_TEST_DATABASE_URL");
        if let Some(server) = &server {
            let mut connection = PgConnection::connect(server).await.unwrap();
            connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        }
        Self::from_name(name, server)
    }

    /// A database with the tables of the program. `file` is the SQLite file of a test without a server.
    pub async fn create_migrated(file: &Path) -> Self {
        let name = new_name();
        let server = super::env_var("COUNTERSIGN_TEST_DATABASE_URL");
        match &server {
            Some(server) => template::create_database(server, &name, |name| url(server, name)).await,
            None => template::create_file(file).await,
        }
        Self::from_name(name, server)
    }

    fn from_name(name: String, server: Option<String>) -> Self {
        let server = server.map(|server| (server.clone(), url(&server, &name)));
        Self(Arc::new(TestDatabase { name, server }))
    }

    /// The value for `DATABASE_URL`; `None` for the embedded SQLite.
    pub fn url(&self) -> Option<&str> {
        self.0.server.as_ref().map(|(_, own)| own.as_str())
    }

    /// Replaces what the database or the SQLite file contains by the statements of a dump.
    pub async fn restore(&self, file: &Path, dump: &str) {
        let dump = sqlx::AssertSqlSafe(dump.to_owned());
        match self.url() {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
                sqlx::raw_sql(dump).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            None => {
                let _ = std::fs::remove_file(file);
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

fn new_name() -> String {
    format!("countersign_{}", hex::encode(platform::clock::Entropy::System.bytes::<8>()))
}

/// The URL of a database on this server.
fn url(server: &str, name: &str) -> String {
    format!("{}/{name}", server.trim_end_matches('/').trim_end_matches("/postgres"))
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
