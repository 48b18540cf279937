//! The other commands.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::child::{ChildConfig, run_timed};

#[tokio::test]
async fn schema_prints_the_committed_schema() {
    let printed = ChildConfig::new().await.run(&["schema"]);
    assert!(printed.status.success());
    let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), committed);
}

/// An account can be created while the server runs. The password is read only from standard input.
#[tokio::test]
async fn admin_creates_a_user() {
    let config = ChildConfig::new().await;
    let child = config.serve().await;
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
        let mut command: Command = config.command(&arguments);
        let mut admin = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        admin.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        admin.wait_with_output().unwrap()
    };
    let weak = run("password\n");
    let out = String::from_utf8_lossy(&weak.stderr).into_owned();
    assert!(!weak.status.success() && !out.contains("password\n"), "{out}");
    assert!(!run("").status.success());
    let created = run("Quiet-Harbour-71!\n");
    let id = String::from_utf8(created.stdout).unwrap();
    assert!(created.status.success() && id.starts_with("acc_"), "{id}{}", String::from_utf8_lossy(&created.stderr));
    let taken = run("Quiet-Harbour-71!\n");
    assert!(!taken.status.success() && String::from_utf8_lossy(&taken.stderr).contains("another account"));
    let document = "mutation { it: requestPasswordReset(input: { identity: { name: \"홍길동\", birthDate: \"1990-03-14\", phone: \
         \"010-2222-3333\" } }) { __typename } }";
    child.execute("198.51.100.1", document, serde_json::json!({})).await.unwrap();
    let deadline = tokio::time::Instant::now() + crate::support::TEST_TIMEOUT;
    while child.outbox().await.is_empty() {
        assert!(tokio::time::Instant::now() < deadline, "no code was sent: the account does not exist");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// `doctor` reports what is in order and what is not, and changes nothing.
#[tokio::test]
async fn doctor_reports_and_changes_nothing() {
    let config = ChildConfig::new().await;
    let (status, out, _) = run_timed(&config, &["doctor"]);
    if config.vars.contains_key("DATABASE_URL") {
        assert!(status.success() && out.contains("will be migrated"), "{out}");
    } else {
        assert!(status.success() && out.contains("will be created at first start"), "{out}");
        assert_eq!(std::fs::read_dir(config.data.path()).unwrap().count(), 0, "it created something");
    }
    let config = config.with("DATABASE_URL", "postgres://nobody:Sup3rS3cret@127.0.0.1:1/nowhere");
    let (status, out, _) = run_timed(&config, &["doctor"]);
    assert!(!status.success() && out.contains("bad      database"), "{out}");
    assert!(out.contains("check DATABASE_URL") && !out.contains("Sup3rS3cret"), "{out}");
}

/// A server database is not migrated without an explicit request.
#[tokio::test]
async fn serve_refuses_pending_migrations_on_a_server_database() {
    let config = ChildConfig::new().await.with("AUTO_MIGRATE", "off");
    if !config.vars.contains_key("DATABASE_URL") {
        eprintln!("LEFT OUT: pending migrations are rejected on a server database: no COUNTERSIGN_TEST_DATABASE_URL");
        return;
    }
    let (status, out, _) = run_timed(&config, &["serve"]);
    assert!(!status.success() && out.contains("countersign migrate") && out.contains("AUTO_MIGRATE"), "{out}");
    assert!(!run_timed(&config, &["doctor"]).0.success());
    let (status, out, _) = run_timed(&config, &["migrate"]);
    assert!(status.success() && out.contains("Applied"), "{out}");
    assert!(run_timed(&config, &["migrate"]).1.contains("No migrations were pending"));
    assert!(run_timed(&config, &["doctor"]).0.success());
    config.serve().await.kill();
}

/// A closed pipe is not an error of the command.
#[tokio::test]
async fn closed_pipe_does_not_cause_a_panic() {
    let config = ChildConfig::new().await;
    config.serve().await.kill();
    for arguments in [&["schema"][..], &["doctor"], &["stats"], &["keys", "make"], &["keys", "list"], &["migrate"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = config.command(arguments);
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        let out = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !out.contains("panicked"), "{arguments:?}: {} {out}", output.status);
    }
}

/// A variable that `.env` sets twice is reported with both line numbers.
#[tokio::test]
async fn duplicate_name_in_env_file_is_reported_with_its_lines() {
    let config = ChildConfig::new().await.without("CONTACT_DAILY_SENDS");
    let text = "CONTACT_DAILY_SENDS=5\n# between\nAPP_NAME=x\nCONTACT_DAILY_SENDS=7\n";
    super::child::write_file(config.data.path(), ".env", text);
    let (status, out, _) = run_timed(&config, &["--check-config"]);
    assert!(status.success() && out.contains(".env: CONTACT_DAILY_SENDS is set in lines 1 and 4"), "{out}");
    assert_eq!(out.matches("is set in lines").count(), 1, "{out}");
}

/// Only one process serves an embedded database. The directory is released when that process ends for any reason.
#[tokio::test]
async fn second_serve_on_the_same_data_dir_is_refused() {
    let config = ["DATABASE_URL", "REDIS_URL"].into_iter().fold(ChildConfig::new().await, ChildConfig::without);
    let child = config.serve().await;
    let other = config.second_process().with("LISTEN_ADDR", "127.0.0.1:0");
    let (status, out, _) = run_timed(&other, &["serve"]);
    assert!(!status.success() && out.contains("DATA_DIR: another process is serving"), "{out}");
    child.kill();
    config.serve().await.kill();
}

/// An address in use and a data directory that can't be written to are refused with what to do.
#[tokio::test]
async fn serve_explains_an_address_in_use_and_an_unusable_folder() {
    let config = ["DATABASE_URL", "REDIS_URL"].into_iter().fold(ChildConfig::new().await, ChildConfig::without);
    let used = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = used.local_addr().unwrap().to_string();
    let (status, out, _) = run_timed(&config.second_process().with("LISTEN_ADDR", &address), &["serve"]);
    assert!(!status.success() && out.contains(&format!("LISTEN_ADDR: can't listen on {address}")), "{out}");
    assert!(out.contains("stop the program that uses it, or set another port"), "{out}");
    let (status, out, _) = run_timed(&config.second_process().with("DATA_DIR", "/proc/nowhere"), &["serve"]);
    assert!(!status.success() && out.contains("DATA_DIR"), "{out}");
    assert!(out.contains("use a folder that this user may write to"), "{out}");
}

/// Back ends may cache the published keys for a while instead of fetching them for each token.
#[tokio::test]
async fn published_keys_have_a_cache_lifetime() {
    let child = ChildConfig::new().await.serve().await;
    let response = child.http.get(format!("{}/.well-known/jwks.json", child.url)).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "public, max-age=300");
}

/// The log lists exactly the channels whose messages go to the outbox.
#[tokio::test]
async fn log_names_the_channels_of_the_outbox() {
    let config = ChildConfig::new()
        .await
        .with("SMS_PROVIDER", "webhook")
        .with("DELIVERY_WEBHOOK_URL", "http://127.0.0.1:1")
        .with("DELIVERY_WEBHOOK_SECRET", "whsec_bcyrfvFYBhsqlj5RCFhwN8KNGLGfi2vtHkEWiKZxO9o=");
    config.serve().await.kill();
    let logged = config.log_text();
    let line = logged.lines().find(|line| line.contains("/dev/outbox")).unwrap();
    assert!(line.contains("EMAIL") && !line.contains("SMS"), "{line}");
}

/// `serve` and `doctor` warn of an open-file limit that is too low for the settings.
#[tokio::test]
async fn low_open_file_limit_is_reported() {
    let config = ChildConfig::new().await.with("MAX_CONNECTIONS", "20000");
    let limited = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n 512; exec \"$0\" {command}"), env!("CARGO_BIN_EXE_countersign")]);
        shell.env_clear().envs(&config.vars).current_dir(config.data.path());
        shell
    };
    let examined = limited("doctor").stdin(Stdio::null()).output().unwrap();
    let out = String::from_utf8_lossy(&examined.stdout).into_owned();
    assert!(examined.status.success() && out.contains("warning  MAX_CONNECTIONS=20000 needs"), "{out}");
    config.serve_with(limited("serve")).await.kill();
    assert!(config.log_text().contains("the limit of this process is 512"), "{}", config.log_text());
}

/// The soft limit of open files is raised as far as the hard limit allows.
#[tokio::test]
async fn soft_open_file_limit_is_raised() {
    let config = ChildConfig::new().await.with("MAX_CONNECTIONS", "1000");
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -S -n 512; exec \"$0\" serve", env!("CARGO_BIN_EXE_countersign")]);
    shell.env_clear().envs(&config.vars).current_dir(config.data.path());
    config.serve_with(shell).await.kill();
    assert!(!config.log_text().contains("open files"), "{}", config.log_text());
}
