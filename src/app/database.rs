//! Opening the database at start: waiting for a server that is not available yet, migrating, and checking the schema.

use std::time::Duration;

use axum::Router;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::http::{self, server::Server};
use graphql_http::Shutdown;
use platform::{
    config::{Config, DatabaseLocation, http::Http},
    fault::{Fault, FaultKind},
    supervisor::Supervisor,
};
use store::Store;

/// The first pause between two attempts; each failure doubles it, up to `MAX_PAUSE`.
const MIN_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(3);

/// Opens the database and applies migrations as far as the settings allow. While it waits for a server, `listener`
/// serves `/healthz`.
///
/// # Errors
/// An error message for the operator.
pub(super) async fn open(
    config: &Config,
    supervisor: &Supervisor,
    listener: Option<&TcpListener>,
) -> Result<Store, String> {
    let store = connect(config, supervisor, listener).await?;
    let place = place(config);
    let cannot = |fault: Fault| format!("{place}: {}", fault.operator_message());
    if config.store.is_embedded() || config.store.auto_migrate {
        match store.migrate().await.map_err(cannot)? {
            0 => {}
            applied => tracing::info!("applied {applied} migrations to the database"),
        }
    }
    let schema = store.schema().await.map_err(cannot)?;
    if let Some(reason) = schema.too_new() {
        return Err(format!("{place}: {reason}"));
    }
    if let Some(reason) = schema.foreign() {
        if !schema.pending.is_empty() {
            return Err(format!("{place}: {reason}"));
        }
        tracing::warn!("{place}: {reason}");
    }
    match schema.pending.len() {
        0 => Ok(store),
        count => Err(format!(
            "{place}: {count} migrations are pending: run `countersign migrate` first, or set AUTO_MIGRATE=on"
        )),
    }
}

/// Connects. Waits up to `DATABASE_WAIT` for a server that is not reachable yet, is starting or is read-only.
///
/// # Errors
/// An error message for the operator.
pub(super) async fn connect(
    config: &Config,
    supervisor: &Supervisor,
    listener: Option<&TcpListener>,
) -> Result<Store, String> {
    let deadline = Instant::now() + config.store.wait;
    let mut pause = MIN_PAUSE;
    let mut logged = String::new();
    let mut waiting = None;
    loop {
        let fault = match attempt(config, supervisor).await {
            Ok(store) => {
                if let Some(waiting) = waiting {
                    StartupServer::end(waiting).await;
                }
                return Ok(store);
            }
            Err(fault) => fault,
        };
        let is_transient = fault.kind() == FaultKind::Unavailable && !config.store.is_embedded();
        if !is_transient || Instant::now() + pause > deadline {
            return Err(format!("{}: {}", place(config), fault.operator_message()));
        }
        if fault.operator_message() != logged {
            logged = fault.operator_message();
            tracing::warn!("waiting for the database: {logged}");
        }
        if waiting.is_none() {
            waiting = listener.and_then(|listener| StartupServer::begin(listener, &config.http));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

async fn attempt(config: &Config, supervisor: &Supervisor) -> Result<Store, Fault> {
    let store = Store::open(&config.store, supervisor).await?;
    match store.read_only() {
        None => Ok(store),
        Some(reason) => {
            store.close().await;
            Err(Fault::unavailable(reason))
        }
    }
}

fn place(config: &Config) -> String {
    match &config.store.place {
        DatabaseLocation::Sqlite { file } => format!("the database {}", file.display()),
        DatabaseLocation::Postgres { .. } => "DATABASE_URL".to_owned(),
    }
}

/// The server that runs while the program waits for the database: `/healthz` reports that the process is alive, all
/// other paths that it is starting.
struct StartupServer {
    stop: CancellationToken,
    serving: AbortOnDropHandle<usize>,
}

impl StartupServer {
    /// Serves on the same socket as the API later. `None`: the socket can't be cloned, and connections wait in the
    /// kernel's queue.
    fn begin(listener: &TcpListener, settings: &Http) -> Option<Self> {
        let socket = std::os::fd::AsFd::as_fd(listener).try_clone_to_owned().ok()?;
        let listener = TcpListener::from_std(std::net::TcpListener::from(socket)).ok()?;
        let stop = CancellationToken::new();
        let router: Router = http::health::starting();
        let server = Server::new(listener, router, settings, Shutdown::new(stop.clone())).ok()?;
        Some(Self { stop, serving: AbortOnDropHandle::new(tokio::spawn(server.run())) })
    }

    /// Stops after the requests in flight.
    async fn end(self) {
        self.stop.cancel();
        let _ = self.serving.await;
    }
}
