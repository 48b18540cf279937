//! pgbouncer in transaction mode, between two processes and PostgreSQL.

use std::{
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    load::{confirm, phone, send, status, until},
    on_servers,
    proxy::{server_of, through},
    servers::{free_port, is_root},
    without_quotas,
};
use crate::{process::child::ChildConfig, support::TEST_TIMEOUT};

struct Pooler {
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl Pooler {
    /// Starts pgbouncer in front of this server with few connections, so that each serves transactions of many clients.
    fn start(server: &str) -> Option<Self> {
        let (host, server_port) = server.split_once(':').unwrap();
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let file = folder.path().join("pgbouncer.ini");
        let settings = format!(
            "[databases]\n* = host={host} port={server_port} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 3\n"
        );
        std::fs::write(&file, settings).unwrap();
        let mut command = match is_root() {
            true => {
                assert!(Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status().unwrap().success());
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "pgbouncer"]);
                command
            }
            false => Command::new("pgbouncer"),
        };
        let process = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let mut pooler = Self { port, process, _folder: folder };
        let deadline = Instant::now() + TEST_TIMEOUT;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if pooler.process.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(Instant::now() < deadline, "pgbouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn second_process(config: &ChildConfig) -> ChildConfig {
    let address = format!("127.0.0.1:{}", free_port());
    config.second_process().with("LISTEN_ADDR", &address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_pooler_in_transaction_mode() {
    let what = "pgbouncer in transaction mode";
    if !on_servers(what) {
        return;
    }
    let config = without_quotas().await.with("DATABASE_STATEMENT_CACHE", "off").with("DATABASE_TIMEOUT", "20s");
    let Some(pooler) = Pooler::start(&server_of(&config)) else {
        eprintln!("LEFT OUT: {what}: no pgbouncer");
        return;
    };
    let (config, _) = through(config, pooler.port);
    // It migrates through the pooler, too.
    let one = config.serve().await;
    let other_plan = second_process(&config);
    let other = other_plan.serve().await;
    let ids: Vec<_> = futures_util::future::join_all((0..80).map(|at| {
        let child = if at % 2 == 0 { &one } else { &other };
        async move { send(child, &phone(at)).await.id().unwrap() }
    }))
    .await;
    let outbox = until("every message was sent", TEST_TIMEOUT, || async {
        // Either process sends whatever is queued.
        let outbox = [one.outbox().await, other.outbox().await].concat();
        ids.iter().enumerate().all(|(at, _)| outbox.iter().any(|message| message["to"] == *phone(at))).then_some(outbox)
    })
    .await;
    let confirmed = futures_util::future::join_all(ids.iter().enumerate().map(|(at, id)| {
        let child = if at % 2 == 0 { &other } else { &one };
        let message = outbox.iter().find(|message| message["to"] == *phone(at)).unwrap();
        let code = message["code"].as_str().unwrap().to_owned();
        async move { confirm(child, id, &code).await }
    }));
    for response in confirmed.await {
        assert!(response.is("ConfirmVerificationCodePayload"), "{response:?}");
    }
    assert_eq!((status(&one, "/readyz").await, status(&other, "/readyz").await), (200, 200));
    for output in [config.log_text(), other_plan.log_text()] {
        assert!(!output.contains("\"fault\"") && !output.contains("\"unavailable\""), "{output}");
    }
}
