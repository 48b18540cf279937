//! A migrated database that each in-process server starts with a copy of, because a copy takes less time than the
//! migrations.

use std::{fs, os::unix::fs::OpenOptionsExt, path::Path, process::Command, time::UNIX_EPOCH};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::KEYS;

/// The databases on the server that the others are copied from have this prefix and the time at which the server was built,
/// in seconds since 1970: builds of two worktrees may run tests at the same time.
const PREFIX: &str = "countersign_test_template_";
/// Templates of builds that are older by this many seconds are dropped.
const KEPT: u64 = 24 * 3600;
/// Identifies the advisory lock under which templates are created, as several processes may run tests.
const LOCK: i64 = 0x7465_6d70;
const BINARY: &str = env!("CARGO_BIN_EXE_countersign");

/// Creates a migrated database on the server of the tests. `url` makes the URL of a database from its name.
pub async fn create_database(server: &str, name: &str, url: impl Fn(&str) -> String) {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(|| find_or_create_template(server, url)).await;
    let mut connection = PgConnection::connect(server).await.unwrap();
    execute(&mut connection, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
}

/// Creates a migrated SQLite file.
pub async fn create_file(path: &Path) {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(|| async {
        let folder = TempDir::new().unwrap();
        migrate(&folder, &[]);
        assert!(!folder.path().join("countersign.db-wal").exists(), "the migrations are not all in the file");
        fs::read(folder.path().join("countersign.db")).unwrap()
    });
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    std::io::Write::write_all(&mut file, template.await).unwrap();
}

/// The name of the template of this build. It has this name only when it is complete.
async fn find_or_create_template(server: &str, url: impl Fn(&str) -> String) -> String {
    let mut connection = PgConnection::connect(server).await.unwrap();
    execute(&mut connection, format!("SELECT pg_advisory_lock({LOCK})")).await;
    let built = fs::metadata(BINARY).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let name = format!("{PREFIX}{built}");
    let names = sqlx::query_scalar::<_, String>("SELECT datname FROM pg_database WHERE starts_with(datname, $1)");
    let existing = names.bind(PREFIX).fetch_all(&mut connection).await.unwrap();
    if !existing.contains(&name) {
        let built_at = |name: &String| name.strip_prefix(PREFIX)?.parse::<u64>().ok();
        for old in existing.iter().filter(|name| built_at(name).is_none_or(|other| other + KEPT < built)) {
            execute(&mut connection, format!("DROP DATABASE {old} WITH (FORCE)")).await;
        }
        let incomplete = format!("{PREFIX}incomplete");
        execute(&mut connection, format!("CREATE DATABASE {incomplete}")).await;
        migrate(&TempDir::new().unwrap(), &[("DATABASE_URL", &url(&incomplete))]);
        execute(&mut connection, format!("ALTER DATABASE {incomplete} RENAME TO {name}")).await;
    }
    // Closing the connection releases the lock.
    connection.close().await.unwrap();
    name
}

async fn execute(connection: &mut PgConnection, statement: String) {
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
}

fn migrate(folder: &TempDir, more: &[(&str, &str)]) {
    let mut command = Command::new(BINARY);
    command.arg("migrate").env_clear().envs(KEYS).envs(more.iter().copied()).env("DATA_DIR", folder.path());
    let output = command.current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
