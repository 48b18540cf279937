//! Files that hold a secret: reading them, and what is done where other users can read them too.
//!
//! Docker mounts secrets with mode 0444 and Kubernetes with 0644, on a file system that is read-only or in memory, and
//! often owned by another user. The program can't change that, and in a container of one program no other user reads it:
//! a warning. A file on an ordinary file system that this user owns is an oversight, which a `chmod` ends: refused.

use std::{
    fs::File,
    io::{ErrorKind, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use zeroize::Zeroizing;

use super::env::trimmed;

/// No secret is longer; a device that never ends is none.
const LONGEST: u64 = 256 * 1024;

/// A secret as its file has it.
pub struct SecretFile {
    pub text: Zeroizing<String>,
    /// What an operator should know of the file.
    pub warning: Option<String>,
}

/// Reads a secret, without white space and a byte order mark around it.
///
/// # Errors
/// What is wrong with the file, in words for the operator; never its content.
pub fn read(path: &Path) -> Result<SecretFile, String> {
    let warning = exposure(path)?;
    let mut text = Zeroizing::new(String::new());
    let cannot = |error: std::io::Error| match error.kind() {
        ErrorKind::InvalidData => format!("{} is not text in UTF-8: save it as such", path.display()),
        _ => format!("can't read {}: {error}", path.display()),
    };
    File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text)).map_err(cannot)?;
    if text.len() as u64 > LONGEST {
        return Err(format!("{} is longer than any secret", path.display()));
    }
    match trimmed(&text) {
        "" => Err(format!("{} is empty", path.display())),
        secret => Ok(SecretFile { text: Zeroizing::new(secret.to_owned()), warning }),
    }
}

/// Whether other users can read a file with a secret: a warning where this process can't change that.
///
/// # Errors
/// They can, and it can.
pub fn exposure(path: &Path) -> Result<Option<String>, String> {
    // What can't be looked at can't be read either, which is said there.
    let Ok(about) = std::fs::metadata(path) else { return Ok(None) };
    let mode = about.mode() & 0o777;
    if !about.is_file() || mode & 0o007 == 0 {
        return Ok(None);
    }
    let what = format!("{} can be read by every user (mode {mode:04o})", path.display());
    let is_ours = about.uid() == rustix::process::geteuid().as_raw();
    if is_ours && !is_mounted_for_us(path) {
        return Err(format!("{what}: chmod o-rwx it"));
    }
    Ok(Some(format!(
        "{what}: where others run programs beside this one, mount it with mode 0400 and this user as owner"
    )))
}

/// Whether the file system is read-only, or in memory: what an orchestrator mounts secrets on.
fn is_mounted_for_us(path: &Path) -> bool {
    let is_read_only =
        rustix::fs::statvfs(path).is_ok_and(|about| about.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
    is_read_only || is_in_memory(path)
}

#[cfg(target_os = "linux")]
fn is_in_memory(path: &Path) -> bool {
    /// Of tmpfs and ramfs (statfs(2)).
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

    /// A file in this folder with this mode.
    fn file(folder: &Path, mode: u32) -> std::path::PathBuf {
        let path = folder.join(format!("secret{mode:o}"));
        std::fs::write(&path, "\u{feff}a secret\r\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_file_of_ours_that_everybody_can_read_is_refused() {
        // Not the folder for temporary files: that may be in memory.
        let folder = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
        for mode in [0o400, 0o600, 0o640] {
            let SecretFile { text, warning } = read(&file(folder.path(), mode)).ok().unwrap();
            assert_eq!((text.as_str(), warning), ("a secret", None), "{mode:o}");
        }
        for mode in [0o444, 0o644, 0o604] {
            let why = read(&file(folder.path(), mode)).err().unwrap();
            assert!(why.contains("chmod") && why.contains(&format!("{mode:04o}")), "{why}");
        }
    }

    #[test]
    fn on_a_file_system_in_memory_it_is_a_warning() {
        let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return };
        if is_in_memory(folder.path()) {
            let warning = read(&file(folder.path(), 0o444)).ok().unwrap().warning.unwrap();
            assert!(warning.contains("0444") && !warning.contains("a secret"), "{warning}");
            assert_eq!(read(&file(folder.path(), 0o400)).ok().unwrap().warning, None);
        }
    }

    #[test]
    fn what_another_user_owns_is_a_warning() {
        // Owned by root, and the tests may run as root: then there is nothing to see.
        let path = Path::new("/etc/passwd");
        if std::fs::metadata(path).is_ok_and(|about| about.uid() != rustix::process::geteuid().as_raw()) {
            assert!(exposure(path).unwrap().is_some());
        }
    }

    #[test]
    fn what_never_ends_is_no_secret() {
        let why = read(Path::new("/dev/zero")).err().unwrap();
        assert!(why.contains("longer than any secret"), "{why}");
    }
}
