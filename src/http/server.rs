//! The accept loop.
//!
//! `axum::serve` has no timeouts and no limit of connections: two hundred slow clients would hold two hundred
//! connections forever.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use crate::http::{
    connection,
    connection_activity::{ConnectionActivity, ObservedStream},
    connection_limits::{ConnectionLimits, ConnectionSlot},
    tls::Tls,
};
use graphql_http::Shutdown;
use platform::{
    config::http::{Http, Timeouts},
    telemetry::metrics::OpenConnection,
};

/// Pause after an `accept` that failed because descriptors or memory are exhausted.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A server that is ready to serve.
pub struct Server {
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    connection_limits: ConnectionLimits,
    timeouts: Timeouts,
    grace: Duration,
    shutdown: Shutdown,
}

impl Server {
    /// # Errors
    /// A message for the operator if the certificate or the key can't be used.
    pub fn new(listener: TcpListener, router: Router, settings: &Http, stop: Shutdown) -> Result<Self, String> {
        Ok(Self {
            listener,
            router,
            tls: settings.tls.as_ref().map(Tls::open).transpose()?,
            connection_limits: ConnectionLimits::new(settings),
            timeouts: settings.timeouts.clone(),
            grace: settings.shutdown_grace,
            shutdown: stop,
        })
    }

    /// Certificate and key, if TLS is terminated here.
    pub fn tls(&self) -> Option<Tls> {
        self.tls.clone()
    }

    /// Serves until shutdown is requested, then drains: requests are finished, sockets closed with 1001, streams ended.
    /// Returns how many connections had to be closed when the grace period was over.
    pub async fn run(self) -> usize {
        let Self { listener, router, tls, connection_limits: limits, timeouts, grace, shutdown: stop } = self;
        let timeouts = Arc::new(timeouts);
        let _current = tls.as_ref().map(|tls| AbortOnDropHandle::new(tokio::spawn(tls.clone().keep_current())));
        let tls = tls.map(|tls| tls.acceptor());
        let spawn_connection = |accepted| {
            let (router, tls, timeouts, stopping) = (router.clone(), tls.clone(), timeouts.clone(), stop.clone());
            stop.spawn(async move { serve(accepted, router, tls, &timeouts, &stopping).await });
        };
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.requested() => break,
                accepted = accept(&listener, &limits) => accepted,
            };
            let Some(accepted) = accepted else { continue };
            spawn_connection(accepted);
        }
        // Clients that are just connecting have not noticed the shutdown: their request gets a response with `Connection:
        // close`.
        let until = Instant::now() + timeouts.drain_delay;
        while let Ok(accepted) = tokio::time::timeout_at(until, accept(&listener, &limits)).await {
            let Some(accepted) = accepted else { continue };
            spawn_connection(accepted);
        }
        for accepted in accept_queued(listener, &limits) {
            spawn_connection(accepted);
        }
        stop.drain(grace).await
    }
}

/// A connection with a slot.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    activity: Arc<ConnectionActivity>,
    slot: ConnectionSlot,
}

/// Connections in the kernel's accept queue; closing the listener would reset them.
fn accept_queued(listener: TcpListener, limits: &ConnectionLimits) -> Vec<Accepted> {
    let mut found = Vec::new();
    // The system is queried directly, because the runtime's readiness of the listener may be outdated.
    let Ok(listener) = listener.into_std() else { return found };
    while let Ok((stream, peer)) = listener.accept() {
        let activity = ConnectionActivity::new(Instant::now());
        if let Ok(slot) = limits.try_acquire(peer, &activity)
            && stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            found.push(Accepted { stream, peer, activity, slot });
        }
    }
    found
}

/// The next connection. None if accepting failed, or its network has reached its limit.
async fn accept(listener: &TcpListener, limits: &ConnectionLimits) -> Option<Accepted> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            let activity = ConnectionActivity::new(Instant::now());
            // While all slots are busy, this connection waits here, and the ones behind it in the kernel's queue.
            let slot = limits.acquire(peer, &activity).await?;
            Some(Accepted { stream, peer, activity, slot })
        }
        Err(error) => {
            if !is_client_error(&error) {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
            None
        }
    }
}

/// Whether the client closed the connection before it was accepted.
fn is_client_error(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve(accepted: Accepted, router: Router, tls: Option<TlsAcceptor>, timeouts: &Timeouts, stop: &Shutdown) {
    let Accepted { stream, peer, activity, slot } = accepted;
    let _counted = OpenConnection::new();
    // Small responses are sent at once. Fails only if the connection is already closed.
    let _ = stream.set_nodelay(true);
    let evicted = slot.evicted();
    let serving = async {
        match tls {
            None => {
                let stream = ObservedStream::new(stream, activity.clone(), slot);
                connection::serve(stream, activity.clone(), peer, router, timeouts, stop).await;
            }
            Some(tls) => {
                let Ok(Ok(stream)) = tokio::time::timeout(timeouts.head, tls.accept(stream)).await else { return };
                let stream = ObservedStream::new(stream, activity.clone(), slot);
                // Boxed because it is several times larger than the other future.
                Box::pin(connection::serve(stream, activity.clone(), peer, router, timeouts, stop)).await;
            }
        }
    };
    tokio::select! {
        // A connection that is still open afterwards was upgraded to a socket, which has its own task.
        () = serving => activity.upgraded(),
        () = evicted.cancelled() => {}
    }
}
