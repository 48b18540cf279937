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
    child.execute("198.51.100.1", document, serde_json::json!({})).await.unwrap();
    let deadline = tokio::time::Instant::now() + crate::support::TEST_TIMEOUT;
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

/// A reader that closes the pipe is no fault of the command.
#[tokio::test]
async fn a_closed_pipe_makes_no_command_panic() {
    let plan = Plan::new().await;
    plan.serve().await.kill();
    for arguments in [&["schema"][..], &["doctor"], &["stats"], &["keys", "make"], &["keys", "list"], &["migrate"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = plan.command(arguments);
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains("panicked"), "{arguments:?}: {} {said}", output.status);
    }
}

/// A name that `.env` gives twice is said with both of its lines.
#[tokio::test]
async fn a_name_given_twice_in_env_is_said_with_its_lines() {
    let plan = Plan::new().await.without("CONTACT_DAILY_SENDS");
    let text = "CONTACT_DAILY_SENDS=5\n# between\nAPP_NAME=x\nCONTACT_DAILY_SENDS=7\n";
    super::child::written(plan.data.path(), ".env", text);
    let (status, said, _) = run_to_the_end(&plan, &["--check-config"]);
    assert!(status.success() && said.contains(".env: CONTACT_DAILY_SENDS is given in lines 1 and 4"), "{said}");
    assert_eq!(said.matches("is given in lines").count(), 1, "{said}");
}

/// On an embedded database one process serves; the folder is free again when that one is gone, however it went.
#[tokio::test]
async fn a_second_serve_on_one_folder_is_refused() {
    let plan = ["DATABASE_URL", "REDIS_URL"].into_iter().fold(Plan::new().await, Plan::without);
    let child = plan.serve().await;
    let other = plan.beside().with("LISTEN_ADDR", "127.0.0.1:0");
    let (status, said, _) = run_to_the_end(&other, &["serve"]);
    assert!(!status.success() && said.contains("DATA_DIR: another process serves"), "{said}");
    child.kill();
    plan.serve().await.kill();
}

/// Back ends keep the published keys for a while, and do not ask for every token.
#[tokio::test]
async fn published_keys_may_be_cached() {
    let child = Plan::new().await.serve().await;
    let answer = child.http.get(format!("{}/.well-known/jwks.json", child.url)).send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
}

/// The log names the channels whose messages go to the outbox, and no others.
#[tokio::test]
async fn the_log_names_the_channels_of_the_outbox() {
    let plan = Plan::new()
        .await
        .with("SMS_PROVIDER", "webhook")
        .with("DELIVERY_WEBHOOK_URL", "http://127.0.0.1:1")
        .with("DELIVERY_WEBHOOK_SECRET", "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o=");
    plan.serve().await.kill();
    let logged = plan.logged();
    let line = logged.lines().find(|line| line.contains("/dev/outbox")).unwrap();
    assert!(line.contains("EMAIL") && !line.contains("SMS"), "{line}");
}

/// A limit of open files that is too low for the settings is said at start and by `doctor`.
#[tokio::test]
async fn a_low_limit_of_open_files_is_said() {
    let plan = Plan::new().await.with("MAX_CONNECTIONS", "20000");
    let limited = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n 512; exec \"$0\" {command}"), env!("CARGO_BIN_EXE_countersign")]);
        shell.env_clear().envs(&plan.vars).current_dir(plan.data.path());
        shell
    };
    let examined = limited("doctor").stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&examined.stdout).into_owned();
    assert!(examined.status.success() && said.contains("warning  MAX_CONNECTIONS=20000 needs"), "{said}");
    plan.serve_by(limited("serve")).await.kill();
    assert!(plan.logged().contains("this process may have 512"), "{}", plan.logged());
}
