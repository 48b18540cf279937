//! A TCP proxy between the service and a server: it can cut connections, delay traffic and refuse connections.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::{AbortHandle, JoinHandle},
};

use crate::process::child::ChildConfig;

/// Stops when dropped, with its last connections.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    connections: Mutex<Vec<AbortHandle>>,
    delay: AtomicU64,
    closed: AtomicBool,
}

impl Proxy {
    /// Starts a proxy in front of this address.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared: Arc<Shared> = Arc::default();
        let (of_all, server) = (Arc::clone(&shared), server.to_owned());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if of_all.closed.load(Ordering::SeqCst) {
                    continue;
                }
                let (shared, server) = (Arc::clone(&of_all), server.clone());
                let connection = tokio::spawn(async move {
                    let Ok(upstream) = TcpStream::connect(server).await else { return };
                    let ((from_client, to_client), (from_server, to_server)) =
                        (client.into_split(), upstream.into_split());
                    tokio::select! {
                        () = pass(from_client, to_server, &shared) => {}
                        () = pass(from_server, to_client, &shared) => {}
                    }
                });
                let mut connections = of_all.connections.lock().unwrap();
                connections.retain(|connection| !connection.is_finished());
                connections.push(connection.abort_handle());
            }
        });
        Self { port, shared, accepting }
    }

    /// Cuts every connection and returns how many there were. New connections are accepted.
    pub fn cut(&self) -> usize {
        let connections = std::mem::take(&mut *self.shared.connections.lock().unwrap());
        let alive = connections.into_iter().filter(|connection| !connection.is_finished());
        alive.inspect(AbortHandle::abort).count()
    }

    /// Refuses new connections, or accepts them again.
    pub fn refuse(&self, refused: bool) {
        self.shared.closed.store(refused, Ordering::SeqCst);
    }

    /// Delays the traffic in both directions.
    pub fn delay(&self, span: Duration) {
        self.shared.delay.store(u64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let delay = shared.delay.load(Ordering::SeqCst);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.refuse(true);
        self.accepting.abort();
        self.cut();
    }
}

/// The address of the server of a configuration's database.
pub fn server_of(config: &ChildConfig) -> String {
    let (_, rest) = config.vars["DATABASE_URL"].split_once("://").unwrap();
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let host = place.split_once('/').unwrap().0;
    if host.contains(':') { host.to_owned() } else { format!("{host}:5432") }
}

/// The configuration with the database behind `port`, and the direct URL.
pub fn through(config: ChildConfig, port: u16) -> (ChildConfig, String) {
    let direct = config.vars["DATABASE_URL"].clone();
    let (scheme, rest) = direct.split_once("://").unwrap();
    let (user, place) =
        rest.rsplit_once('@').map_or((String::new(), rest), |(user, place)| (format!("{user}@"), place));
    let (_, name) = place.split_once('/').unwrap();
    (config.with("DATABASE_URL", &format!("{scheme}://{user}127.0.0.1:{port}/{name}")), direct)
}
