//! Where the binary finds its settings and its database, and what it refuses to create implicitly.

use std::{fs, process::Stdio};

use serde_json::json;

use super::child::{ChildConfig, write_file};

const CREATE: [&str; 6] = ["admin", "create-user", "--username", "gildong", "--phone", "010-2222-3333"];

/// Runs the binary as a user would, without the arguments that the other tests add.
fn run(config: &ChildConfig, folder: &std::path::Path, arguments: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).env_clear().envs(&config.vars).current_dir(folder);
    let password = write_file(config.data.path(), "password", "Quiet-Harbour-71!\n");
    let output = command.stdin(fs::File::open(password).unwrap()).output().unwrap();
    let out = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), out)
}

#[tokio::test]
async fn admin_command_creates_no_second_database() {
    let config = ChildConfig::new().await.without("DATABASE_URL").without("SERVER_KEY").without("DATA_DIR");
    let wrong = tempfile::tempdir().unwrap();
    let import = write_file(config.data.path(), "users.jsonl", &json!({ "username": "minji" }).to_string());
    let commands: [&[&str]; 5] = [
        &CREATE,
        &["admin", "grant", "gildong"],
        &["admin", "suspend", "gildong"],
        &["admin", "unlock", "gildong"],
        &["admin", "import-users", &import],
    ];
    for arguments in commands {
        let (done, out) = run(&config, wrong.path(), arguments);
        assert!(!done, "{arguments:?}: {out}");
        for part in ["does not exist", wrong.path().to_str().unwrap(), "DATA_DIR", "--create"] {
            assert!(out.contains(part), "{part}: {out}");
        }
        assert_eq!(fs::read_dir(wrong.path()).unwrap().count(), 0, "{arguments:?} created something");
    }
    // With `--create`, and then as usual.
    let (done, out) = run(&config, wrong.path(), &[&CREATE[..], &["--create"]].concat());
    assert!(done, "{out}");
    let (done, out) = run(&config, wrong.path(), &["admin", "grant", "gildong"]);
    assert!(done, "{out}");
}

/// The steps of the README: the server was started in this directory.
#[tokio::test]
async fn admin_command_finds_the_database_of_the_server() {
    let config = ChildConfig::new().await.without("DATABASE_URL");
    let child = config.serve().await;
    let (done, out) = run(&config, config.data.path(), &CREATE);
    assert!(done && out.starts_with("acc_"), "{out}");
    child.kill();
}

#[tokio::test]
async fn env_file_is_read_only_from_the_current_directory_and_logged() {
    let config = ChildConfig::new().await.without("APP_NAME");
    let folder = config.data.path().join("inner");
    fs::create_dir(&folder).unwrap();
    write_file(config.data.path(), ".env", "APP_NAME=Above\nCODE_LENGTH=99\n");
    let (done, out) = run(&config, &folder, &["--check-config"]);
    let above = config.data.path().join(".env");
    assert!(done && out.contains(&format!("{} is not read", above.display())), "{out}");
    let (done, out) = run(&config, config.data.path(), &["--check-config"]);
    assert!(!done && out.contains("CODE_LENGTH") && out.contains(above.to_str().unwrap()), "{out}");

    write_file(config.data.path(), ".env", "APP_NAME='It''s'\n");
    let (done, out) = run(&config, config.data.path(), &["--check-config"]);
    assert!(!done && out.contains("/.env, line 1: there is text after the closing quotation mark"), "{out}");

    write_file(config.data.path(), ".env", "# The name in messages\nAPP_NAME=Ca$h & Co#1 # comment\n");
    let child = config.serve().await;
    child.send_code("198.51.100.1", "010-2222-3333").await.unwrap();
    let deadline = tokio::time::Instant::now() + crate::support::TEST_TIMEOUT;
    let text = loop {
        if let Some(message) = child.outbox().await.pop() {
            break message["text"].as_str().unwrap().to_owned();
        }
        assert!(tokio::time::Instant::now() < deadline, "no code was sent");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(text.contains("[Ca$h & Co#1]"), "{text}");
    // It was the first line; many followed.
    assert!(
        config.log_text().contains(&format!("read from the environment and from {}", above.display())),
        "{}",
        config.log_text()
    );
    child.kill();
}

/// Every line of `.env.example` can be uncommented, alone and all together, and then states the default.
#[tokio::test]
async fn every_line_of_env_example_can_be_uncommented() {
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example")).unwrap();
    let settings: std::collections::BTreeMap<_, _> =
        countersign::app::settings().map(|setting| (setting.name, setting.default.unwrap_or_default())).collect();
    let is_setting = |line: &&str| {
        line.strip_prefix('#')
            .and_then(|line| line.split_once('='))
            .is_some_and(|(name, _)| settings.contains_key(name))
    };
    let lines: Vec<_> = example.lines().filter(is_setting).map(|line| &line[1..]).collect();
    assert_eq!(lines.len(), settings.len());
    for line in &lines {
        let read = platform::config::dotenv::parse(line.as_bytes()).unwrap();
        let [(name, value)] = read.as_slice() else { panic!("{line}: {read:?}") };
        assert_eq!(value, settings[name.as_str()], "{line}");
    }
    let mut config = ChildConfig::new().await;
    config.vars.clear();
    let whole: String =
        example.lines().map(|line| if is_setting(&line) { &line[1..] } else { line }).collect::<Vec<_>>().join("\n");
    write_file(config.data.path(), ".env", &whole);
    let output = config.command(&["--check-config"]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
