//! Where a key comes from: a setting, or a file that the embedded default makes for itself at first start.

use std::{fs, io, io::Write, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{LEAST_BYTES, ServerKey};
use crate::{clock::Entropy, secret::Secret};

/// The key that a setting spells in base 64.
///
/// # Errors
/// What is wrong with it, in words for whoever configured it; never the value.
pub fn parse(text: &Secret) -> Result<ServerKey, String> {
    let bytes = STANDARD
        .decode(text.expose())
        .map_err(|_| "is not base 64; make one with: openssl rand -base64 32".to_owned())?;
    ServerKey::new(bytes)
}

/// The secret in `path`, made at random and kept there, readable by its owner alone, if there is none yet.
///
/// # Errors
/// What stood in the way, in words for whoever runs the program.
pub fn make_or_read(path: &Path, entropy: &Entropy) -> Result<Secret, String> {
    let cannot = |doing: &str, error: &io::Error| format!("can't {doing} {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| cannot("make the folder of", &error))?;
    }
    match open_new(path) {
        Ok(mut file) => {
            let text = STANDARD.encode(entropy.bytes::<LEAST_BYTES>());
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| cannot("write", &error))?;
            Ok(Secret::new(text))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = fs::read_to_string(path).map_err(|error| cannot("read", &error))?;
            Ok(Secret::new(text.trim()))
        }
        Err(error) => Err(cannot("make", &error)),
    }
}

fn open_new(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_start_reads_what_the_first_one_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/server.key");
        let made = make_or_read(&path, &Entropy::System).unwrap();
        let read = make_or_read(&path, &Entropy::System).unwrap();
        assert_eq!(made.expose(), read.expose());
        assert!(parse(&made).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn words_instead_of_base_64_are_refused_without_being_repeated() {
        let refusal = parse(&Secret::new("my pet's name")).unwrap_err();
        assert!(refusal.contains("base 64") && !refusal.contains("pet"));
    }
}
