//! A real Redis for tests, and a proxy in front of it that can drop or stall connections.

use std::{future::Future, time::Duration};

use redis::IntoConnectionInfo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

use super::RedisLink;
use crate::{
    clock::Entropy,
    config::{Secret, redis::RedisSettings},
};

/// The environment variable with the URL of a Redis for tests, such as `redis://127.0.0.1:6379`. Test keys have a
/// prefix of their own.
const VARIABLE: &str = "COUNTERSIGN_TEST_REDIS";

/// The URL of the Redis for tests; without one, prints that `test` is skipped.
pub fn url(test: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "settings of the tests themselves")]
    let url = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        eprintln!("SKIPPED: {test}: {VARIABLE} is not set");
    }
    url
}

/// A prefix that is unique to the test.
pub fn prefix() -> String {
    format!("countersign-test:{}:", hex::encode(Entropy::System.bytes::<8>()))
}

pub async fn open(url: &str, prefix: &str) -> RedisLink {
    let settings = RedisSettings {
        url: Secret::new(url),
        prefix: prefix.to_owned(),
        // Long enough for a machine that is busy with other tests.
        timeout: Duration::from_millis(500),
    };
    RedisLink::open(&settings).await.unwrap()
}

/// Waits until `condition` holds; fails the test after ten seconds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    for _ in 0..1000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("timed out waiting: {what}");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flowing,
    /// No bytes are passed on and no connection is closed, as with a Redis that hangs.
    Held,
    /// Connections are closed, including new ones, as with a Redis that is down.
    Cut,
}

/// A TCP proxy to Redis.
pub struct Wire {
    /// The URL of Redis through the proxy.
    pub url: String,
    mode: watch::Sender<Mode>,
}

impl Wire {
    pub async fn to(url: &str) -> Self {
        let redis = url.into_connection_info().unwrap().addr().to_string();
        assert!(url.contains(&redis), "{VARIABLE} contains host and port");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url.replace(&redis, &listener.local_addr().unwrap().to_string());
        let mode = watch::Sender::new(Mode::Flowing);
        tokio::spawn(proxy(listener, redis, mode.subscribe()));
        Self { url, mode }
    }

    pub fn hold(&self) {
        self.mode.send_replace(Mode::Held);
    }

    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    pub fn mend(&self) {
        self.mode.send_replace(Mode::Flowing);
    }
}

async fn proxy(listener: TcpListener, redis: String, mode: watch::Receiver<Mode>) {
    while let Ok((client, _)) = listener.accept().await {
        if *mode.borrow() == Mode::Cut {
            continue;
        }
        let server = TcpStream::connect(&redis).await.unwrap();
        let mut mode = mode.clone();
        tokio::spawn(async move {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::select! {
                () = pump(from_client, to_server, mode.clone()) => {}
                () = pump(from_server, to_client, mode.clone()) => {}
                _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
            }
        });
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut mode: watch::Receiver<Mode>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if mode.wait_for(|mode| *mode != Mode::Held).await.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
