//! The composition root: opens the database, builds the services, serves and shuts down.

mod database;
pub mod keys;
mod listen;
mod metrics;
pub mod presence;
mod readiness;
mod services;
mod settings;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Json, Router, http::header, routing::get};
use futures_util::{FutureExt, future::BoxFuture};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub use self::listen::listen;
pub use self::settings::{Settings, env_example, sections, settings, settings_help};
use self::{
    metrics::{Metrics, MetricsRecorder},
    readiness::Readiness,
    services::BuiltServices,
};
use crate::{
    account::Accounts,
    events::Events,
    graphql,
    http::{self, server::Server, tls::Tls},
};
use graphql_http::Shutdown;
use platform::{
    clock::{Clock, Entropy},
    config::Config,
    fault::Fault,
    supervisor::Supervisor,
    telemetry,
};
use store::Store;

/// The external inputs of the program: the time and randomness.
#[derive(Clone, Debug)]
pub struct ExternalInputs {
    pub clock: Clock,
    pub entropy: Entropy,
}

impl ExternalInputs {
    /// The system clock and the system's random number generator.
    pub fn system() -> Self {
        Self { clock: Clock::System, entropy: Entropy::System }
    }
}

/// The running program.
pub struct App {
    address: SocketAddr,
    public_url: Option<String>,
    graphiql: bool,
    outbox: Option<providers::development::DevOutbox>,
    /// The channels whose messages are captured in the outbox.
    outbox_channels: Vec<&'static str>,
    store: Store,
    events: Events,
    shutdown: CancellationToken,
    dispatcher_shutdown: CancellationToken,
    server: JoinHandle<()>,
    dispatcher: JoinHandle<()>,
    poller: JoinHandle<()>,
    /// Writes which refresh generations were used.
    generation_writer: JoinHandle<()>,
    /// Notifies the access token verifier of sessions that were revoked by other processes.
    revocation_updates: AbortOnDropHandle<()>,
    janitor: JoinHandle<()>,
    /// Publishes the keys of this process to the other processes.
    presence: JoinHandle<()>,
    /// Keeps the decoy password hashes similar to those of accounts.
    decoys: JoinHandle<()>,
    supervisor: Supervisor,
    /// The metrics server, and the task that counts expired verifications for it.
    metrics: Option<(Metrics, JoinHandle<()>)>,
    tls: Option<Tls>,
}

impl App {
    /// Starts all tasks and serves on `listener`.
    ///
    /// # Errors
    /// An error message for the operator.
    pub async fn start(settings: Settings, inputs: ExternalInputs, listener: TcpListener) -> Result<Self, String> {
        let address = listener.local_addr().map_err(|error| format!("no address to listen on: {error}"))?;
        let recorder = MetricsRecorder::begin(&settings.config.telemetry).await?;
        let supervisor = Supervisor::default();
        let outbox_channels = outbox_channels(&settings);
        let built = services::build(settings, &inputs, &supervisor, Some(&listener)).await?;
        publish_keys(&built).await;
        let config = built.config.clone();
        let shutdown = CancellationToken::new();
        let stop = Shutdown::new(shutdown.clone());
        built.services.sessions.prepare_decoys().await;
        let decoys = supervisor.spawn("decoys", built.services.sessions.clone().run_decoy_census(shutdown.clone()));
        let router = router(&built, &inputs, stop.clone())?;
        let server = Server::new(listener, router, &config.http, stop)?;
        let tls = server.tls();
        let revocation_updates = follow_revocations(&supervisor, &built);
        let metrics = recorder.map(|recorder| serve_metrics(recorder, &built, &inputs, &shutdown)).transpose()?;
        let dispatcher_shutdown = CancellationToken::new();
        let dispatcher =
            supervisor.spawn("dispatcher", built.dispatcher.run(built.notify, dispatcher_shutdown.clone()));
        let poller = supervisor.spawn("poller", built.poller.run(dispatcher_shutdown.clone()));
        let writing = built.seen_generations.run(built.store.clone(), dispatcher_shutdown.clone());
        let generation_writer = supervisor.spawn("generation writer", writing);
        let janitor = supervisor.spawn("janitor", built.janitor.run(shutdown.clone()));
        let presence = supervisor.spawn("presence", built.presence.run(shutdown.clone()));
        Ok(Self {
            address,
            public_url: config.http.public_url.clone(),
            graphiql: config.http.graphiql,
            outbox: built.outbox,
            outbox_channels,
            store: built.store,
            events: built.events,
            shutdown,
            dispatcher_shutdown,
            server: supervisor.spawn("server", server.run().map(|_| ())),
            dispatcher,
            poller,
            generation_writer,
            revocation_updates,
            janitor,
            presence,
            decoys,
            supervisor,
            metrics,
            tls,
        })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Logs the URLs of the API, GraphiQL and the development outbox.
    pub fn announce(&self) {
        let here = format!("http://{}", self.address);
        let url = self.public_url.as_deref().unwrap_or(&here);
        tracing::info!("serving the GraphQL API at {url}/graphql");
        if self.graphiql {
            tracing::info!("GraphiQL is available at {here}/");
        }
        if self.outbox.is_some() {
            let channels = self.outbox_channels.join(", ");
            tracing::info!("development mode: messages are captured at {here}/dev/outbox ({channels})");
        }
    }

    /// Reloads what can change while the program runs: the certificate and its key. All other settings need a restart.
    pub fn reload(&self) {
        match &self.tls {
            Some(tls) => tls.reload(),
            None => tracing::info!("SIGHUP ignored: no TLS certificate is configured, and settings need a restart"),
        }
    }

    /// Waits until a task that must run as long as the program has panicked.
    pub async fn failed(&self) {
        self.supervisor.failed().await;
    }

    /// Shuts down: accepts no new work, finishes requests, completes streams and drains the dispatcher.
    pub async fn stop(self) {
        self.shutdown.cancel();
        if let Some(outbox) = &self.outbox {
            outbox.close();
        }
        let _ = self.server.await;
        self.dispatcher_shutdown.cancel();
        let _ = tokio::join!(
            self.dispatcher,
            self.poller,
            self.generation_writer,
            self.janitor,
            self.presence,
            self.decoys
        );
        drop(self.revocation_updates);
        // The last events must still reach the other processes.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.events.drain()).await;
        if let Some((metrics, expiries)) = self.metrics {
            let _ = expiries.await;
            metrics.stop().await;
        }
        self.store.close().await;
    }
}

/// The account service, for the command line. It starts no server and no dispatcher; running processes send the
/// messages.
///
/// # Errors
/// An error message for the operator.
pub async fn accounts(settings: Settings, inputs: ExternalInputs) -> Result<Accounts, String> {
    Ok(services::build(settings, &inputs, &Supervisor::default(), None).await?.accounts)
}

/// The database, for `migrate`. Waits up to `DATABASE_WAIT` for a server that is not available yet.
///
/// # Errors
/// An error message for the operator.
pub async fn database(settings: &Settings) -> Result<Store, String> {
    database::connect(&settings.config, &Supervisor::default(), None).await
}

/// The channels whose messages are captured in the development outbox.
fn outbox_channels(settings: &Settings) -> Vec<&'static str> {
    let development = settings.providers.iter().filter(|provider| provider.name == "development");
    development.flat_map(|provider| provider.channels.iter().map(|channel| channel.as_str())).collect()
}

/// Publishes the keys of this process before they are used. A fault is only logged: with a full disk, reads still work.
async fn publish_keys(built: &BuiltServices) {
    if let Err(fault) = built.presence.update().await {
        telemetry::report(&fault);
    }
}

fn follow_revocations(supervisor: &Supervisor, built: &BuiltServices) -> AbortOnDropHandle<()> {
    let (store, revocations) = (built.store.clone(), built.events.revocations());
    let verifier = built.access_token_verifier.clone();
    let updates = verifier.follow_revocations(store, revocations, built.config.session.revocation_lag);
    AbortOnDropHandle::new(supervisor.spawn("revocation updates", updates))
}

/// The metrics server, and the task that counts expired verifications for it.
fn serve_metrics(
    recorder: MetricsRecorder,
    built: &BuiltServices,
    inputs: &ExternalInputs,
    stop: &CancellationToken,
) -> Result<(Metrics, JoinHandle<()>), String> {
    let metrics = recorder.serve(built, inputs.clock.clone())?;
    Ok((metrics, tokio::spawn(built.expiries().run(stop.clone()))))
}

fn router(built: &BuiltServices, inputs: &ExternalInputs, stop: Shutdown) -> Result<Router, String> {
    let settings = built.config.http.clone();
    let mut schema = graphql::builder().data(built.services.clone());
    if !settings.introspection {
        schema = schema.disable_introspection().disable_suggestions();
    }
    let texts = built.services.texts.clone();
    let default_locale = built.config.messages.default_locale;
    let readiness = Readiness::new(built.store.clone(), inputs.clock.clone());
    let waited_store = built.store.clone();
    http::router::router(http::router::RouterConfig {
        executor: schema.finish(),
        sdl: graphql::sdl(),
        scalars: graphql::invalid_scalar,
        settings,
        authenticator: Arc::new(built.access_token_verifier.clone()),
        clock: inputs.clock.clone(),
        entropy: inputs.entropy.clone(),
        negotiate: Arc::new(move |accept| texts.negotiate(accept, default_locale)),
        ready: Arc::new(move || {
            let readiness = readiness.clone();
            Box::pin(async move { readiness.unready().await })
        }),
        recent_wait: Box::new(move || waited_store.min_wait()),
        shutdown: stop,
        extra: extra(built),
    })
}

/// Routes other than the API.
fn extra(built: &BuiltServices) -> Router {
    let mut keys = built.attestor.public_keys().to_vec();
    keys.extend(built.access.public_keys().iter().map(|key| json!(key)));
    let keys = Json(json!({ "keys": keys }));
    // Without caching, a back end that fetches the keys for each token would send one request here for each of its own.
    // A new key is published long before it is used, so five minutes are harmless.
    let cached = [(header::CACHE_CONTROL, "public, max-age=300")];
    let mut extra = Router::new().route("/.well-known/jwks.json", get(move || async move { (cached, keys) }));
    if let Some(outbox) = &built.outbox {
        extra = extra.merge(http::outbox::guarded(outbox.clone(), &built.config.http));
    }
    let reception = built.reception.clone();
    extra.merge(http::receipts::routes(http::receipts::ReceiptState {
        verifiers: Arc::clone(&built.verifiers),
        handler: Arc::new(move |receipts| -> BoxFuture<'static, Result<(), Fault>> {
            let reception = reception.clone();
            Box::pin(async move { reception.process(receipts).await })
        }),
        clock: built.clock.clone(),
    }))
}

/// The configuration, shared by services.
type SharedConfig = Arc<Config>;
