//! The accept loop.
//!
//! `axum::serve` has no time-outs of any kind and no bound on connections: two hundred slow clients are two hundred
//! connections for ever.

use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    config::http::{Http, Patience},
    http::{
        connection,
        pulse::{Pulse, Watched},
        stop::Stop,
        tls,
    },
    telemetry::metrics::OpenConnection,
};

/// After an `accept` that failed for want of descriptors or memory: nothing is gained by asking at once again.
const BREATHER: Duration = Duration::from_millis(100);

/// A server that is ready to serve.
pub struct Server {
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    places: Arc<Semaphore>,
    patience: Patience,
    grace: Duration,
    stop: Stop,
}

impl Server {
    /// # Errors
    /// Words for the operator where certificate or key can't be used.
    pub fn new(listener: TcpListener, router: Router, settings: &Http, stop: Stop) -> Result<Self, String> {
        Ok(Self {
            listener,
            router,
            tls: settings.tls.as_ref().map(tls::acceptor).transpose()?,
            places: Arc::new(Semaphore::new(settings.max_connections)),
            patience: settings.patience.clone(),
            grace: settings.shutdown_grace,
            stop,
        })
    }

    /// Serves until the stop is asked for, then ends what runs: requests are answered, sockets closed with 1001,
    /// streams ended. How many connections had to be cut when the grace was over.
    pub async fn run(self) -> usize {
        let Self { listener, router, tls, places, patience, grace, stop } = self;
        let patience = Arc::new(patience);
        let take_on = |stream, place| {
            let (router, tls, patience, ending) = (router.clone(), tls.clone(), patience.clone(), stop.clone());
            stop.spawn(async move { serve(stream, place, router, tls, &patience, &ending).await });
        };
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.asked() => break,
                accepted = accept(&listener, &places) => accepted,
            };
            let Some((stream, place)) = accepted else { continue };
            take_on(stream, place);
        }
        // Whoever is connecting just now has not heard of it: taken on, answered, and told to come no more.
        let until = Instant::now() + patience.parting;
        while let Ok(accepted) = tokio::time::timeout_at(until, accept(&listener, &places)).await {
            let Some((stream, place)) = accepted else { continue };
            take_on(stream, place);
        }
        for (stream, place) in waiting(listener, &places) {
            take_on(stream, place);
        }
        stop.drain(grace).await
    }
}

/// Those who wait in the kernel's queue; closing the listener would reset them.
fn waiting(listener: TcpListener, places: &Arc<Semaphore>) -> Vec<(TcpStream, OwnedSemaphorePermit)> {
    let mut found = Vec::new();
    // Asked of the system itself: what the runtime knows of the queue may be a moment old.
    let Ok(listener) = listener.into_std() else { return found };
    while let (Ok(place), Ok((stream, _))) = (places.clone().try_acquire_owned(), listener.accept()) {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            found.push((stream, place));
        }
    }
    found
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    // The place first: what is not accepted waits in the kernel's queue and costs us nothing.
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            if !is_the_clients(&error) {
                tracing::warn!(%error, "can't accept connections");
                tokio::time::sleep(BREATHER).await;
            }
            None
        }
    }
}

/// Whether the connection was gone before it was accepted.
fn is_the_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    router: Router,
    tls: Option<TlsAcceptor>,
    patience: &Patience,
    stop: &Stop,
) {
    let Ok(peer) = stream.peer_addr() else { return };
    let _counted = OpenConnection::new();
    // Small answers go out at once; without effect on a connection that is gone already.
    let _ = stream.set_nodelay(true);
    let pulse = Pulse::new(Instant::now());
    match tls {
        None => {
            let stream = Watched::new(stream, pulse.clone(), place);
            connection::serve(stream, pulse, peer, router, patience, stop).await;
        }
        Some(tls) => {
            let Ok(Ok(stream)) = tokio::time::timeout(patience.head, tls.accept(stream)).await else { return };
            let stream = Watched::new(stream, pulse.clone(), place);
            // Boxed, since it is several times larger than the other future.
            Box::pin(connection::serve(stream, pulse, peer, router, patience, stop)).await;
        }
    }
}
