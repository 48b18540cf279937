//! The wire on a port of its own, and the world around it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use countersign::{
    clock::{Clock, Entropy, ManualClock},
    config::{
        Env,
        http::{Http, SETTINGS},
    },
    http::{
        router::{Parts, router},
        server::Server,
        stop::Stop,
    },
};
use domain::locale::Locale;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::toy::{Tokens, Traces, schema};

/// A running server; it stops when dropped.
pub struct TestServer {
    pub address: SocketAddr,
    pub traces: Traces,
    pub tokens: Tokens,
    pub clock: ManualClock,
    stop: CancellationToken,
    serving: Option<JoinHandle<usize>>,
}

impl TestServer {
    /// With default settings but for those named.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::patient(settings, |_| {}).await
    }

    /// As [`TestServer::with`], with less patience.
    pub async fn patient(settings: &[(&str, &str)], change: impl FnOnce(&mut Http)) -> Self {
        let mut http = read(settings);
        change(&mut http);
        let (clock, hand) = Clock::manual("2026-03-01T00:00:00Z".parse().unwrap());
        let (traces, tokens) = (Traces::default(), Tokens::new(clock.now() + Duration::from_secs(600)));
        let token = CancellationToken::new();
        let stop = Stop::new(token.clone());
        let parts = Parts {
            executor: schema(&traces),
            sdl: schema(&traces).sdl(),
            scalars: |_, _| None,
            settings: http.clone(),
            judge: Arc::new(tokens.clone()),
            clock,
            entropy: Entropy::System,
            negotiate: Arc::new(|_| Locale::Ko),
            ready: Arc::new(|| Box::pin(async { Vec::new() })),
            waited: Box::new(|| Duration::ZERO),
            stop: stop.clone(),
            extra: axum::Router::new().route("/extra", axum::routing::post(async |body: String| body)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(listener, router(parts).unwrap(), &http, stop).unwrap();
        let serving = Some(tokio::spawn(server.run()));
        Self { address, traces, tokens, clock: hand, stop: token, serving }
    }

    /// Asks it to stop, without waiting.
    pub fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// Waits for the end. How many connections were cut.
    pub async fn stopped(&mut self) -> usize {
        self.serving.take().unwrap().await.unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The settings as the environment would give them.
pub fn read(settings: &[(&str, &str)]) -> Http {
    let web = ("WEB_DIST", "/nonexistent");
    let vars = settings.iter().chain([&web]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let env = Env::new(vars, SETTINGS.iter().copied());
    let http = Http::from_env(&env);
    assert_eq!(env.into_refusals(), []);
    http
}
