//! Reading secrets from files, and checking their permissions.
//!
//! Docker mounts secrets with mode 0444 and Kubernetes with 0644, on a file system that is read-only or in memory, and
//! often owned by another user. The program can't change that, and in a container with one program no other user reads
//! them: this is a warning. A world-readable file on an ordinary file system that this user owns is an oversight that a
//! `chmod` corrects: this is an error.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use zeroize::Zeroizing;

use super::env::trimmed;

/// Maximum size of a secret in bytes; also protects from reading an endless device.
const MAX_BYTES: u64 = 256 * 1024;

/// A secret read from a file.
pub struct SecretFile {
    pub text: Zeroizing<String>,
    /// A warning for the operator about the file.
    pub warning: Option<String>,
}

/// Reads a secret, without surrounding white space and byte order mark.
///
/// # Errors
/// An error message for the operator, never with the content of the file.
pub fn read(path: &Path) -> Result<SecretFile, String> {
    let warning = exposure(path)?;
    let mut text = Zeroizing::new(String::new());
    let cannot = |error: std::io::Error| match error.kind() {
        ErrorKind::InvalidData => format!("{} is not UTF-8: save it as UTF-8", path.display()),
        _ => format!("can't read {}: {error}", path.display()),
    };
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text)).map_err(cannot)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("{} is too large for a secret", path.display()));
    }
    match trimmed(&text) {
        "" => Err(format!("{} is empty", path.display())),
        secret => Ok(SecretFile { text: Zeroizing::new(secret.to_owned()), warning }),
    }
}

/// Checks whether other users can read a file with a secret. Returns a warning if they can and this process can't
/// change that.
///
/// # Errors
/// Other users can read it, and this process could change that.
pub fn exposure(path: &Path) -> Result<Option<String>, String> {
    // A file without accessible metadata can't be read either; `read` reports that error.
    let Ok(about) = std::fs::metadata(path) else { return Ok(None) };
    let mode = about.mode() & 0o777;
    if !about.is_file() || mode & 0o007 == 0 {
        return Ok(None);
    }
    let what = format!("{} can be read by every user (mode {mode:04o})", path.display());
    let is_own_file = about.uid() == rustix::process::geteuid().as_raw();
    if is_own_file && !is_secret_mount(path) {
        return Err(format!("{what}: run chmod o-rwx on it"));
    }
    Ok(Some(format!(
        "{what}: if other users have access to this system, mount it with mode 0400 and this user as owner"
    )))
}

/// Whether the file system is read-only or in memory, as those on which orchestrators mount secrets.
fn is_secret_mount(path: &Path) -> bool {
    let is_read_only =
        rustix::fs::statvfs(path).is_ok_and(|about| about.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
    is_read_only || is_in_memory(path)
}

#[cfg(target_os = "linux")]
fn is_in_memory(path: &Path) -> bool {
    /// Magic numbers of tmpfs and ramfs (statfs(2)).
    const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];
    rustix::fs::statfs(path)
        .is_ok_and(|about| IN_MEMORY.iter().any(|magic| i128::from(about.f_type) == i128::from(*magic)))
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Creates a secret file with this mode in this folder.
    fn file(folder: &Path, mode: u32) -> std::path::PathBuf {
        let path = folder.join(format!("secret{mode:o}"));
        std::fs::write(&path, "\u{feff}a secret\r\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn own_world_readable_file_is_refused() {
        // Not the default temporary folder, which may be in memory.
        let folder = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
        for mode in [0o400, 0o600, 0o640] {
            let SecretFile { text, warning } = read(&file(folder.path(), mode)).ok().unwrap();
            assert_eq!((text.as_str(), warning), ("a secret", None), "{mode:o}");
        }
        for mode in [0o444, 0o644, 0o604] {
            let reason = read(&file(folder.path(), mode)).err().unwrap();
            assert!(reason.contains("chmod") && reason.contains(&format!("{mode:04o}")), "{reason}");
        }
    }

    #[test]
    fn world_readable_file_in_memory_is_a_warning() {
        let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return };
        if is_in_memory(folder.path()) {
            let warning = read(&file(folder.path(), 0o444)).ok().unwrap().warning.unwrap();
            assert!(warning.contains("0444") && !warning.contains("a secret"), "{warning}");
            assert_eq!(read(&file(folder.path(), 0o400)).ok().unwrap().warning, None);
        }
    }

    #[test]
    fn world_readable_file_of_another_user_is_a_warning() {
        // The file is owned by root; if the tests run as root, nothing can be tested.
        let path = Path::new("/etc/passwd");
        if std::fs::metadata(path).is_ok_and(|about| about.uid() != rustix::process::geteuid().as_raw()) {
            assert!(exposure(path).unwrap().is_some());
        }
    }

    #[test]
    fn endless_device_is_refused() {
        let reason = read(Path::new("/dev/zero")).err().unwrap();
        assert!(reason.contains("too large for a secret"), "{reason}");
    }
}
