//! Migrations of a newer version, of another program, and by several processes at once.

use super::child::{Child, ChildConfig, run_output};

const NEWER_MIGRATION: &str = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_later', 0) \
                     RETURNING version";
const COMPATIBLE_WITH_ALL: &str = "INSERT INTO schema_compatibility (migration, minimum_version) \
                              VALUES ('m20991231_000001_later', '0.1.0') RETURNING migration";
const REQUIRES_NEWER_VERSION: &str = "UPDATE schema_compatibility SET minimum_version = '99.0.0' \
                                 WHERE migration = 'm20991231_000001_later' RETURNING migration";

async fn readiness(child: &Child) -> (u16, String) {
    let response = child.http.get(format!("{}/readyz", child.url)).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Starts it again on the same database and waits until it is ready.
async fn starts_again(config: &ChildConfig, child: Child) -> Child {
    child.signal("TERM");
    assert!(child.wait_exit(crate::support::TEST_TIMEOUT).await.success());
    config.serve().await
}

/// A migration of a newer version neither stops a running process nor prevents its restart, if the migration
/// declares this version compatible.
#[tokio::test]
async fn newer_migration_is_accepted_if_it_declares_compatibility() {
    let config = ChildConfig::new().await;
    let child = config.serve().await;
    config.column(COMPATIBLE_WITH_ALL).await;
    config.column(NEWER_MIGRATION).await;
    assert_eq!(readiness(&child).await.0, 200);
    assert_eq!(readiness(&child).await.0, 200);
    let logged = config.log_text();
    let news = |line: &&str| line.contains("m20991231_000001_later");
    assert_eq!(logged.lines().filter(news).count(), 1, "{logged}");
    let child = starts_again(&config, child).await;
    let (good, answered) = run_output(&config, &["migrate"]);
    assert!(good && answered.contains("No migrations were pending"), "{answered}");
    let (good, answered) = run_output(&config, &["doctor"]);
    assert!(good && answered.contains("m20991231_000001_later"), "{answered}");

    config.column(REQUIRES_NEWER_VERSION).await;
    let (status, body) = readiness(&child).await;
    assert!(status == 503 && body.contains("migrations"), "{status} {body}");
    child.kill();
    for command in ["serve", "doctor"] {
        let (good, answered) = run_output(&config, &[command]);
        assert!(!good && answered.contains("99.0.0") && answered.contains("later"), "{command}: {answered}");
    }
}

/// Every migration declares the oldest compatible version, so that each version can decide.
#[tokio::test]
async fn every_migration_records_its_oldest_compatible_version() {
    let config = ChildConfig::new().await;
    config.serve().await.kill();
    let applied = config.column("SELECT version FROM seaql_migrations ORDER BY version").await;
    let recorded = config.column("SELECT migration FROM schema_compatibility ORDER BY migration").await;
    assert!(applied.len() > 10);
    assert_eq!(applied, recorded);
    let versions = config.column("SELECT DISTINCT minimum_version FROM schema_compatibility").await;
    assert_eq!(versions, ["0.1.0"]);
}

/// Migrations of another program are reported as such, with the remedy; running processes continue.
#[tokio::test]
async fn foreign_migrations_are_reported_and_do_not_stop_running_processes() {
    let config = ChildConfig::new().await;
    let child = config.serve().await;
    config.column(NEWER_MIGRATION).await;
    assert_eq!(readiness(&child).await.0, 200);
    let _child = starts_again(&config, child).await;
    assert!(config.log_text().contains("another program"), "{}", config.log_text());
    let (good, answered) = run_output(&config, &["doctor"]);
    assert!(good && answered.contains("another program") && answered.contains("its own schema"), "{answered}");
}

/// Nothing is created in a database of another program.
#[tokio::test]
async fn database_with_foreign_migrations_is_not_migrated() {
    let config = ChildConfig::new().await;
    if !config.vars.contains_key("DATABASE_URL") {
        eprintln!("LEFT OUT: another program's migrations exist first: no COUNTERSIGN_TEST_DATABASE_URL");
        return;
    }
    config
        .column("CREATE TABLE seaql_migrations (version varchar NOT NULL PRIMARY KEY, applied_at bigint NOT NULL)")
        .await;
    config.column(NEWER_MIGRATION).await;
    for command in ["serve", "migrate", "doctor"] {
        let (good, answered) = run_output(&config, &[command]);
        assert!(!good && answered.contains("another program (m20991231_000001_later)"), "{command}: {answered}");
    }
    let tables = config.column("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").await;
    assert_eq!(tables, ["seaql_migrations"]);
}

/// The first process migrates, and the others wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_concurrent_processes_migrate_an_empty_database() {
    let config = ChildConfig::new().await;
    if !config.vars.contains_key("DATABASE_URL") {
        eprintln!("LEFT OUT: three processes migrate at once: no COUNTERSIGN_TEST_DATABASE_URL");
        return;
    }
    let migrating: Vec<_> = (0..3).map(|_| config.command(&["migrate"])).collect();
    let outputs = migrating.into_iter().map(|mut command| std::thread::spawn(move || command.output().unwrap()));
    let outputs: Vec<_> = outputs.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect();
    for output in outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    let first = ChildConfig::new().await;
    let plans: Vec<_> = (0..3).map(|_| with_free_port(first.second_process())).collect();
    let mut children: Vec<_> = plans.iter().map(ChildConfig::spawn).collect();
    for (config, child) in plans.iter().zip(&mut children) {
        child.wait_ready(config).await;
    }
}

fn with_free_port(config: ChildConfig) -> ChildConfig {
    let data = config.data.path().to_str().unwrap().to_owned();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    config.with("DATA_DIR", &data).with("LISTEN_ADDR", &format!("127.0.0.1:{port}"))
}

/// A first start logs in one line what it applied.
#[tokio::test]
async fn first_start_logs_applied_migrations_in_one_line() {
    let config = ChildConfig::new().await;
    config.serve().await.kill();
    let logged = config.log_text();
    let migrations = |line: &&str| line.contains("migration");
    assert_eq!(logged.lines().filter(migrations).count(), 1, "{logged}");
}
