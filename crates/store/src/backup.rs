//! A copy of the embedded database, made while it is in use.

use std::path::Path;

use sqlx::{
    ConnectOptions as _, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use platform::fault::Fault;

/// The reason why there is no copy.
#[derive(Clone, Debug)]
pub enum BackupError {
    /// The database can't be read, or the copy can't be written: the disk may be full.
    Failed(Fault),
    /// The copy is not an intact database.
    Broken(String),
}

/// Copies the database in `file` to `copy`, which must be empty or absent, as of one point in time, and checks the
/// copy. Readers and the writer of the original are not blocked (WAL).
///
/// # Errors
/// The reason why there is no valid copy; the content of `copy` is then unusable.
pub async fn backup_sqlite(file: &Path, copy: &Path) -> Result<(), BackupError> {
    let failed = |error: sqlx::Error| BackupError::Failed(Fault::internal(error.to_string()));
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(false).disable_statement_logging();
    let mut original = options.connect().await.map_err(failed)?;
    // The path is bound as a parameter, since it may contain any character.
    let copied = sqlx::query("VACUUM INTO ?").bind(copy.to_string_lossy().into_owned()).execute(&mut original).await;
    // A connection that can't be closed ends with the process.
    let _ = original.close().await;
    copied.map_err(failed)?;
    match examine(copy).await.map_err(failed)?.as_str() {
        "ok" => Ok(()),
        wrong => Err(BackupError::Broken(wrong.to_owned())),
    }
}

/// The result of SQLite's integrity check; `ok` if nothing is wrong.
async fn examine(copy: &Path) -> Result<String, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(copy)
        .read_only(true)
        .journal_mode(SqliteJournalMode::Delete)
        .disable_statement_logging();
    let mut connection: SqliteConnection = options.connect().await?;
    let result = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await;
    let _ = connection.close().await;
    result
}
