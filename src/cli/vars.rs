//! The variables that the program was started with: the environment's, and those of `.env` that it does not have.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{app, keys::file::loose_mode};

/// The variables, and what an operator should know about where they came from.
pub struct Vars {
    pub vars: BTreeMap<String, String>,
    /// `.env`, where it holds secrets and others can read it.
    pub exposed: Option<Exposed>,
}

/// A file with secrets that other users can read.
pub struct Exposed {
    /// The file and its mode, in words.
    pub what: String,
    /// Whether this process could change that: not where it is mounted read-only, or belongs to somebody else.
    pub is_ours: bool,
}

/// Reads them.
///
/// # Errors
/// `.env` is there and can't be read, or the value of a setting is not UTF-8.
pub fn read() -> Result<Vars, String> {
    let (mut vars, file) = read_file()?;
    let exposed = file.and_then(|file| exposed(&file, &vars));
    vars.extend(checked(std::env::vars_os())?);
    Ok(Vars { vars, exposed })
}

fn read_file() -> Result<(BTreeMap<String, String>, Option<PathBuf>), String> {
    let mut vars = BTreeMap::new();
    let file = match dotenvy::dotenv_iter() {
        Ok(lines) => {
            for line in lines {
                let (name, value) = line.map_err(|error| match error {
                    // The error would quote the line, and with it perhaps a secret.
                    dotenvy::Error::LineParse(_, place) => {
                        format!(".env has a line that can't be read, near its character {place}")
                    }
                    _ => ".env can't be read: it has to be text in UTF-8".to_owned(),
                })?;
                vars.insert(name, value);
            }
            found()
        }
        Err(error) if error.not_found() => None,
        Err(_) => return Err(".env can't be read".to_owned()),
    };
    Ok((vars, file))
}

/// Where `.env` is: in the working folder or the nearest one above it.
fn found() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join(".env")).find(|file| file.is_file())
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
