//! Redis stops during operation: limits hold, and no status change is lost (FD-04).

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::json;

use crate::support::{Setup, different_code as wrong, env_var};

const PHONE: &str = "+821022223333";

/// A Redis server of the test's own, which it can stop.
struct Server {
    port: u16,
    process: Child,
}

impl Server {
    fn start(port: u16) -> Self {
        let arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string()];
        let process = Command::new("redis-server").args(arguments).stdout(Stdio::null()).spawn().unwrap();
        let deadline = std::time::Instant::now() + crate::support::TEST_TIMEOUT;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(std::time::Instant::now() < deadline, "redis-server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { port, process }
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_while_redis_is_stopped() {
    if env_var("COUNTERSIGN_TEST_REDIS_URL").is_none() {
        eprintln!("LEFT OUT: Redis may stop during operation: no COUNTERSIGN_TEST_REDIS_URL");
        return;
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut redis = Server::start(port);
    let setup = Setup::new().await.with("REDIS_URL", &format!("redis://127.0.0.1:{}", redis.port));
    let one = setup.with("CLIENT_SENDS_PER_MINUTE", "3").start().await;
    let other = one.another_process().await;
    let id = one.anonymous().send_code_to(PHONE).await["id"].clone();
    let code = one.code_sent_to(PHONE).await;
    let mut watch = other.anonymous().watch(&id).await;
    watch.until(|state| state["delivery"]["status"] == "SENT").await;

    redis.stop();
    // Guesses are still checked, and attempts are counted across both processes.
    assert_eq!(one.anonymous().confirm(&id, &wrong(&code)).await["attemptsRemaining"], 4);
    assert_eq!(other.anonymous().confirm(&id, &wrong(&code)).await["attemptsRemaining"], 3);
    // Each process keeps its own count: with two processes the limit is at most doubled, never absent.
    let mut granted = 1;
    for n in 0..12 {
        let app = if n % 2 == 0 { &one } else { &other };
        let input = json!({ "purpose": "CONTACT", "to": { "phone": format!("010-5555-{n:04}") } });
        granted += usize::from(app.anonymous().send_code(input).await["__typename"] == "SendVerificationCodePayload");
    }
    assert!((3..=6).contains(&granted), "{granted}");
    let late = one.anonymous().confirm(&id, &code).await;
    assert_eq!(late["__typename"], "ConfirmVerificationCodePayload");

    // Redis is back: changes from the meantime are read.
    let redis = Server::start(port);
    assert_eq!(watch.last().await["status"], "VERIFIED");
    other.stop().await;
    one.stop().await;
    drop(redis);
}
