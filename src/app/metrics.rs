//! `METRICS_ADDR`: counting, and the listener that tells what was counted.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::rooms::Built;
use crate::{
    http::{self, server::Server, stop::Stop},
    store::Store,
};
use platform::{
    clock::Clock,
    config::{Telemetry, http::Http},
    password::Pool,
    telemetry::metrics::{self, Exporter, Queue},
};

/// Those who scrape are few.
const CONNECTIONS: usize = 16;
/// How long a scrape may take to be finished when everything else has stopped.
const GRACE: Duration = Duration::from_millis(500);

/// Counting has begun, and nobody can read it yet.
pub(super) struct Counting {
    exporter: Exporter,
    listener: TcpListener,
}

/// Counted and told until it is stopped.
pub(super) struct Metrics {
    asked: CancellationToken,
    server: AbortOnDropHandle<usize>,
    _keeping: AbortOnDropHandle<()>,
}

impl Counting {
    /// Counts from now on, where an address for it is set: before anything else is built, so that nothing is missed.
    ///
    /// # Errors
    /// The reason, for the operator.
    pub async fn begin(settings: &Telemetry) -> Result<Option<Self>, String> {
        let Some(address) = settings.metrics_addr else { return Ok(None) };
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| format!("METRICS_ADDR: can't listen on {address}: {error}"))?;
        let exporter =
            Exporter::install().map_err(|_| "METRICS_ADDR: this process counts for another already".to_owned())?;
        metrics::begin();
        Ok(Some(Self { exporter, listener }))
    }

    /// Tells what is counted.
    ///
    /// # Errors
    /// The reason, for the operator.
    pub fn tell(self, built: &Built, clock: Clock) -> Result<Metrics, String> {
        let Self { exporter, listener } = self;
        let (store, hashing) = (built.store.clone(), built.hashing.clone());
        let render = {
            let exporter = exporter.clone();
            Arc::new(move || {
                look(&store, &hashing);
                exporter.render()
            })
        };
        let router = http::metrics::routes(render, Exporter::CONTENT_TYPE);
        let asked = CancellationToken::new();
        // As careful with time and connections as the wire is; TLS is for those outside.
        let settings = Http {
            tls: None,
            max_connections: CONNECTIONS,
            connections_per_address: CONNECTIONS,
            shutdown_grace: GRACE,
            ..built.config.http.clone()
        };
        let server = Server::new(listener, router, &settings, Stop::new(asked.clone()))?;
        Ok(Metrics {
            asked,
            server: AbortOnDropHandle::new(tokio::spawn(server.run())),
            _keeping: AbortOnDropHandle::new(tokio::spawn(exporter.keep(clock))),
        })
    }
}

impl Metrics {
    /// Tells no more.
    pub async fn stop(self) {
        self.asked.cancel();
        let _ = self.server.await;
    }
}

/// What is not counted as it happens, but looked at when somebody asks.
fn look(store: &Store, hashing: &Pool) {
    let depth = |waiting: usize| u32::try_from(waiting).unwrap_or(u32::MAX);
    let (idle, used) = store.connections();
    metrics::pool(idle, used);
    if let Some(waiting) = store.writes_waiting() {
        metrics::queue_depth(Queue::Writes, depth(waiting));
    }
    metrics::queue_depth(Queue::Hashing, depth(hashing.waiting()));
}
