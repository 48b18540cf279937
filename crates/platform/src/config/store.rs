//! Settings of the database.

use std::{path::PathBuf, time::Duration};

use crate::config::{Env, Secret, Setting};

pub const SETTINGS: &[Setting] = &[
    Setting::secret(
        "DATABASE_URL",
        "postgres://user:password@host/database, or sqlite:FILE. Unset: a single process with SQLite in DATA_DIR.",
    ),
    Setting::new(
        "DATA_DIR",
        "./data",
        "Folder of the embedded database, of the keys generated at first start and of the development outbox.",
    ),
    Setting::new(
        "DATABASE_MAX_CONNECTIONS",
        "10",
        "Connections of one process to PostgreSQL. Raise it only if the server has spare cores.",
    ),
    Setting::new(
        "DATABASE_TIMEOUT",
        "3s",
        "How long a request waits for the database, including the connection pool, before it returns UNAVAILABLE.",
    ),
    Setting::new(
        "DATABASE_WAIT",
        "60s",
        "How long serve and migrate wait at start for a PostgreSQL server that is not reachable yet, is starting or is read-only.",
    ),
    Setting::new(
        "DATABASE_STATEMENT_CACHE",
        "on",
        "Prepared statements on PostgreSQL. Turn off behind pgbouncer in transaction mode, unless that is version 1.21 or \
         newer and has max_prepared_statements set. Off: each statement runs in its own transaction and leaves no \
         prepared statement behind.",
    ),
    Setting::new(
        "AUTO_MIGRATE",
        "off",
        "Apply pending migrations of a server database at start. Off: serve exits with an error that names the command. An embedded database is always migrated.",
    ),
];

/// Settings of the database.
#[derive(Clone, Debug)]
pub struct Store {
    pub place: Place,
    pub data_dir: PathBuf,
    pub max_connections: u32,
    pub timeout: Duration,
    /// How long to wait at start for a server that is not available yet.
    pub wait: Duration,
    pub statement_cache: bool,
    pub auto_migrate: bool,
}

/// The location of the database.
#[derive(Clone, Debug)]
pub enum Place {
    /// The embedded database, in this file.
    Sqlite { file: PathBuf },
    /// A server; the URL contains the password.
    Postgres { url: Secret },
}

impl Store {
    pub fn from_env(env: &Env) -> Self {
        let data_dir = PathBuf::from(env.text("DATA_DIR").unwrap_or_default());
        let place = match env.secret("DATABASE_URL") {
            None => Place::Sqlite { file: data_dir.join("countersign.db") },
            Some(url) => place(&url).unwrap_or_else(|mend| {
                env.refuse("DATABASE_URL", mend);
                Place::Postgres { url }
            }),
        };
        Self {
            place,
            data_dir,
            max_connections: env.number("DATABASE_MAX_CONNECTIONS", 1..=1000),
            timeout: env.duration("DATABASE_TIMEOUT", Duration::from_millis(100)..=Duration::from_secs(60)),
            wait: env.duration("DATABASE_WAIT", Duration::ZERO..=Duration::from_secs(3600)),
            statement_cache: env.switch("DATABASE_STATEMENT_CACHE"),
            auto_migrate: env.switch("AUTO_MIGRATE"),
        }
    }

    /// Whether the database is embedded: then keys may be generated at first start, and migrations run automatically.
    pub fn is_embedded(&self) -> bool {
        matches!(self.place, Place::Sqlite { .. })
    }
}

fn place(url: &Secret) -> Result<Place, String> {
    let text = url.expose();
    if let Some(file) = text.strip_prefix("sqlite:") {
        let file = file.strip_prefix("//").unwrap_or(file);
        let file = file.split('?').next().unwrap_or_default();
        return match file {
            "" | ":memory:" => Err("sqlite: needs a file, for example sqlite:./data/countersign.db".to_owned()),
            file => Ok(Place::Sqlite { file: file.into() }),
        };
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(Place::Postgres { url: url.clone() });
    }
    Err("must be postgres://user:password@host/database or sqlite:FILE".to_owned())
}
