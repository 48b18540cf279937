//! The HTTP layer on a port of its own, with test doubles for its dependencies.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use countersign::http::{
    router::{RouterConfig, router},
    server::Server,
};
use domain::locale::Locale;
use graphql_http::Shutdown;
use platform::{
    clock::{Clock, Entropy, ManualClock},
    config::{
        Env,
        http::{Http, SETTINGS},
    },
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::toy::{Tokens, Traces, schema};

/// A running server. It stops when dropped.
pub struct TestServer {
    pub address: SocketAddr,
    pub traces: Traces,
    pub tokens: Tokens,
    pub clock: ManualClock,
    stop: CancellationToken,
    serving: Option<JoinHandle<usize>>,
}

impl TestServer {
    /// Starts a server with these settings and defaults for the rest.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::with_config(settings, |_| {}).await
    }

    /// Like [`TestServer::with`], and `change` can shorten timeouts that settings do not cover.
    pub async fn with_config(settings: &[(&str, &str)], change: impl FnOnce(&mut Http)) -> Self {
        let mut http = read(settings);
        change(&mut http);
        let (clock, manual_clock) = Clock::manual("2026-03-01T00:00:00Z".parse().unwrap());
        let (traces, tokens) = (Traces::default(), Tokens::new(clock.now() + Duration::from_secs(600)));
        let token = CancellationToken::new();
        let stop = Shutdown::new(token.clone());
        let parts = RouterConfig {
            executor: schema(&traces),
            sdl: schema(&traces).sdl(),
            scalars: |_, _| None,
            settings: http.clone(),
            authenticator: Arc::new(tokens.clone()),
            clock,
            entropy: Entropy::System,
            negotiate: Arc::new(|_| Locale::Ko),
            ready: Arc::new(|| Box::pin(async { Vec::new() })),
            recent_wait: Box::new(|| Duration::ZERO),
            shutdown: stop.clone(),
            extra: axum::Router::new().route("/extra", axum::routing::post(async |body: String| body)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::new(listener, router(parts).unwrap(), &http, stop).unwrap();
        let serving = Some(tokio::spawn(server.run()));
        Self { address, traces, tokens, clock: manual_clock, stop: token, serving }
    }

    /// Requests a stop without waiting for it.
    pub fn request_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the server has stopped. Returns how many connections were aborted.
    pub async fn wait_stopped(&mut self) -> usize {
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

/// Parses the settings as from environment variables.
pub fn read(settings: &[(&str, &str)]) -> Http {
    let web = ("WEB_DIST", "/nonexistent");
    let vars = settings.iter().chain([&web]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let env = Env::new(vars, SETTINGS.iter().copied());
    let http = Http::from_env(&env);
    assert_eq!(env.into_errors(), []);
    http
}
