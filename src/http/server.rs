//! The accept loop.
//!
//! `axum::serve` has no time-outs of any kind and no bound on connections: two hundred slow clients are two hundred
//! connections for ever.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    config::http::{Http, Patience},
    http::{
        connection,
        places::{Place, Places},
        pulse::{Pulse, Watched},
        stop::Stop,
        tls::Tls,
    },
    telemetry::metrics::OpenConnection,
};

/// After an `accept` that failed for want of descriptors or memory: nothing is gained by asking at once again.
const BREATHER: Duration = Duration::from_millis(100);

/// A server that is ready to serve.
pub struct Server {
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    places: Places,
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
            tls: settings.tls.as_ref().map(Tls::open).transpose()?,
            places: Places::new(settings),
            patience: settings.patience.clone(),
            grace: settings.shutdown_grace,
            stop,
        })
    }

    /// Certificate and key, where TLS ends here.
    pub fn tls(&self) -> Option<Tls> {
        self.tls.clone()
    }

    /// Serves until the stop is asked for, then ends what runs: requests are answered, sockets closed with 1001,
    /// streams ended. How many connections had to be cut when the grace was over.
    pub async fn run(self) -> usize {
        let Self { listener, router, tls, places, patience, grace, stop } = self;
        let patience = Arc::new(patience);
        let _current = tls.as_ref().map(|tls| AbortOnDropHandle::new(tokio::spawn(tls.clone().keep_current())));
        let tls = tls.map(|tls| tls.acceptor());
        let take_on = |newcomer| {
            let (router, tls, patience, ending) = (router.clone(), tls.clone(), patience.clone(), stop.clone());
            stop.spawn(async move { serve(newcomer, router, tls, &patience, &ending).await });
        };
        loop {
            let accepted = tokio::select! {
                biased;
                () = stop.asked() => break,
                accepted = accept(&listener, &places) => accepted,
            };
            let Some(newcomer) = accepted else { continue };
            take_on(newcomer);
        }
        // Whoever is connecting just now has not heard of it: taken on, answered, and told to come no more.
        let until = Instant::now() + patience.parting;
        while let Ok(accepted) = tokio::time::timeout_at(until, accept(&listener, &places)).await {
            let Some(newcomer) = accepted else { continue };
            take_on(newcomer);
        }
        for newcomer in waiting(listener, &places) {
            take_on(newcomer);
        }
        stop.drain(grace).await
    }
}

/// A connection with a place.
struct Newcomer {
    stream: TcpStream,
    peer: SocketAddr,
    pulse: Arc<Pulse>,
    place: Place,
}

/// Those who wait in the kernel's queue; closing the listener would reset them.
fn waiting(listener: TcpListener, places: &Places) -> Vec<Newcomer> {
    let mut found = Vec::new();
    // Asked of the system itself: what the runtime knows of the queue may be a moment old.
    let Ok(listener) = listener.into_std() else { return found };
    while let Ok((stream, peer)) = listener.accept() {
        let pulse = Pulse::new(Instant::now());
        if let Ok(place) = places.try_take(peer, &pulse)
            && stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            found.push(Newcomer { stream, peer, pulse, place });
        }
    }
    found
}

/// The next connection. None: there was none, or its network holds as many as it may.
async fn accept(listener: &TcpListener, places: &Places) -> Option<Newcomer> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            let pulse = Pulse::new(Instant::now());
            // While everything is busy this one waits, and those behind it wait in the kernel's queue.
            let place = places.take(peer, &pulse).await?;
            Some(Newcomer { stream, peer, pulse, place })
        }
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

async fn serve(newcomer: Newcomer, router: Router, tls: Option<TlsAcceptor>, patience: &Patience, stop: &Stop) {
    let Newcomer { stream, peer, pulse, place } = newcomer;
    let _counted = OpenConnection::new();
    // Small answers go out at once; without effect on a connection that is gone already.
    let _ = stream.set_nodelay(true);
    let evicted = place.evicted();
    let serving = async {
        match tls {
            None => {
                let stream = Watched::new(stream, pulse.clone(), place);
                connection::serve(stream, pulse.clone(), peer, router, patience, stop).await;
            }
            Some(tls) => {
                let Ok(Ok(stream)) = tokio::time::timeout(patience.head, tls.accept(stream)).await else { return };
                let stream = Watched::new(stream, pulse.clone(), place);
                // Boxed, since it is several times larger than the other future.
                Box::pin(connection::serve(stream, pulse.clone(), peer, router, patience, stop)).await;
            }
        }
    };
    tokio::select! {
        // Whatever is open of it afterwards is a socket, with a task of its own.
        () = serving => pulse.upgraded(),
        () = evicted.cancelled() => {}
    }
}
