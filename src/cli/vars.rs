//! The variables that the program was started with: the environment's, and those of `.env` that it does not have.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use crate::app;
use platform::{config::dotenv, keys::file::loose_mode};

const FILE: &str = ".env";

/// The variables, and where they come from.
pub struct Started {
    pub vars: BTreeMap<String, String>,
    pub source: Source,
}

/// Which files there are beside the environment.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// `.env` in the folder that the program was started in.
    file: Option<PathBuf>,
    /// `.env` in a folder above it, where there is none here. It is not read: it may be another program's.
    passed_over: Option<PathBuf>,
    /// The file, where it holds secrets and others can read it.
    exposed: Option<Exposed>,
    /// Names that the file gives more than once, in words.
    repeated: Vec<String>,
}

/// A file with secrets that other users can read.
#[derive(Clone, Debug)]
pub struct Exposed {
    /// The file and its mode, in words.
    pub what: String,
    /// Whether this process could change that: not where it is mounted read-only, or belongs to somebody else.
    pub is_ours: bool,
}

impl Source {
    /// The file with secrets that others can read, if it is one.
    pub fn exposed(&self) -> Option<&Exposed> {
        self.exposed.as_ref()
    }

    /// Names that `.env` gives more than once, in words.
    pub fn repeated(&self) -> impl Iterator<Item = String> {
        self.repeated.iter().map(|what| format!("{FILE}: {what}"))
    }

    /// What is read, for a log line or a refusal.
    pub fn says(&self) -> String {
        match &self.file {
            Some(file) => format!("settings come from the environment, and else from {}", file.display()),
            None => "settings come from the environment; there is no .env in this folder".to_owned(),
        }
    }

    /// What is not read although somebody may think so.
    pub fn warning(&self) -> Option<String> {
        self.passed_over.as_ref().map(|file| {
            format!("{} is not read: start the program in that folder, or copy the file here", file.display())
        })
    }
}

/// Reads them.
///
/// # Errors
/// `.env` is there and can't be read, or the value of a setting is not UTF-8.
pub fn read() -> Result<Started, String> {
    let folder = std::env::current_dir().map_err(|error| format!("the current folder can't be found: {error}"))?;
    let mut vars = BTreeMap::new();
    let source = match read_file(&folder.join(FILE))? {
        Some(Contents { vars: found, repeated }) => {
            vars.extend(found);
            let file = folder.join(FILE);
            Source { exposed: exposed(&file, &vars), file: Some(file), passed_over: None, repeated }
        }
        None => {
            let above = folder.ancestors().skip(1).map(|above| above.join(FILE));
            Source { passed_over: above.into_iter().find(|file| file.is_file()), ..Source::default() }
        }
    };
    vars.extend(checked(std::env::vars_os())?);
    Ok(Started { vars, source })
}

/// What a file holds.
struct Contents {
    vars: Vec<(String, String)>,
    /// Names that it gives more than once, in words.
    repeated: Vec<String>,
}

/// The variables of a file, and which of them it repeats; none: there is no such file.
fn read_file(path: &Path) -> Result<Option<Contents>, String> {
    match std::fs::read(path) {
        Ok(bytes) => match dotenv::parse(&bytes) {
            Ok(vars) => Ok(Some(Contents { vars, repeated: dotenv::repeated(&bytes) })),
            Err(bad) => Err(format!("{}, {bad}", path.display())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} can't be read: {error}", path.display())),
    }
}

fn exposed(file: &Path, vars: &BTreeMap<String, String>) -> Option<Exposed> {
    let secrets: BTreeSet<_> = app::settings().filter(|setting| setting.secret).map(|setting| setting.name).collect();
    let holds_secrets = vars.iter().any(|(name, value)| secrets.contains(name.as_str()) && !value.trim().is_empty());
    let what = loose_mode(file).filter(|_| holds_secrets)?;
    let is_ours = std::fs::OpenOptions::new().append(true).open(file).is_ok();
    Some(Exposed { what: format!("{what} and holds secrets"), is_ours })
}

/// The variables of the environment. One that is no setting may hold what it likes.
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
    fn a_setting_that_is_not_utf_8_is_refused_by_name() {
        for name in ["ENVIRONMENT", "SERVER_KEY", "SERVER_KEY_FILE", "TWILIO_AUTH_TOKEN"] {
            let said = read_one(name, b"production\xff").unwrap_err();
            assert!(said.starts_with(&format!("{name}: ")) && !said.contains("production"), "{said}");
        }
        assert!(read_one("LS_COLORS", b"\xff").unwrap().is_empty());
        assert_eq!(read_one("ENVIRONMENT", b"production").unwrap()["ENVIRONMENT"], "production");
    }
}
