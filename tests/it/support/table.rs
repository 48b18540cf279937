//! Counts and dumps of tables, for what no response shows.

use sqlx::{Connection, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::TestApp;

impl TestApp {
    /// The number of rows of a table.
    pub async fn row_count(&self, table: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        match self.vars().get("DATABASE_URL") {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
            }
            None => {
                let file = format!("{}/countersign.db", self.vars()["DATA_DIR"]);
                let options = SqliteConnectOptions::new().filename(file).read_only(true);
                let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
            }
        }
    }

    /// All rows of a table as text, one line per row, as an attacker with a copy of the database would read them.
    pub async fn dump(&self, table: &str) -> String {
        match self.vars().get("DATABASE_URL") {
            Some(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let query = sqlx::AssertSqlSafe(format!("SELECT row_to_json(t)::text FROM {table} t"));
                let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
                rows.join("\n")
            }
            None => {
                let file = format!("{}/countersign.db", self.vars()["DATA_DIR"]);
                let mut connection =
                    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
                let columns: Vec<String> =
                    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')")))
                        .fetch_all(&mut connection)
                        .await
                        .unwrap();
                let all = columns.iter().map(|c| format!("coalesce({c}, '')")).collect::<Vec<_>>().join(" || ' ' || ");
                let query = sqlx::AssertSqlSafe(format!("SELECT {all} FROM {table}"));
                let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
                rows.join("\n")
            }
        }
    }
}
