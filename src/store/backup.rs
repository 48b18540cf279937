//! A copy of the embedded database, made while others read and write it.

use std::path::Path;

use sqlx::{
    ConnectOptions as _, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use crate::fault::Fault;

/// Why there is no copy.
#[derive(Clone, Debug)]
pub enum NoCopy {
    /// The database can't be read, or the copy not be written: the disk may be full.
    Failed(Fault),
    /// What was written does not read as a whole database.
    Broken(String),
}

/// Copies the database in `file` into `copy`, which is empty or not there, as it stood at one instant, and reads the
/// copy through. Readers and the writer of the original wait for nothing meanwhile (WAL).
///
/// # Errors
/// Why there is no good copy; what stands in `copy` then is worth nothing.
pub async fn copy_embedded(file: &Path, copy: &Path) -> Result<(), NoCopy> {
    let failed = |error: sqlx::Error| NoCopy::Failed(Fault::internal(error.to_string()));
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(false).disable_statement_logging();
    let mut original = options.connect().await.map_err(failed)?;
    // Never a path in the statement's text: it may hold anything.
    let copied = sqlx::query("VACUUM INTO ?").bind(copy.to_string_lossy().into_owned()).execute(&mut original).await;
    // What is left open is closed with the program.
    let _ = original.close().await;
    copied.map_err(failed)?;
    match examine(copy).await.map_err(failed)?.as_str() {
        "ok" => Ok(()),
        wrong => Err(NoCopy::Broken(wrong.to_owned())),
    }
}

/// What SQLite says of the whole file; `ok` where nothing is wrong.
async fn examine(copy: &Path) -> Result<String, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(copy)
        .read_only(true)
        .journal_mode(SqliteJournalMode::Delete)
        .disable_statement_logging();
    let mut connection: SqliteConnection = options.connect().await?;
    let said = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await;
    let _ = connection.close().await;
    said
}
