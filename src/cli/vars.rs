//! The variables that the program was started with: the environment's, and those of `.env` that it does not have.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use crate::config::dotenv;

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
}

impl Source {
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
/// `.env` is there and can't be read.
pub fn read() -> Result<Started, String> {
    let folder = std::env::current_dir().map_err(|error| format!("the current folder can't be found: {error}"))?;
    let mut vars = BTreeMap::new();
    let source = match read_file(&folder.join(FILE))? {
        Some(found) => {
            vars.extend(found);
            Source { file: Some(folder.join(FILE)), passed_over: None }
        }
        None => {
            let above = folder.ancestors().skip(1).map(|above| above.join(FILE));
            Source { file: None, passed_over: above.into_iter().find(|file| file.is_file()) }
        }
    };
    vars.extend(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    Ok(Started { vars, source })
}

/// The variables of a file; none: there is no such file.
fn read_file(path: &Path) -> Result<Option<Vec<(String, String)>>, String> {
    match std::fs::read(path) {
        Ok(bytes) => dotenv::parse(&bytes).map(Some).map_err(|bad| format!("{}, {bad}", path.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} can't be read: {error}", path.display())),
    }
}
