//! A look into the database, for what the API shows to nobody.

use sqlx::{Connection, Row};

use super::TestApp;

impl TestApp {
    /// The first column of a query, as text.
    pub async fn column(&self, query: &'static str) -> Vec<String> {
        match self.database.url() {
            Some(url) => {
                let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
                let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
            None => {
                let file = format!("sqlite://{}/countersign.db", self.vars["DATA_DIR"]);
                let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
                let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }
}
