//! `keys`: lists the keys of each process, generates keys, and replaces them in two phases.

use std::time::Duration;

use chrono::SecondsFormat;
use clap::{Subcommand, ValueEnum};

use super::{out, table::table};
use crate::app::{Settings, keys as app_keys, presence::PROCESS_TIMEOUT};
use domain::Timestamp;
use platform::{
    clock::{Clock, Entropy},
    config::DatabaseLocation,
    fault::Fault,
    keys::{
        KeysInUse,
        folder::{KeyFiles, KeyKind, generate},
    },
    supervisor::Supervisor,
};
use store::{ProcessKeys, Store};

mod rotate;

/// The subcommands of `keys`.
#[derive(Subcommand)]
pub enum Command {
    /// List the ids of the keys that each running process uses and accepts. The keys themselves are not shown.
    List,
    /// Generate new strong keys and print them as settings.
    Make {
        /// Create the missing key files in DATA_DIR instead (embedded database only).
        #[arg(long)]
        files: bool,
    },
    /// Run the next phase of replacing a key: in key files, or by printing the settings to change.
    Rotate {
        #[arg(value_enum)]
        kind: Kind,
    },
}

/// The kind of key.
#[derive(Clone, Copy, ValueEnum)]
pub enum Kind {
    /// SERVER_KEY: derives codes and refresh tokens.
    Server,
    /// JWT_SECRET or JWT_PRIVATE_KEY: signs access tokens.
    Jwt,
    /// ATTESTATION_KEY: signs attestations.
    Attestation,
}

impl From<Kind> for KeyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => KeyKind::Server,
            Kind::Jwt => KeyKind::Jwt,
            Kind::Attestation => KeyKind::Attestation,
        }
    }
}

/// A running process and its keys.
pub struct Process {
    pub id: String,
    pub version: String,
    pub started_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub keys: KeysInUse,
}

impl Process {
    /// A process as it would run with the current settings.
    pub fn of_configuration(keys: KeysInUse) -> Self {
        let now = Clock::System.now();
        let (id, version) = ("this configuration".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { id, version, started_at: now, last_seen_at: now, keys }
    }
}

/// Runs a subcommand.
///
/// # Errors
/// An error message for the operator.
pub async fn run(settings: &Settings, command: Command) -> Result<(), String> {
    match command {
        Command::List => list(settings).await,
        Command::Make { files: false } => {
            print_new();
            Ok(())
        }
        Command::Make { files: true } => make_files(settings),
        Command::Rotate { kind } => rotate::rotate(settings, kind.into()).await,
    }
}

/// Prints new keys as settings. Needs no configuration.
pub fn print_new() {
    for kind in KeyKind::ALL {
        print_line!("{}={}", kind.setting(), generate(&Entropy::System).expose());
    }
}

fn make_files(settings: &Settings) -> Result<(), String> {
    let config = &settings.config;
    if !config.store.is_embedded() {
        return Err("DATABASE_URL is a database server: key files are only for the embedded database".to_owned());
    }
    for kind in KeyKind::ALL {
        let files = KeyFiles::new(kind, &config.store.data_dir);
        if !config.keys.comes_from_file(kind) {
            print_line!("{}: is set, no file is needed", kind.setting());
        } else if files.current()?.is_some() {
            print_line!("{}: exists already", files.current_path().display());
        } else {
            files.current_or_generated(&Entropy::System)?;
            print_line!("{}: created", files.current_path().display());
        }
    }
    Ok(())
}

async fn list(settings: &Settings) -> Result<(), String> {
    let processes = processes(settings).await?;
    if processes.is_empty() {
        print_line!("No process is running.");
    } else {
        let headers = ["process", "version", "started", "last seen", "kind", "key", "state"];
        let rows: Vec<_> = processes.iter().flat_map(rows).collect();
        out::text(&table(&headers, &rows));
    }
    for conflict in conflicts(&processes) {
        print_line!("warning: {conflict}");
    }
    Ok(())
}

fn rows(process: &Process) -> Vec<Vec<String>> {
    let time = |at: Timestamp| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut rows = Vec::new();
    for kind in KeyKind::ALL {
        for (at, ids) in process.keys.of(kind).iter().enumerate() {
            rows.push(vec![
                process.id.clone(),
                process.version.clone(),
                time(process.started_at),
                time(process.last_seen_at),
                kind.as_str().to_owned(),
                ids.first().cloned().unwrap_or_default(),
                if at == 0 { "used" } else { "accepted" }.to_owned(),
            ]);
        }
    }
    rows
}

/// The running processes of this database.
///
/// # Errors
/// The database can't be read.
pub async fn processes(settings: &Settings) -> Result<Vec<Process>, String> {
    let place = &settings.config.store.place;
    if matches!(place, DatabaseLocation::Sqlite { file } if !file.exists()) {
        return Ok(Vec::new());
    }
    let cannot = |fault: Fault| format!("can't read the database: {}", fault.operator_message());
    let store = Store::open(&settings.config.store, &Supervisor::default()).await.map_err(cannot)?;
    let pending = store.schema().await.map_err(cannot)?.pending;
    let rows = match pending.is_empty() {
        true => store.process_keys(Clock::System.now() - PROCESS_TIMEOUT).await.map_err(cannot),
        false => Err("migrations are pending: run countersign migrate first".to_owned()),
    };
    store.close().await;
    let process = |row: ProcessKeys| {
        let keys = serde_json::from_str(&row.keys).unwrap_or_default();
        let (started_at, last_seen_at) = (row.started_at, row.last_seen_at);
        Process { id: row.process, version: row.version, started_at, last_seen_at, keys }
    };
    Ok(rows?.into_iter().map(process).collect())
}

/// Warnings about processes that don't accept the current key of another process.
pub fn conflicts(processes: &[Process]) -> Vec<String> {
    let mut conflicts = Vec::new();
    for kind in KeyKind::ALL {
        for process in processes {
            let others = processes.iter().filter(|other| !other.keys.accepts_current_of(&process.keys, kind));
            let others: Vec<_> = others.map(|other| other.id.as_str()).collect();
            if !others.is_empty() {
                conflicts.push(format!(
                    "the {} key that {} uses is not accepted by {}: add it there as {}_NEXT or to {}",
                    kind.as_str(),
                    process.id,
                    others.join(", "),
                    kind.setting(),
                    kind.previous_setting(),
                ));
            }
        }
    }
    conflicts
}

/// How long tokens and codes of a key stay valid after the key was replaced.
fn life(settings: &Settings, kind: KeyKind) -> Duration {
    let config = &settings.config;
    match kind {
        KeyKind::Server => config.session.refresh_ttl.max(config.account.contact_undo),
        KeyKind::Jwt => config.session.access_ttl,
        KeyKind::Attestation => config.verification.proof_ttl,
    }
}

/// The ids of the configured keys. `None`: they are generated at first start.
///
/// # Errors
/// An error message for the operator, if a key is invalid.
pub fn configured(settings: &Settings) -> Result<Option<KeysInUse>, String> {
    let config = &settings.config;
    app_keys::read(&config.keys, &config.store.data_dir)?.map(|secrets| secrets.in_use()).transpose()
}
