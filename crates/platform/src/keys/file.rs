//! Key files, which are generated at first start with the embedded database.
//!
//! A file is written under a temporary name, synced, and linked to its final name without replacing anything. So a
//! crash never leaves a partial key, and two concurrent first starts use the same key.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{clock::Entropy, secret::Secret};

/// Bytes. A larger file is not a key file.
const MAX_BYTES: u64 = 64 * 1024;

/// Checks the content of a file like the value of a setting.
pub type Check = fn(&Secret) -> Result<(), String>;

/// The key in `path`. `None`: the file does not exist. Changes nothing.
///
/// # Errors
/// A message with the path and how to recover, never with the content.
pub fn read(path: &Path, check: Check) -> Result<Option<Secret>, String> {
    let text = match read_text(path) {
        Ok(text) => text,
        // A dangling link is a mistake of the operator, not a first start.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => return Ok(None),
        Err(error) => return Err(format!("{}: can't be read: {error}", path.display())),
    };
    let secret = Secret::new(without_bom(&text).trim());
    let wrong = if secret.expose().is_empty() { Err("is empty".to_owned()) } else { check(&secret) };
    wrong.map_err(|reason| format!("{}: the key {reason}. {}", path.display(), recovery(path)))?;
    Ok(Some(secret))
}

/// The text of a file. `None`: the file does not exist.
///
/// # Errors
/// It can't be read.
pub fn read_lines(path: &Path) -> Result<Option<Zeroizing<String>>, String> {
    match read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => Ok(None),
        Err(error) => Err(format!("{}: can't be read: {error}", path.display())),
    }
}

fn recovery(path: &Path) -> &'static str {
    if path.extension().is_some_and(|extension| extension == NEXT) { RECOVERY_OF_NEXT } else { RECOVERY }
}

/// The file extension of the next key, which is not used yet.
pub const NEXT: &str = "next";

const RECOVERY_OF_NEXT: &str = "Restore the file from a backup; or delete it: this key has not been used yet, and \
                                countersign keys rotate generates another one";
const RECOVERY: &str = "Restore the file from a backup; or delete it and start again to generate a new key (everything \
                        that was signed or derived with the old one becomes invalid)";

/// The key in `path`. If the file does not exist, it is created with the key `made`, readable only by its owner.
///
/// # Errors
/// An error message for the operator.
pub fn read_or_create(path: &Path, check: Check, generated: &Secret, entropy: &Entropy) -> Result<Secret, String> {
    if let Some(found) = read(path, check)? {
        return Ok(found);
    }
    let cannot = |error: io::Error| format!("{}: can't be created: {error}", path.display());
    match create(path, generated.expose(), entropy) {
        Ok(()) => Ok(generated.clone()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Another process created the file first: its key is used.
            read(path, check)?.ok_or_else(|| format!("{}: was deleted while it was read: start again", path.display()))
        }
        Err(error) => Err(cannot(error)),
    }
}

/// Creates a file that must not exist yet. It is complete and private as soon as it is visible under its name.
///
/// # Errors
/// The file exists, or can't be written; then no partial file remains.
pub fn create(path: &Path, text: &str, entropy: &Entropy) -> io::Result<()> {
    let folder = folder(path);
    fs::create_dir_all(folder)?;
    let temporary = write_temporary(path, text, entropy)?;
    let linked = fs::hard_link(&temporary, path).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Err(error),
        // Some network file systems don't support hard links.
        _ => create_directly(path, text),
    });
    let _ = fs::remove_file(&temporary);
    linked?;
    sync(folder)
}

/// Replaces a file atomically: at any moment either the old or the new one is visible, complete.
///
/// # Errors
/// The file can't be written; then the old one is unchanged.
pub fn replace(path: &Path, text: &str, entropy: &Entropy) -> io::Result<()> {
    let temporary = write_temporary(path, text, entropy)?;
    if let Err(error) = fs::rename(&temporary, path) {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync(folder(path))
}

/// Takes the exclusive lock for changes of the key files of a folder. Blocks until it is available.
///
/// # Errors
/// The folder can't be opened, or its file system has no locks.
pub fn lock(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

/// Takes a shared lock for reading. `None`: the folder does not exist yet, or its file system has no locks.
pub fn lock_shared(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock_shared().ok().map(|()| folder)
}

/// Syncs the entries of a folder to the disk.
///
/// # Errors
/// The folder can't be opened or synced.
pub fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder of a file.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes a byte order mark, which some editors write and which is never part of a secret.
pub fn without_bom(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}

/// A warning about the permissions of a file that other users can read. `None`: only its owner can read it.
pub fn permission_warning(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| format!("{} can be read by other users (mode {mode:04o})", path.display()))
}

/// Restricts the permissions of a file that other users can read, if the file system allows it, and returns a warning.
/// `None`: only its owner can read it.
pub fn restrict_permissions(path: &Path) -> Option<String> {
    permission_warning(path).map(|warning| repaired(path, &warning))
}

fn repaired(path: &Path, warning: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    match fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
        Ok(()) => {
            format!("{warning}: set to 0600. If other users may have read it, replace the key: countersign keys rotate")
        }
        Err(error) => format!("{warning}, and that can't be changed ({error}): run chmod 600 on the original file"),
    }
}

fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    // Opening a named pipe would wait for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = Zeroizing::new(String::new());
    File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is larger than 64 KiB"));
    }
    Ok(text)
}

/// Writes a new file in the same folder under a random temporary name, and syncs it.
fn write_temporary(path: &Path, text: &str, entropy: &Entropy) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it is not a file name"))?.to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", hex::encode(entropy.bytes::<8>())));
    create_directly(&temporary, text)?;
    Ok(temporary)
}

fn create_directly(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
