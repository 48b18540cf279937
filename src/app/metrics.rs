//! `METRICS_ADDR`: recording metrics, and the server that exports them.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{listen::listen, services::BuiltServices};
use crate::http::{self, server::Server};
use graphql_http::Shutdown;
use platform::{
    clock::Clock,
    config::{Telemetry, http::Http},
    password::Pool,
    telemetry::metrics::{self, Exporter, Queue},
};
use store::Store;

/// Maximum connections: there are only a few scrapers.
const MAX_CONNECTIONS: usize = 16;
/// How long a scrape in flight may take to finish at shutdown.
const GRACE: Duration = Duration::from_millis(500);

/// Metrics are being recorded, and not served yet.
pub(super) struct MetricsRecorder {
    exporter: Exporter,
    listener: TcpListener,
}

/// The running metrics server.
pub(super) struct Metrics {
    shutdown: CancellationToken,
    server: AbortOnDropHandle<usize>,
    _upkeep: AbortOnDropHandle<()>,
}

impl MetricsRecorder {
    /// Starts to record metrics, if an address is set. It must run before anything else is built, so that nothing is
    /// missed.
    ///
    /// # Errors
    /// An error message for the operator.
    pub async fn begin(settings: &Telemetry) -> Result<Option<Self>, String> {
        let Some(address) = settings.metrics_addr else { return Ok(None) };
        let listener = listen("METRICS_ADDR", address).await?;
        let exporter = Exporter::install()
            .map_err(|_| "METRICS_ADDR: a metrics recorder is already installed in this process".to_owned())?;
        metrics::init();
        Ok(Some(Self { exporter, listener }))
    }

    /// Starts the metrics server.
    ///
    /// # Errors
    /// An error message for the operator.
    pub fn serve(self, built: &BuiltServices, clock: Clock) -> Result<Metrics, String> {
        let Self { exporter, listener } = self;
        let (store, hashing) = (built.store.clone(), built.hashing.clone());
        let render = {
            let exporter = exporter.clone();
            Arc::new(move || {
                sample(&store, &hashing);
                exporter.render()
            })
        };
        let router = http::metrics::routes(render, Exporter::CONTENT_TYPE);
        let shutdown = CancellationToken::new();
        // The same timeouts and limits as the API; without TLS, since scrapers are on the internal network.
        let settings = Http {
            tls: None,
            max_connections: MAX_CONNECTIONS,
            connections_per_address: MAX_CONNECTIONS,
            shutdown_grace: GRACE,
            ..built.config.http.clone()
        };
        let server = Server::new(listener, router, &settings, Shutdown::new(shutdown.clone()))?;
        Ok(Metrics {
            shutdown,
            server: AbortOnDropHandle::new(tokio::spawn(server.run())),
            _upkeep: AbortOnDropHandle::new(tokio::spawn(exporter.run_upkeep(clock))),
        })
    }
}

impl Metrics {
    /// Stops the server.
    pub async fn stop(self) {
        self.shutdown.cancel();
        let _ = self.server.await;
    }
}

/// Sets the gauges that are sampled at each scrape.
fn sample(store: &Store, hashing: &Pool) {
    let depth = |waiting: usize| u32::try_from(waiting).unwrap_or(u32::MAX);
    let (idle, used) = store.connections();
    metrics::pool(idle, used);
    if let Some(waiting) = store.queued_writes() {
        metrics::queue_depth(Queue::Writes, depth(waiting));
    }
    metrics::queue_depth(Queue::Hashing, depth(hashing.queued()));
}
