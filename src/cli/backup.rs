//! `backup`: a copy of the embedded database, while the program serves.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crate::store::{NoCopy, copy_embedded};
use platform::config::{self, Place};

/// Copies the database into `file`, readable by its owner alone. The copy is made beside its place under another name,
/// reaches the disk, and takes its name last: what has the name is whole.
///
/// # Errors
/// Why there is no copy, for the operator.
pub async fn back_up(settings: &config::Store, file: &Path) -> Result<(), String> {
    let database = match &settings.place {
        Place::Sqlite { file } => file,
        Place::Postgres { .. } => {
            return Err(
                "DATABASE_URL names a PostgreSQL server: back it up with pg_dump, or by archiving its log".into()
            );
        }
    };
    if !database.exists() {
        return Err(format!("there is no database in {} yet", database.display()));
    }
    if file.symlink_metadata().is_ok() {
        return Err(exists(file));
    }
    let partial = beside(file)?;
    let made = make(database, &partial, file).await;
    // Without it where it has its name by now; what failed leaves nothing behind.
    let _ = fs::remove_file(&partial);
    let bytes = made?;
    say!("Copied {bytes} bytes to {}.", file.display());
    say!("The keys in {} are not in it: keep them too, and apart from it.", settings.data_dir.display());
    Ok(())
}

async fn make(database: &Path, partial: &Path, file: &Path) -> Result<u64, String> {
    let cannot = |error: io::Error| format!("can't write {}: {error}", file.display());
    // SQLite fills an empty file; made here, it is never readable by others.
    let empty = OpenOptions::new().write(true).create_new(true).mode(0o600).open(partial).map_err(cannot)?;
    copy_embedded(database, partial).await.map_err(|why| match why {
        NoCopy::Failed(fault) => format!("can't copy {}: {}", database.display(), fault.words()),
        NoCopy::Broken(wrong) => format!("the copy of {} does not read: {wrong}", database.display()),
    })?;
    empty.sync_all().map_err(cannot)?;
    let bytes = empty.metadata().map_err(cannot)?.len();
    // Unlike a rename, a link never takes the place of what has come there meanwhile.
    fs::hard_link(partial, file).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(file),
        _ => cannot(error),
    })?;
    File::open(folder(file)).and_then(|folder| folder.sync_all()).map_err(cannot)?;
    Ok(bytes)
}

fn exists(file: &Path) -> String {
    format!("{} is there already, and is not overwritten", file.display())
}

/// A name of this process's own in the same folder.
fn beside(file: &Path) -> Result<PathBuf, String> {
    let name = file.file_name().ok_or_else(|| format!("{} names no file", file.display()))?;
    let mut partial = name.to_os_string();
    partial.push(format!(".{}.partial", std::process::id()));
    Ok(file.with_file_name(partial))
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
