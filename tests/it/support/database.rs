//! A database for each test: a file of its own, or, where `COUNTERSIGN_TEST_DATABASE_URL` names a server, a database on
//! it that goes with the test.

use std::{path::Path, sync::Arc};

use sqlx::{ConnectOptions, Connection, Executor, PgConnection, sqlite::SqliteConnectOptions};

/// One test's database. The last handle to it drops it.
pub struct Database(Arc<Inner>);

struct Inner {
    name: String,
    /// The server that it is on, and its own URL.
    server: Option<(String, String)>,
}

impl Database {
    pub async fn make() -> Self {
        let name = format!("countersign_{}", hex::encode(countersign::clock::Entropy::System.bytes::<8>()));
        let server = match super::given("COUNTERSIGN_TEST_DATABASE_URL") {
            None => None,
            Some(server) => {
                let mut connection = PgConnection::connect(&server).await.unwrap();
                connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
                let own = format!("{}/{name}", server.trim_end_matches('/').trim_end_matches("/postgres"));
                Some((server, own))
            }
        };
        Self(Arc::new(Inner { name, server }))
    }

    /// The URL for `DATABASE_URL`; none: the embedded default.
    pub fn url(&self) -> Option<&str> {
        self.0.server.as_ref().map(|(_, own)| own.as_str())
    }

    /// Runs the statements of a dump: on the server, or in the file of the embedded default.
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

    /// Another handle to the same one.
    pub fn borrowed(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Some((server, _)) = self.server.take() else { return };
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A test's runtime can't be waited on while it is being dropped.
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
