//! A provider's place taken by one that can be slow, silent, killed and revived.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{Request, Response},
    response::IntoResponse,
};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle, task::JoinSet};

use crate::{
    providers::double::{Reply, Seen},
    support::TEST_TIMEOUT,
};

/// What it does with a request.
pub enum Act {
    Say(Reply),
    SayAfter(Duration, Reply),
    /// Takes the request and never answers.
    Hang,
    /// Takes the request and drops the connection.
    Drop,
}

type Behaviour = Box<dyn FnMut(&Seen) -> Act + Send>;

/// The double. Dropped, it is dead.
pub struct Carrier {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: Option<JoinHandle<()>>,
}

struct Shared {
    seen: Vec<Seen>,
    behaviour: Behaviour,
    in_flight: usize,
    most_in_flight: usize,
}

impl Carrier {
    pub async fn start(behaviour: impl FnMut(&Seen) -> Act + Send + 'static) -> Self {
        let shared = Shared { seen: Vec::new(), behaviour: Box::new(behaviour), in_flight: 0, most_in_flight: 0 };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut carrier =
            Self { address: listener.local_addr().unwrap(), shared: Arc::new(Mutex::new(shared)), server: None };
        carrier.serve(listener);
        carrier
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Behaves so from now on.
    pub fn behave(&self, behaviour: impl FnMut(&Seen) -> Act + Send + 'static) {
        self.shared.lock().unwrap().behaviour = Box::new(behaviour);
    }

    /// Drops every connection and takes no more.
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }

    /// Is there again, at the same address.
    pub async fn revive(&mut self) {
        self.kill();
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        self.serve(listener);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.lock().unwrap().seen.clone()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.shared.lock().unwrap().seen.len()
    }

    /// Everything that was asked, once it is so much.
    pub async fn seen_at_least(&self, count: usize) -> Vec<Seen> {
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
        loop {
            let seen = self.seen();
            if seen.len() >= count {
                return seen;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} requests", seen.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn most_in_flight(&self) -> usize {
        self.shared.lock().unwrap().most_in_flight
    }

    fn serve(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        self.server = Some(tokio::spawn(async move {
            // Aborted with this task.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        }));
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn answer(shared: Arc<Mutex<Shared>>, request: Request<Incoming>) -> Result<Response<Body>, &'static str> {
    let (parts, body) = request.into_parts();
    let body: Bytes = body.collect().await.map_err(|_| "half a request")?.to_bytes();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let seen = Seen { method: parts.method.to_string(), line: parts.uri.to_string(), headers: headers.collect(), body };
    let (act, _flying) = {
        let mut open = shared.lock().unwrap();
        open.in_flight += 1;
        open.most_in_flight = open.most_in_flight.max(open.in_flight);
        let act = (open.behaviour)(&seen);
        open.seen.push(seen);
        (act, Flying(Arc::clone(&shared)))
    };
    match act {
        Act::Say(reply) => Ok(reply.into_response()),
        Act::SayAfter(pause, reply) => {
            tokio::time::sleep(pause).await;
            Ok(reply.into_response())
        }
        Act::Hang => std::future::pending().await,
        Act::Drop => Err("on purpose"),
    }
}

struct Flying(Arc<Mutex<Shared>>);

impl Drop for Flying {
    fn drop(&mut self) {
        self.0.lock().unwrap().in_flight -= 1;
    }
}
