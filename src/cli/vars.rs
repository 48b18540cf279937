//! Reads the variables of the environment, and from `.env` those that the environment does not set.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use crate::app;
use platform::{config::dotenv, keys::file::permission_warning};

const FILE: &str = ".env";

/// The variables and their source.
pub struct Variables {
    pub vars: BTreeMap<String, String>,
    pub source: Source,
}

/// The sources of variables other than the environment.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// `.env` in the folder that the program was started in.
    file: Option<PathBuf>,
    /// `.env` in a parent folder, if there is none in this folder. It is not read, since it may belong to another
    /// program.
    ignored: Option<PathBuf>,
    /// The file, if it contains secrets and other users can read it.
    exposed: Option<Exposed>,
    /// Warnings about names that the file sets more than once.
    repeated: Vec<String>,
}

/// A file with secrets that other users can read.
#[derive(Clone, Debug)]
pub struct Exposed {
    /// A description of the file and its mode.
    pub what: String,
    /// Whether this process could change the mode: not if the file is mounted read-only or belongs to another user.
    pub is_ours: bool,
}

impl Source {
    /// The file, if it contains secrets and other users can read it.
    pub fn exposed(&self) -> Option<&Exposed> {
        self.exposed.as_ref()
    }

    /// Warnings about names that `.env` sets more than once.
    pub fn repeated(&self) -> impl Iterator<Item = String> {
        self.repeated.iter().map(|what| format!("{FILE}: {what}"))
    }

    /// A sentence about the source, for log lines and errors.
    pub fn description(&self) -> String {
        match &self.file {
            Some(file) => format!("settings are read from the environment and from {}", file.display()),
            None => "settings are read from the environment; there is no .env in this folder".to_owned(),
        }
    }

    /// A warning about a `.env` that is not read although that may be expected.
    pub fn warning(&self) -> Option<String> {
        self.ignored.as_ref().map(|file| {
            format!("{} is not read: start the program in that folder, or copy the file to this one", file.display())
        })
    }
}

/// Reads the variables.
///
/// # Errors
/// `.env` exists and can't be read, or the value of a setting is not UTF-8.
pub fn read() -> Result<Variables, String> {
    let folder = std::env::current_dir().map_err(|error| format!("can't determine the current folder: {error}"))?;
    let mut vars = BTreeMap::new();
    let source = match read_file(&folder.join(FILE))? {
        Some(Contents { vars: found, repeated }) => {
            vars.extend(found);
            let file = folder.join(FILE);
            Source { exposed: exposed(&file, &vars), file: Some(file), ignored: None, repeated }
        }
        None => {
            let above = folder.ancestors().skip(1).map(|above| above.join(FILE));
            Source { ignored: above.into_iter().find(|file| file.is_file()), ..Source::default() }
        }
    };
    vars.extend(checked(std::env::vars_os())?);
    Ok(Variables { vars, source })
}

/// The content of a file.
struct Contents {
    vars: Vec<(String, String)>,
    /// Warnings about names that it sets more than once.
    repeated: Vec<String>,
}

/// The content of a file. `None`: the file does not exist.
fn read_file(path: &Path) -> Result<Option<Contents>, String> {
    match std::fs::read(path) {
        Ok(bytes) => match dotenv::parse(&bytes) {
            Ok(vars) => Ok(Some(Contents { vars, repeated: dotenv::repeated(&bytes) })),
            Err(bad) => Err(format!("{}, {bad}", path.display())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("can't read {}: {error}", path.display())),
    }
}

fn exposed(file: &Path, vars: &BTreeMap<String, String>) -> Option<Exposed> {
    let secrets: BTreeSet<_> = app::settings().filter(|setting| setting.secret).map(|setting| setting.name).collect();
    let holds_secrets = vars.iter().any(|(name, value)| secrets.contains(name.as_str()) && !value.trim().is_empty());
    let what = permission_warning(file).filter(|_| holds_secrets)?;
    let is_ours = std::fs::OpenOptions::new().append(true).open(file).is_ok();
    Some(Exposed { what: format!("{what} and contains secrets"), is_ours })
}

/// The variables of the environment. Only settings must be UTF-8; other variables are skipped if they are not.
fn checked(vars: impl Iterator<Item = (OsString, OsString)>) -> Result<BTreeMap<String, String>, String> {
    let settings: BTreeSet<_> = app::settings().map(|setting| setting.name).collect();
    let mut checked = BTreeMap::new();
    for (name, value) in vars {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => {
                checked.insert(name, value);
            }
            Err(_) if settings.contains(name.strip_suffix("_FILE").unwrap_or(&name)) => {
                return Err(format!("{name}: its value is not UTF-8"));
            }
            Err(_) => {}
        }
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn read_one(name: &str, value: &[u8]) -> Result<BTreeMap<String, String>, String> {
        checked([(OsString::from(name), OsString::from_vec(value.to_vec()))].into_iter())
    }

    #[test]
    fn non_utf_8_setting_is_refused_by_name() {
        for name in ["ENVIRONMENT", "SERVER_KEY", "SERVER_KEY_FILE", "TWILIO_AUTH_TOKEN"] {
            let error = read_one(name, b"production\xff").unwrap_err();
            assert!(error.starts_with(&format!("{name}: ")) && !error.contains("production"), "{error}");
        }
        assert!(read_one("LS_COLORS", b"\xff").unwrap().is_empty());
        assert_eq!(read_one("ENVIRONMENT", b"production").unwrap()["ENVIRONMENT"], "production");
    }
}
