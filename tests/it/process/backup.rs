//! `backup` and `stats` while the server runs.

use std::{
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::child::{Child, ChildConfig, run_timed, write_file};

const DOCUMENT: &str = "mutation($id: ID!, $code: String!) { it: confirmVerificationCode(input: { verificationId: $id, code: $code }) \
                        { __typename } }";

/// Sends until there is enough; returns the verifications with their phone numbers.
async fn send_until_enough(
    child: Arc<Child>,
    enough: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
) -> Vec<(String, String)> {
    let mut ids = Vec::new();
    while !enough.load(Ordering::SeqCst) {
        let phone = format!("+8210300{:05}", ids.len());
        ids.push((child.send_code("198.51.100.1", &phone).await.unwrap(), phone));
        sent.store(ids.len(), Ordering::SeqCst);
    }
    ids
}

/// The backup contains everything that was acknowledged before it, and a server starts from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_under_load_is_complete_and_usable() {
    let config = ChildConfig::new()
        .await
        .without("DATABASE_URL")
        .with("CLIENT_SENDS_PER_MINUTE", "unlimited")
        .with("PUMPING_MIN_SENDS", "unlimited")
        .with("DESTINATION_HOURLY_SENDS", "unlimited");
    let child = Arc::new(config.serve().await);
    let (enough, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let sending = tokio::spawn(send_until_enough(Arc::clone(&child), Arc::clone(&enough), Arc::clone(&sent)));
    while sent.load(Ordering::SeqCst) < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = sent.load(Ordering::SeqCst);
    let copy = config.data.path().join("copy.db");
    let (status, output, _) = {
        let (config, copy) = (&config, copy.to_str().unwrap().to_owned());
        tokio::task::block_in_place(|| run_timed(config, &["backup", &copy]))
    };
    enough.store(true, Ordering::SeqCst);
    assert!(status.success() && output.contains("Copied"), "{output}");
    let acknowledged = sending.await.unwrap();
    assert!(acknowledged.len() > before, "it was written to during the backup");
    let child = Arc::try_unwrap(child).unwrap_or_else(|_| panic!("the value is no longer shared"));
    child.kill();

    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let left = std::fs::read_dir(config.data.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().contains("partial")), "temporary files were left");
    // An existing target of any kind is not overwritten.
    let (status, output, _) = run_timed(&config, &["backup", copy.to_str().unwrap()]);
    assert!(!status.success() && output.contains("not overwritten"), "{output}");
    let other = write_file(config.data.path(), "other", "");
    assert!(!run_timed(&config, &["backup", &other]).0.success());
    assert_eq!(std::fs::read(&other).unwrap(), b"");

    let restored = config.with("DATABASE_URL", &format!("sqlite:{}", copy.display()));
    let child = restored.serve().await;
    for (id, phone) in &acknowledged[..before] {
        let outbox = child.outbox().await;
        let message = outbox.iter().find(|message| message["to"] == **phone);
        // A message that was still queued in the copy is sent by the server that uses the copy.
        let Some(message) = message else { continue };
        let response =
            child.execute("198.51.100.2", DOCUMENT, json!({ "id": id, "code": message["code"] })).await.unwrap();
        let response = &response["data"]["it"]["__typename"];
        assert!(response == "ConfirmVerificationCodePayload" || response == "QuotaExceeded", "{response}");
    }
    let stats = restored.run(&["stats", "--json"]);
    let figures: Value = serde_json::from_slice(&stats.stdout).unwrap();
    assert!(figures["funnel"][0]["started"].as_u64().unwrap() >= before as u64, "{figures:#}");
}

#[tokio::test]
async fn backup_refuses_a_server_database() {
    let config = ChildConfig::new().await.with("DATABASE_URL", "postgres://nobody:Sup3rS3cret@127.0.0.1:1/nowhere");
    let (status, output, _) = run_timed(&config, &["backup", "copy.db"]);
    assert!(!status.success() && output.contains("pg_dump") && !output.contains("Sup3rS3cret"), "{output}");
    assert!(!config.data.path().join("copy.db").exists());
}

#[tokio::test]
async fn backup_and_stats_without_a_database_create_nothing() {
    let config = ChildConfig::new().await.without("DATABASE_URL");
    for arguments in [["backup", "copy.db"], ["stats", "--json"]] {
        let (status, output, _) = run_timed(&config, &arguments);
        assert!(
            !status.success() && output.contains("does not exist: run this in the folder of the service"),
            "{output}"
        );
    }
    assert_eq!(std::fs::read_dir(config.data.path()).unwrap().count(), 0);
}

/// The same figures as a table and as JSON.
#[tokio::test]
async fn stats_show_the_funnel_and_the_providers() {
    let config = ChildConfig::new().await.with("CODE_MAX_ATTEMPTS", "1");
    let child = config.serve().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(child.send_code("198.51.100.1", &format!("+8210444000{number}1")).await.unwrap());
    }
    let deadline = tokio::time::Instant::now() + crate::support::TEST_TIMEOUT;
    let outbox = loop {
        let outbox = child.outbox().await;
        if outbox.len() == 3 {
            break outbox;
        }
        assert!(tokio::time::Instant::now() < deadline, "{outbox:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let code = |number: usize| {
        let to = format!("+8210444000{number}1");
        outbox.iter().find(|message| message["to"] == *to).unwrap()["code"].clone()
    };
    child.execute("198.51.100.1", DOCUMENT, json!({ "id": ids[0], "code": code(0) })).await.unwrap();
    let wrong = if code(1) == "000000" { "000001" } else { "000000" };
    child.execute("198.51.100.1", DOCUMENT, json!({ "id": ids[1], "code": wrong })).await.unwrap();
    // The message appears in the outbox shortly before its row is updated.
    let figures = loop {
        let figures: Value = serde_json::from_slice(&config.run(&["stats", "--json"]).stdout).unwrap();
        if figures["funnel"][0]["sent"].as_i64().unwrap() + figures["funnel"][0]["delivered"].as_i64().unwrap() >= 3 {
            break figures;
        }
        assert!(tokio::time::Instant::now() < deadline, "{figures:#}");
    };
    let row = &figures["funnel"][0];
    assert_eq!((&row["purpose"], &row["channel"]), (&json!("CONTACT"), &json!("SMS")));
    assert_eq!((&row["started"], &row["verified"], &row["locked"]), (&json!(3), &json!(1), &json!(1)));
    let provider = &figures["providers"][0];
    assert_eq!((&provider["provider"], &provider["messages"]), (&json!("development"), &json!(3)));
    assert_eq!(figures["waiting"], 0);
    let text = String::from_utf8(config.run(&["stats", "--since", "1h"]).stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("CONTACT")).unwrap_or_else(|| panic!("{text}"));
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!((words[2], words[words.len() - 2], words[words.len() - 1]), ("3", "33", "%"), "{text}");
    assert!(text.contains("development") && text.contains("Due and waiting now: 0"), "{text}");
    let wrong = config.run(&["stats", "--since", "yesterday"]);
    assert!(!wrong.status.success());
}
