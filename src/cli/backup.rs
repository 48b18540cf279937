//! `backup`: copies the embedded database while the server runs.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use platform::config::{self, DatabaseLocation};
use store::{BackupError, backup_sqlite};

/// Copies the database into `file`, readable only by its owner. The copy is written to a temporary file in the same
/// folder, synced, and linked to its name last, so that a file with that name is always complete.
///
/// # Errors
/// An error message for the operator.
pub async fn back_up(settings: &config::Store, file: &Path) -> Result<(), String> {
    let database = match &settings.place {
        DatabaseLocation::Sqlite { file } => file,
        DatabaseLocation::Postgres { .. } => {
            return Err("DATABASE_URL is a PostgreSQL server: back it up with pg_dump, or by WAL archiving".into());
        }
    };
    if !database.exists() {
        return Err(super::no_database(database));
    }
    if file.symlink_metadata().is_ok() {
        return Err(exists(file));
    }
    let partial = temporary_path(file)?;
    let made = make(database, &partial, file).await;
    // Removes the temporary name, after success and failure alike.
    let _ = fs::remove_file(&partial);
    let bytes = made?;
    print_line!("Copied {bytes} bytes to {}.", file.display());
    print_line!("The keys in {} are not included: back them up too, separately.", settings.data_dir.display());
    Ok(())
}

async fn make(database: &Path, partial: &Path, file: &Path) -> Result<u64, String> {
    let cannot = |error: io::Error| format!("can't write {}: {error}", file.display());
    // SQLite writes into an existing empty file; created here, it is never readable by other users.
    let empty = OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial).map_err(cannot)?;
    backup_sqlite(database, partial).await.map_err(|reason| match reason {
        BackupError::Failed(fault) => format!("can't copy {}: {}", database.display(), fault.operator_message()),
        BackupError::Broken(problems) => format!("the copy of {} is corrupt: {problems}", database.display()),
    })?;
    empty.sync_all().map_err(cannot)?;
    let bytes = empty.metadata().map_err(cannot)?.len();
    // Unlike a rename, a link never replaces a file that was created meanwhile.
    fs::hard_link(partial, file).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(file),
        _ => cannot(error),
    })?;
    File::open(folder(file)).and_then(|folder| folder.sync_all()).map_err(cannot)?;
    Ok(bytes)
}

fn exists(file: &Path) -> String {
    format!("{} exists already, and is not overwritten", file.display())
}

/// A temporary name in the same folder, unique to this process.
fn temporary_path(file: &Path) -> Result<PathBuf, String> {
    let name = file.file_name().ok_or_else(|| format!("{} is not a file name", file.display()))?;
    let mut partial = name.to_os_string();
    partial.push(format!(".{}.partial", std::process::id()));
    Ok(file.with_file_name(partial))
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
