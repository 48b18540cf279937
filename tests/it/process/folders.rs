//! Where the program finds its settings and its database: what it reads, and what it refuses to make up.

use std::{fs, process::Stdio};

use serde_json::json;

use super::child::{Plan, written};

const CREATE: [&str; 6] = ["admin", "create-user", "--username", "gildong", "--phone", "010-2222-3333"];

/// The program as a person runs it, without what the tests add.
fn run(plan: &Plan, folder: &std::path::Path, arguments: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).env_clear().envs(&plan.vars).current_dir(folder);
    let password = written(plan.data.path(), "password", "Quiet-Harbour-71!\n");
    let output = command.stdin(fs::File::open(password).unwrap()).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), said)
}

#[tokio::test]
async fn an_admin_command_makes_no_second_database() {
    let plan = Plan::new().await.without("DATABASE_URL").without("SERVER_KEY").without("DATA_DIR");
    let wrong = tempfile::tempdir().unwrap();
    let import = written(plan.data.path(), "users.jsonl", &json!({ "username": "minji" }).to_string());
    let commands: [&[&str]; 5] = [
        &CREATE,
        &["admin", "grant", "gildong"],
        &["admin", "suspend", "gildong"],
        &["admin", "unlock", "gildong"],
        &["admin", "import-users", &import],
    ];
    for arguments in commands {
        let (done, said) = run(&plan, wrong.path(), arguments);
        assert!(!done, "{arguments:?}: {said}");
        for part in ["there is no database", wrong.path().to_str().unwrap(), "DATA_DIR", "--create"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert_eq!(fs::read_dir(wrong.path()).unwrap().count(), 0, "{arguments:?} made something");
    }
    // Where it is wanted, and from then on as usual.
    let (done, said) = run(&plan, wrong.path(), &[&CREATE[..], &["--create"]].concat());
    assert!(done, "{said}");
    let (done, said) = run(&plan, wrong.path(), &["admin", "grant", "gildong"]);
    assert!(done, "{said}");
}

/// The flow of the README: the service was started in the folder.
#[tokio::test]
async fn an_admin_command_finds_the_database_of_the_service() {
    let plan = Plan::new().await.without("DATABASE_URL");
    let child = plan.serve().await;
    let (done, said) = run(&plan, plan.data.path(), &CREATE);
    assert!(done && said.starts_with("acc_"), "{said}");
    child.kill();
}

#[tokio::test]
async fn the_env_file_of_this_folder_is_read_and_named_and_one_above_is_not() {
    let plan = Plan::new().await.without("APP_NAME");
    let folder = plan.data.path().join("inner");
    fs::create_dir(&folder).unwrap();
    written(plan.data.path(), ".env", "APP_NAME=Above\nCODE_LENGTH=99\n");
    let (done, said) = run(&plan, &folder, &["--check-config"]);
    let above = plan.data.path().join(".env");
    assert!(done && said.contains(&format!("{} is not read", above.display())), "{said}");
    let (done, said) = run(&plan, plan.data.path(), &["--check-config"]);
    assert!(!done && said.contains("CODE_LENGTH") && said.contains(above.to_str().unwrap()), "{said}");

    written(plan.data.path(), ".env", "APP_NAME='It''s'\n");
    let (done, said) = run(&plan, plan.data.path(), &["--check-config"]);
    assert!(!done && said.contains("/.env, line 1: there is text after the closing quotation mark"), "{said}");

    written(plan.data.path(), ".env", "# The name in messages\nAPP_NAME=Ca$h & Co#1 # comment\n");
    let child = plan.serve().await;
    child.send_code("198.51.100.1", "010-2222-3333").await.unwrap();
    let deadline = tokio::time::Instant::now() + crate::support::TEST_TIMEOUT;
    let text = loop {
        if let Some(message) = child.outbox().await.pop() {
            break message["text"].as_str().unwrap().to_owned();
        }
        assert!(tokio::time::Instant::now() < deadline, "no code came");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(text.contains("[Ca$h & Co#1]"), "{text}");
    // It was the first line, and many came after it.
    assert!(plan.logged().contains(&format!("else from {}", above.display())), "{}", plan.logged());
    child.kill();
}

/// Every line of `.env.example` can be uncommented, by itself and all at once, and then says what the program does
/// without it.
#[tokio::test]
async fn every_line_of_the_example_can_be_uncommented() {
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
        let read = countersign::config::dotenv::parse(line.as_bytes()).unwrap();
        let [(name, value)] = read.as_slice() else { panic!("{line}: {read:?}") };
        assert_eq!(value, settings[name.as_str()], "{line}");
    }
    let mut plan = Plan::new().await;
    plan.vars.clear();
    let whole: String =
        example.lines().map(|line| if is_setting(&line) { &line[1..] } else { line }).collect::<Vec<_>>().join("\n");
    written(plan.data.path(), ".env", &whole);
    let output = plan.command(&["--check-config"]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
