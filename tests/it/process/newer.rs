//! Migrations of a newer version, of another program, and of several processes at once.

use super::child::{Child, Plan, said};

const LATER: &str = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20991231_000001_later', 0) \
                     RETURNING version";
const WORKS_WITH_ALL: &str = "INSERT INTO schema_compatibility (migration, minimum_version) \
                              VALUES ('m20991231_000001_later', '0.1.0') RETURNING migration";
const NEEDS_A_LATER_ONE: &str = "UPDATE schema_compatibility SET minimum_version = '99.0.0' \
                                 WHERE migration = 'm20991231_000001_later' RETURNING migration";

async fn readiness(child: &Child) -> (u16, String) {
    let answer = child.http.get(format!("{}/readyz", child.url)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Runs it once more, on the same database, to the end of a start.
async fn starts_again(plan: &Plan, child: Child) -> Child {
    child.signal("TERM");
    assert!(child.ended_within(crate::support::PATIENCE).await.success());
    plan.serve().await
}

/// Case 1: a newer version's migration turns no running process away, and keeps none from starting again, as long as it
/// says that this version works with it.
#[tokio::test]
async fn a_newer_versions_migration_is_worked_with_as_far_as_it_says() {
    let plan = Plan::new().await;
    let child = plan.serve().await;
    plan.column(WORKS_WITH_ALL).await;
    plan.column(LATER).await;
    assert_eq!(readiness(&child).await.0, 200);
    assert_eq!(readiness(&child).await.0, 200);
    let logged = plan.logged();
    let news = |line: &&str| line.contains("m20991231_000001_later");
    assert_eq!(logged.lines().filter(news).count(), 1, "{logged}");
    let child = starts_again(&plan, child).await;
    let (good, answered) = said(&plan, &["migrate"]);
    assert!(good && answered.contains("Nothing was pending"), "{answered}");
    let (good, answered) = said(&plan, &["doctor"]);
    assert!(good && answered.contains("m20991231_000001_later"), "{answered}");

    plan.column(NEEDS_A_LATER_ONE).await;
    let (status, body) = readiness(&child).await;
    assert!(status == 503 && body.contains("migrations"), "{status} {body}");
    child.kill();
    for command in ["serve", "doctor"] {
        let (good, answered) = said(&plan, &[command]);
        assert!(!good && answered.contains("99.0.0") && answered.contains("later"), "{command}: {answered}");
    }
}

/// Every migration says which version works with it, so that each later version can be judged.
#[tokio::test]
async fn every_migration_is_recorded_with_the_oldest_version_that_works_with_it() {
    let plan = Plan::new().await;
    plan.serve().await.kill();
    let applied = plan.column("SELECT version FROM seaql_migrations ORDER BY version").await;
    let recorded = plan.column("SELECT migration FROM schema_compatibility ORDER BY migration").await;
    assert!(applied.len() > 10);
    assert_eq!(applied, recorded);
    let versions = plan.column("SELECT DISTINCT minimum_version FROM schema_compatibility").await;
    assert_eq!(versions, ["0.1.0"]);
}

/// Case 1: another program's rows are named for what they are, with the way out; what runs goes on.
#[tokio::test]
async fn another_programs_migrations_are_named_and_stop_nothing_that_runs() {
    let plan = Plan::new().await;
    let child = plan.serve().await;
    plan.column(LATER).await;
    assert_eq!(readiness(&child).await.0, 200);
    let _child = starts_again(&plan, child).await;
    assert!(plan.logged().contains("another program"), "{}", plan.logged());
    let (good, answered) = said(&plan, &["doctor"]);
    assert!(good && answered.contains("another program") && answered.contains("its own schema"), "{answered}");
}

/// Case 1: nothing is put between another program's tables.
#[tokio::test]
async fn a_database_with_another_programs_migrations_is_not_migrated() {
    let plan = Plan::new().await;
    if !plan.vars.contains_key("DATABASE_URL") {
        eprintln!("LEFT OUT: another program's migrations are first: no COUNTERSIGN_TEST_DATABASE_URL");
        return;
    }
    plan.column("CREATE TABLE seaql_migrations (version varchar NOT NULL PRIMARY KEY, applied_at bigint NOT NULL)")
        .await;
    plan.column(LATER).await;
    for command in ["serve", "migrate", "doctor"] {
        let (good, answered) = said(&plan, &[command]);
        assert!(!good && answered.contains("another program (m20991231_000001_later)"), "{command}: {answered}");
    }
    let tables = plan.column("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").await;
    assert_eq!(tables, ["seaql_migrations"]);
}

/// Case 11: whoever comes first migrates, and the others wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_processes_at_once_migrate_an_empty_database() {
    let plan = Plan::new().await;
    if !plan.vars.contains_key("DATABASE_URL") {
        eprintln!("LEFT OUT: three processes migrate at once: no COUNTERSIGN_TEST_DATABASE_URL");
        return;
    }
    let migrating: Vec<_> = (0..3).map(|_| plan.command(&["migrate"])).collect();
    let outputs = migrating.into_iter().map(|mut command| std::thread::spawn(move || command.output().unwrap()));
    let outputs: Vec<_> = outputs.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect();
    for output in outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    let first = Plan::new().await;
    let plans: Vec<_> = (0..3).map(|_| at_a_port_of_its_own(first.beside())).collect();
    let mut children: Vec<_> = plans.iter().map(Plan::begin).collect();
    for (plan, child) in plans.iter().zip(&mut children) {
        child.comes_up(plan).await;
    }
}

fn at_a_port_of_its_own(plan: Plan) -> Plan {
    let data = plan.data.path().to_str().unwrap().to_owned();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    plan.with("DATA_DIR", &data).with("LISTEN_ADDR", &format!("127.0.0.1:{port}"))
}

/// Case 12: a first start says in one line what it applied.
#[tokio::test]
async fn a_first_start_says_in_one_line_what_it_applied() {
    let plan = Plan::new().await;
    plan.serve().await.kill();
    let logged = plan.logged();
    let migrations = |line: &&str| line.contains("migration");
    assert_eq!(logged.lines().filter(migrations).count(), 1, "{logged}");
}
