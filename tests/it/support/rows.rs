//! A look into the database, for what the API shows to nobody.

use sqlx::{Connection, Row};

use super::TestApp;

impl TestApp {
    /// The first column of a query, as text.
    pub async fn column(&self, query: &'static str) -> Vec<String> {
        column(self.database.url(), &self.vars["DATA_DIR"], query).await
    }
}

/// The first column of a query, as text, of the database that this URL names, or else of the one in the data folder.
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
