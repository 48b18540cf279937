//! Key files: what the embedded default makes for itself at first start.
//!
//! A file is complete as soon as it has its name: it is written under a temporary name, synced, and linked into place
//! without replacing anything, so that a crash leaves no half of a key and two first starts at once agree on one.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{clock::Entropy, secret::Secret};

/// Bytes. A larger file is not a key file.
const LONGEST: u64 = 64 * 1024;

/// Checks what a file holds, as it would be checked in a setting.
pub type Check = fn(&Secret) -> Result<(), String>;

/// The key in `path`; none: there is no such file. Changes nothing.
///
/// # Errors
/// What is wrong with the file, with its path and how to recover; never its content.
pub fn read(path: &Path, check: Check) -> Result<Option<Secret>, String> {
    let text = match read_text(path) {
        Ok(text) => text,
        // A link to a file that is gone is a fault of the operator's, not a first start.
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => return Ok(None),
        Err(error) => return Err(format!("{}: can't be read: {error}", path.display())),
    };
    let secret = Secret::new(without_bom(&text).trim());
    let wrong = if secret.expose().is_empty() { Err("is empty".to_owned()) } else { check(&secret) };
    wrong.map_err(|why| format!("{}: the key {why}. {}", path.display(), recovery(path)))?;
    Ok(Some(secret))
}

/// The lines of a file; none: there is no such file.
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

/// What the name of a key's file ends with that is not used yet.
pub const NEXT: &str = "next";

const RECOVERY_OF_NEXT: &str = "Restore the file from a backup; or delete it: nothing is made with this key yet, and \
                                countersign keys rotate makes another one";
const RECOVERY: &str = "Restore the file from a backup; or delete it and start again, and a new key is made (what was \
                        signed or derived with the old one is refused from then on)";

/// The key in `path`. If there is none, `made` is kept there, readable by its owner alone.
///
/// # Errors
/// What stood in the way, in words for the operator.
pub fn make_or_read(path: &Path, check: Check, made: &Secret, entropy: &Entropy) -> Result<Secret, String> {
    if let Some(found) = read(path, check)? {
        return Ok(found);
    }
    let cannot = |error: io::Error| format!("{}: can't be made: {error}", path.display());
    match create(path, made.expose(), entropy) {
        Ok(()) => Ok(made.clone()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Another process was faster: its key is the one.
            read(path, check)?.ok_or_else(|| format!("{}: was there and is gone: start again", path.display()))
        }
        Err(error) => Err(cannot(error)),
    }
}

/// Writes a file that must not exist yet: complete and private from the moment that it has its name.
///
/// # Errors
/// The file exists, or can't be written; then nothing is left behind.
pub fn create(path: &Path, text: &str, entropy: &Entropy) -> io::Result<()> {
    let folder = folder(path);
    fs::create_dir_all(folder)?;
    let temporary = write_beside(path, text, entropy)?;
    let linked = fs::hard_link(&temporary, path).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Err(error),
        // Some network file systems have no links.
        _ => create_directly(path, text),
    });
    let _ = fs::remove_file(&temporary);
    linked?;
    sync(folder)
}

/// Writes a file in place of the one that may be there: at any moment one of the two is there, complete.
///
/// # Errors
/// It can't be written; then the old one is still there.
pub fn replace(path: &Path, text: &str, entropy: &Entropy) -> io::Result<()> {
    let temporary = write_beside(path, text, entropy)?;
    if let Err(error) = fs::rename(&temporary, path) {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync(folder(path))
}

/// Waits until no other process changes the key files of a folder; none does until the lock is dropped.
///
/// # Errors
/// The folder can't be opened, or its file system has no locks.
pub fn lock(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

/// The same for a process that only reads: others may read as well. None: the folder is not there yet, or its file system
/// has no locks.
pub fn lock_shared(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock_shared().ok().map(|()| folder)
}

/// Waits until the names in a folder are on the disk.
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

/// A byte order mark is a trace of the editor, never part of a secret.
pub fn without_bom(text: &str) -> &str {
    text.trim_start_matches('\u{feff}')
}

/// The permissions of a file that others can read; none: only its owner can.
pub fn loose_mode(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| format!("{} can be read by other users (mode {mode:04o})", path.display()))
}

/// Makes a file that others can read private, if the file system allows it, and says so; none: only its owner can read
/// it.
pub fn make_private(path: &Path) -> Option<String> {
    loose_mode(path).map(|warning| repaired(path, &warning))
}

fn repaired(path: &Path, warning: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    match fs::set_permissions(path, fs::Permissions::from_mode(0o600)) {
        Ok(()) => format!("{warning}: set to 0600. If others may have read it, replace it: countersign keys rotate"),
        Err(error) => format!("{warning}, and that can't be changed ({error}): chmod 600 it where it comes from"),
    }
}

fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    // Opening a named pipe would wait for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = Zeroizing::new(String::new());
    File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(io::Error::other("it is larger than 64 KiB"));
    }
    Ok(text)
}

/// A new file in the same folder, under a name that no other process uses, synced.
fn write_beside(path: &Path, text: &str, entropy: &Entropy) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?.to_string_lossy();
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
