//! A fake provider that can be slow, hang, be killed and be restarted.

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
    providers::double::{RecordedRequest, Reply},
    support::TEST_TIMEOUT,
};

/// The reaction to a request.
pub enum Action {
    Respond(Reply),
    RespondAfter(Duration, Reply),
    /// Accepts the request and never responds.
    Hang,
    /// Accepts the request and drops the connection.
    Drop,
}

type Behaviour = Box<dyn FnMut(&RecordedRequest) -> Action + Send>;

/// The fake provider. It stops when dropped.
pub struct FakeProvider {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: Option<JoinHandle<()>>,
}

struct Shared {
    seen: Vec<RecordedRequest>,
    behaviour: Behaviour,
    in_flight: usize,
    max_in_flight: usize,
}

impl FakeProvider {
    pub async fn start(behaviour: impl FnMut(&RecordedRequest) -> Action + Send + 'static) -> Self {
        let shared = Shared { seen: Vec::new(), behaviour: Box::new(behaviour), in_flight: 0, max_in_flight: 0 };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut provider =
            Self { address: listener.local_addr().unwrap(), shared: Arc::new(Mutex::new(shared)), server: None };
        provider.serve(listener);
        provider
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the behaviour from now on.
    pub fn behave(&self, behaviour: impl FnMut(&RecordedRequest) -> Action + Send + 'static) {
        self.shared.lock().unwrap().behaviour = Box::new(behaviour);
    }

    /// Drops every connection and accepts no more.
    pub fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
    }

    /// Starts again at the same address.
    pub async fn restart(&mut self) {
        self.kill();
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        self.serve(listener);
    }

    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().unwrap().seen.clone()
    }

    /// The number of requests so far.
    pub fn request_count(&self) -> usize {
        self.shared.lock().unwrap().seen.len()
    }

    /// All requests, once there are at least `count`.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<RecordedRequest> {
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
        loop {
            let seen = self.requests();
            if seen.len() >= count {
                return seen;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} requests", seen.len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn max_in_flight(&self) -> usize {
        self.shared.lock().unwrap().max_in_flight
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

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn answer(shared: Arc<Mutex<Shared>>, request: Request<Incoming>) -> Result<Response<Body>, &'static str> {
    let (parts, body) = request.into_parts();
    let body: Bytes = body.collect().await.map_err(|_| "half a request")?.to_bytes();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let seen = RecordedRequest {
        method: parts.method.to_string(),
        line: parts.uri.to_string(),
        headers: headers.collect(),
        body,
    };
    let (action, _guard) = {
        let mut open = shared.lock().unwrap();
        open.in_flight += 1;
        open.max_in_flight = open.max_in_flight.max(open.in_flight);
        let action = (open.behaviour)(&seen);
        open.seen.push(seen);
        (action, InFlightGuard(Arc::clone(&shared)))
    };
    match action {
        Action::Respond(reply) => Ok(reply.into_response()),
        Action::RespondAfter(pause, reply) => {
            tokio::time::sleep(pause).await;
            Ok(reply.into_response())
        }
        Action::Hang => std::future::pending().await,
        Action::Drop => Err("on purpose"),
    }
}

struct InFlightGuard(Arc<Mutex<Shared>>);

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.lock().unwrap().in_flight -= 1;
    }
}
