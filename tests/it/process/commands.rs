//! The other commands.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::child::{Plan, run_to_the_end};

#[tokio::test]
async fn schema_prints_the_committed_schema() {
    let printed = Plan::new().await.run(&["schema"]);
    assert!(printed.status.success());
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), committed);
}

/// A user can be made while the program serves, and the password comes from standard input alone.
#[tokio::test]
async fn an_admin_makes_a_user() {
    let plan = Plan::new().await;
    let child = plan.serve().await;
    let arguments = [
        "admin",
        "create-user",
        "--username",
        "gildong",
        "--name",
        "홍길동",
        "--birth-date",
        "1990-03-14",
        "--phone",
        "010-2222-3333",
    ];
    let run = |password: &str| {
        let mut command: Command = plan.command(&arguments);
        let mut admin = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        admin.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        admin.wait_with_output().unwrap()
    };
    let weak = run("password\n");
    let said = String::from_utf8_lossy(&weak.stderr).into_owned();
    assert!(!weak.status.success() && !said.contains("password\n"), "{said}");
    assert!(!run("").status.success());
    let made = run("Quiet-Harbour-71!\n");
    let id = String::from_utf8(made.stdout).unwrap();
    assert!(made.status.success() && id.starts_with("acc_"), "{id}{}", String::from_utf8_lossy(&made.stderr));
    let taken = run("Quiet-Harbour-71!\n");
    assert!(!taken.status.success() && String::from_utf8_lossy(&taken.stderr).contains("another account"));
    let document = "mutation { it: requestPasswordReset(input: { identity: { name: \"홍길동\", birthDate: \"1990-03-14\", phone: \
         \"010-2222-3333\" } }) { __typename } }";
    child.ask("198.51.100.1", document, serde_json::json!({})).await.unwrap();
    let deadline = tokio::time::Instant::now() + crate::support::PATIENCE;
    while child.outbox().await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "no code came: the account is not there");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// `doctor` says what is good and what is not, and changes nothing.
#[tokio::test]
async fn doctor_judges_and_changes_nothing() {
    let plan = Plan::new().await;
    let (status, said, _) = run_to_the_end(&plan, &["doctor"]);
    if plan.vars.contains_key("DATABASE_URL") {
        assert!(status.success() && said.contains("will be migrated"), "{said}");
    } else {
        assert!(status.success() && said.contains("will be made at first start"), "{said}");
        assert_eq!(std::fs::read_dir(plan.data.path()).unwrap().count(), 0, "it made something");
    }
    let plan = plan.with("DATABASE_URL", "postgres://nobody:Sup3rS3cret@127.0.0.1:1/nowhere");
    let (status, said, _) = run_to_the_end(&plan, &["doctor"]);
    assert!(!status.success() && said.contains("bad      database"), "{said}");
    assert!(said.contains("check DATABASE_URL") && !said.contains("Sup3rS3cret"), "{said}");
}

/// A server database is not migrated behind its operator's back.
#[tokio::test]
async fn pending_migrations_are_refused_on_a_server_database() {
    let plan = Plan::new().await.with("AUTO_MIGRATE", "off");
    if !plan.vars.contains_key("DATABASE_URL") {
        eprintln!("LEFT OUT: pending migrations are refused on a server database: no COUNTERSIGN_TEST_DATABASE_URL");
        return;
    }
    let (status, said, _) = run_to_the_end(&plan, &["serve"]);
    assert!(!status.success() && said.contains("countersign migrate") && said.contains("AUTO_MIGRATE"), "{said}");
    assert!(!run_to_the_end(&plan, &["doctor"]).0.success());
    let (status, said, _) = run_to_the_end(&plan, &["migrate"]);
    assert!(status.success() && said.contains("Applied"), "{said}");
    assert!(run_to_the_end(&plan, &["migrate"]).1.contains("Nothing was pending"));
    assert!(run_to_the_end(&plan, &["doctor"]).0.success());
    plan.serve().await.kill();
}
