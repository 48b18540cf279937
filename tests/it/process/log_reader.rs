//! The reader of standard error may stall: the server continues, stops when requested and reports how many lines were
//! lost.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    path::PathBuf,
    process::Command,
    time::Duration,
};

use futures_util::future::join_all;

use super::{
    child::{Child, ChildConfig},
    metrics::{count, scrape, scraped},
};
use crate::support::TEST_TIMEOUT;

/// A server whose standard error is a named pipe, with the reading end.
struct Piped {
    config: ChildConfig,
    child: Child,
    reader: File,
    sent: usize,
}

impl Piped {
    async fn start() -> Self {
        let quotas = ["CLIENT_SENDS_PER_MINUTE", "DESTINATION_HOURLY_SENDS", "PUMPING_MIN_SENDS"];
        let config =
            quotas.into_iter().fold(scraped(ChildConfig::new().await), |config, quota| config.with(quota, "unlimited"));
        let config = config.with("LOG", "trace");
        let pipe: PathBuf = config.data.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // Opened for reading and writing, so that the pipe exists before the server opens it and has no end of file
        // when the server exits.
        let reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec \"$0\" serve 2>\"$1\"", env!("CARGO_BIN_EXE_countersign")]).arg(&pipe);
        command.env_clear().envs(&config.vars).current_dir(config.data.path());
        let child = config.serve_with(command).await;
        Self { config, child, reader, sent: 0 }
    }

    async fn lost(&self) -> u64 {
        count(&scrape(&self.config).await, "countersign_log_lines_lost_total").unwrap()
    }

    /// Causes log output until lines are lost. Every request still gets its response.
    async fn stall(&mut self) {
        let deadline = std::time::Instant::now() + TEST_TIMEOUT;
        while self.lost().await == 0 {
            assert!(std::time::Instant::now() < deadline, "no line is lost; the log queue may be unbounded");
            let phones: Vec<_> = (self.sent..self.sent + 25).map(|n| format!("+82105{n:07}")).collect();
            self.sent += phones.len();
            let sends = join_all(phones.iter().map(|phone| self.child.send_code("198.51.100.1", phone))).await;
            assert!(sends.iter().all(Option::is_some), "{sends:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_log_reader_blocks_neither_requests_nor_shutdown() {
    let mut piped = Piped::start().await;
    piped.stall().await;
    for path in ["/healthz", "/readyz"] {
        let response = piped.child.http.get(format!("{}{path}", piped.child.url)).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }
    piped.child.signal("TERM");
    let ended = piped.child.wait_exit(TEST_TIMEOUT).await;
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resumed_log_reader_gets_the_number_of_lost_lines() {
    let mut piped = Piped::start().await;
    piped.stall().await;
    let mut reader = piped.reader.try_clone().unwrap();
    let (found, lost_line) = tokio::sync::oneshot::channel();
    // A detached thread, in case the line never comes.
    std::thread::spawn(move || {
        let (mut read, mut buffer) = (Vec::new(), [0; 65536]);
        loop {
            let bytes = reader.read(&mut buffer).unwrap();
            read.extend_from_slice(&buffer[..bytes]);
            let text = String::from_utf8_lossy(&read);
            if let Some(line) = text.lines().find(|line| line.contains("log lines dropped") && line.ends_with('}')) {
                return found.send((line.to_owned(), text.lines().next().unwrap_or_default().to_owned()));
            }
        }
    });
    let (lost_line, first) = tokio::time::timeout(TEST_TIMEOUT, lost_line).await.unwrap().unwrap();
    let lost_line: serde_json::Value = serde_json::from_str(&lost_line).unwrap();
    assert!(lost_line["lost"].as_u64().unwrap() > 0, "{lost_line}");
    assert!(first.contains("settings are read from the environment"), "nothing was lost before: {first}");
    piped.child.kill();
}

/// The queue is flushed when the process exits.
#[tokio::test]
async fn log_contains_the_shutdown() {
    let config = ChildConfig::new().await;
    let child = config.serve().await;
    child.signal("TERM");
    assert!(child.wait_exit(TEST_TIMEOUT).await.success());
    assert!(config.log_text().contains("shutting down"), "{}", config.log_text());
}

/// An invalid log level is rejected instead of silencing the log, and unknown targets are reported.
#[tokio::test]
async fn invalid_log_filter_is_rejected_or_reported() {
    let config = ChildConfig::new().await;
    for word in ["warning", "verbose", "2", "\"info\"", "countersign"] {
        let refused = config.second_process().with("LOG", word).run(&["serve"]);
        let output = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && output.contains("LOG: "), "{word}: {output}");
        assert!(output.contains("error, warn, info, debug, trace, off"), "{word}: {output}");
    }
    let config = config.with("LOG", "countersign::delivry=debug,nolib=warn");
    let child = config.serve().await;
    for part in
        ["the target countersign::delivry does not exist", "the target nolib does not exist", "serving the GraphQL API"]
    {
        let deadline = std::time::Instant::now() + TEST_TIMEOUT;
        while !config.log_text().contains(part) {
            assert!(std::time::Instant::now() < deadline, "{part}: {}", config.log_text());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    child.kill();
}
