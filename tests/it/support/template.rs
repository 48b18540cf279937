//! A migrated database that each in-process server starts with a copy of, because a copy takes less time than the
//! migrations.

use std::{collections::BTreeMap, fs, os::unix::fs::OpenOptionsExt, path::Path, process::Command, time::UNIX_EPOCH};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// The database on the server that the others are copied from.
const NAME: &str = "countersign_test_template";
/// Identifies the advisory lock under which the template is created, as several processes may run tests.
const LOCK: i64 = 0x7465_6d70;
const BINARY: &str = env!("CARGO_BIN_EXE_countersign");

/// Creates a migrated database on the server of the tests. `url` makes the URL of a database from its name.
pub async fn create_database(server: &str, name: &str, url: impl Fn(&str) -> String) {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    TEMPLATE.get_or_init(|| create_template(server, url(NAME))).await;
    let mut connection = PgConnection::connect(server).await.unwrap();
    execute(&mut connection, format!("CREATE DATABASE {name} TEMPLATE {NAME}")).await;
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

/// Creates the template, unless it was created with the same binary, by this process or by another one.
async fn create_template(server: &str, url: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    execute(&mut connection, format!("SELECT pg_advisory_lock({LOCK})")).await;
    let built = fs::metadata(BINARY).unwrap().modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let comment = sqlx::query_scalar::<_, Option<String>>(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1",
    );
    let existing = comment.bind(NAME).fetch_optional(&mut connection).await.unwrap().flatten();
    if existing != Some(built.to_string()) {
        execute(&mut connection, format!("DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")).await;
        execute(&mut connection, format!("CREATE DATABASE {NAME}")).await;
        migrate(&TempDir::new().unwrap(), &[("DATABASE_URL", &url)]);
        execute(&mut connection, format!("COMMENT ON DATABASE {NAME} IS '{built}'")).await;
    }
    // Closing the connection releases the lock.
    connection.close().await.unwrap();
}

async fn execute(connection: &mut PgConnection, statement: String) {
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
}

fn migrate(folder: &TempDir, more: &[(&str, &str)]) {
    let keys = [
        ("DATA_DIR", folder.path().to_str().unwrap()),
        ("SERVER_KEY", "K9mhN0c2X4t7yZNZCDPK5p2MnF04RlkQIbx1VKnzdGU="),
        ("JWT_SECRET", "Yk3v9QpL7sX2mN8wR4tZ6bH1cF5jD0gKaE"),
        ("ATTESTATION_KEY", "u4XD8tRTDwKguu2wscSMup2fKOv5DddN8QShMNHP7hU="),
    ];
    let settings: BTreeMap<_, _> = keys.iter().chain(more).copied().collect();
    let output = Command::new(BINARY).arg("migrate").env_clear().envs(settings).current_dir(folder.path()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
