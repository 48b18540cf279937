//! Whoever reads standard error may stall: the service goes on, stops when it is asked to, and says what was lost.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use futures_util::future::join_all;

use super::{
    child::{Child, Plan},
    metrics::{count, scrape, scraped},
};
use crate::support::TEST_TIMEOUT;

/// A program whose standard error is a pipe, and the other end of that.
struct Piped {
    plan: Plan,
    child: Child,
    reader: File,
    sent: usize,
}

impl Piped {
    async fn start() -> Self {
        let quotas = ["CLIENT_SENDS_PER_MINUTE", "DESTINATION_HOURLY_SENDS", "PUMPING_MIN_SENDS"];
        let plan = quotas.into_iter().fold(scraped(Plan::new().await), |plan, quota| plan.with(quota, "unlimited"));
        let plan = plan.with("LOG", "trace");
        let pipe: PathBuf = plan.data.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // Opened for both, it is there before the program comes, and is not at its end when the program goes.
        let reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec \"$0\" serve 2>\"$1\"", env!("CARGO_BIN_EXE_countersign")]).arg(&pipe);
        command.env_clear().envs(&plan.vars).current_dir(plan.data.path());
        let child = plan.serve_by(command).await;
        Self { plan, child, reader, sent: 0 }
    }

    async fn lost(&self) -> u64 {
        count(&scrape(&self.plan).await, "countersign_log_lines_lost_total").unwrap()
    }

    /// Has things logged until lines are lost. Every request is answered all the same.
    async fn stall(&mut self) {
        let deadline = std::time::Instant::now() + TEST_TIMEOUT;
        while self.lost().await == 0 {
            assert!(std::time::Instant::now() < deadline, "no line is lost: is anything bounded?");
            let phones: Vec<_> = (self.sent..self.sent + 25).map(|n| format!("+82105{n:07}")).collect();
            self.sent += phones.len();
            let sends = join_all(phones.iter().map(|phone| self.child.send_code("198.51.100.1", phone))).await;
            assert!(sends.iter().all(Option::is_some), "{sends:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stalls_holds_up_neither_requests_nor_the_end() {
    let mut piped = Piped::start().await;
    piped.stall().await;
    for path in ["/healthz", "/readyz"] {
        let answer = piped.child.http.get(format!("{}{path}", piped.child.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    piped.child.signal("TERM");
    let ended = piped.child.ended_within(TEST_TIMEOUT).await;
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_comes_back_reads_on_and_is_told_what_is_missing() {
    let mut piped = Piped::start().await;
    piped.stall().await;
    let mut reader = piped.reader.try_clone().unwrap();
    let (found, told) = tokio::sync::oneshot::channel();
    // A thread that nobody waits for, should the line never come.
    std::thread::spawn(move || {
        let (mut read, mut buffer) = (Vec::new(), [0; 65536]);
        loop {
            let bytes = reader.read(&mut buffer).unwrap();
            read.extend_from_slice(&buffer[..bytes]);
            let text = String::from_utf8_lossy(&read);
            if let Some(line) = text.lines().find(|line| line.contains("log lines were lost") && line.ends_with('}')) {
                return found.send((line.to_owned(), text.lines().next().unwrap_or_default().to_owned()));
            }
        }
    });
    let (told, first) = tokio::time::timeout(TEST_TIMEOUT, told).await.unwrap().unwrap();
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(told["lost"].as_u64().unwrap() > 0, "{told}");
    assert!(first.contains("settings come from the environment"), "nothing was lost before: {first}");
    piped.child.kill();
}

/// What is in the queue when the program ends is written first.
#[tokio::test]
async fn the_end_is_in_the_log() {
    let plan = Plan::new().await;
    let child = plan.serve().await;
    child.signal("TERM");
    assert!(child.ended_within(TEST_TIMEOUT).await.success());
    assert!(plan.logged().contains("stopping: no new work"), "{}", plan.logged());
}

/// A level that is none silences nothing: it is refused, and a target that does not exist is said.
#[tokio::test]
async fn a_slip_in_log_is_refused_or_said() {
    let plan = Plan::new().await;
    for word in ["warning", "verbose", "2", "\"info\"", "countersign"] {
        let refused = plan.beside().with("LOG", word).run(&["serve"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains("LOG: "), "{word}: {said}");
        assert!(said.contains("error, warn, info, debug, trace, off"), "{word}: {said}");
    }
    let plan = plan.with("LOG", "countersign::delivry=debug,nolib=warn");
    let child = plan.serve().await;
    for part in ["there is no target countersign::delivry", "there is no target nolib", "serving the GraphQL API"] {
        let deadline = std::time::Instant::now() + TEST_TIMEOUT;
        while !plan.logged().contains(part) {
            assert!(std::time::Instant::now() < deadline, "{part}: {}", plan.logged());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    child.kill();
}
