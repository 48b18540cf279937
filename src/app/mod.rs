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
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub use self::listen::listen;
pub use self::settings::{Settings, env_example, sections, settings, settings_help};
use self::{
    metrics::{Metrics, MetricsRecorder},
    readiness::Readiness,
    services::Built,
};
use crate::{
    account::Accounts,
    events::Events,
    graphql,
    http::{self, server::Server, tls::Tls},
};
use graphql_http::Stop;
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
pub struct World {
    pub clock: Clock,
    pub entropy: Entropy,
}

impl World {
    /// The system clock and the system's random number generator.
    pub fn real() -> Self {
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
    confirmations: JoinHandle<()>,
    /// Updates the gate with sessions that were revoked by other processes.
    revocation_updates: AbortOnDropHandle<()>,
    janitor: JoinHandle<()>,
    /// Publishes the keys of this process to the other processes.
    presence: JoinHandle<()>,
    /// Keeps the decoy password hashes similar to those of accounts.
    decoys: JoinHandle<()>,
    vitals: Supervisor,
    /// The metrics server, and the task that counts expired verifications for it.
    metrics: Option<(Metrics, JoinHandle<()>)>,
    tls: Option<Tls>,
}

impl App {
    /// Starts all tasks and serves on `listener`.
    ///
    /// # Errors
    /// An error message for the operator.
    pub async fn start(settings: Settings, world: World, listener: TcpListener) -> Result<Self, String> {
        let address = listener.local_addr().map_err(|error| format!("no address to listen on: {error}"))?;
        let counting = MetricsRecorder::begin(&settings.config.telemetry).await?;
        let vitals = Supervisor::default();
        let outbox_channels = settings.providers.iter().filter(|provider| provider.name == "development");
        let outbox_channels =
            outbox_channels.flat_map(|provider| provider.channels.iter().map(|channel| channel.as_str())).collect();
        let built = services::build(settings, &world, &vitals, Some(&listener)).await?;
        // Before the keys are used. A fault is only logged: with a full disk, reads still work.
        if let Err(fault) = built.presence.update().await {
            telemetry::report(&fault);
        }
        let config = built.config.clone();
        let shutdown = CancellationToken::new();
        let stop = Stop::new(shutdown.clone());
        built.services.sessions.prepare_decoys().await;
        let decoys = vitals.spawn("decoys", built.services.sessions.clone().run_decoy_census(shutdown.clone()));
        let router = router(&built, &world, stop.clone())?;
        let server = Server::new(listener, router, &config.http, stop)?;
        let tls = server.tls();
        let revocation_updates =
            built.gate.clone().keep_up(built.store.clone(), built.events.revocations(), config.session.revocation_lag);
        let metrics = match counting {
            Some(counting) => {
                let metrics = counting.tell(&built, world.clock.clone())?;
                Some((metrics, tokio::spawn(built.expiries().run(shutdown.clone()))))
            }
            None => None,
        };
        let dispatcher_shutdown = CancellationToken::new();
        let dispatcher = vitals.spawn("dispatcher", built.dispatcher.run(built.nudged, dispatcher_shutdown.clone()));
        let poller = vitals.spawn("poller", built.poller.run(dispatcher_shutdown.clone()));
        let confirming = built.confirmations.run(built.store.clone(), dispatcher_shutdown.clone());
        let confirmations = vitals.spawn("confirmations", confirming);
        let janitor = vitals.spawn("janitor", built.janitor.run(shutdown.clone()));
        let presence = vitals.spawn("presence", built.presence.run(shutdown.clone()));
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
            server: vitals.spawn("server", async {
                server.run().await;
            }),
            dispatcher,
            poller,
            confirmations,
            revocation_updates: AbortOnDropHandle::new(vitals.spawn("gate", revocation_updates)),
            janitor,
            presence,
            decoys,
            vitals,
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
    pub async fn fallen(&self) {
        self.vitals.fallen().await;
    }

    /// Shuts down: accepts no new work, finishes requests, completes streams and drains the dispatcher.
    pub async fn stop(self) {
        self.shutdown.cancel();
        if let Some(outbox) = &self.outbox {
            outbox.close();
        }
        let _ = self.server.await;
        self.dispatcher_shutdown.cancel();
        let _ =
            tokio::join!(self.dispatcher, self.poller, self.confirmations, self.janitor, self.presence, self.decoys);
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
pub async fn accounts(settings: Settings, world: World) -> Result<Accounts, String> {
    Ok(services::build(settings, &world, &Supervisor::default(), None).await?.accounts)
}

/// The database, for `migrate`. Waits up to `DATABASE_WAIT` for a server that is not available yet.
///
/// # Errors
/// An error message for the operator.
pub async fn database(settings: &Settings) -> Result<Store, String> {
    database::connect(&settings.config, &Supervisor::default(), None).await
}

fn router(built: &Built, world: &World, stop: Stop) -> Result<Router, String> {
    let settings = built.config.http.clone();
    let mut schema = graphql::builder().data(built.services.clone());
    if !settings.introspection {
        schema = schema.disable_introspection().disable_suggestions();
    }
    let texts = built.services.texts.clone();
    let default_locale = built.config.messages.default_locale;
    let readiness = Readiness::new(built.store.clone(), world.clock.clone());
    let waited_store = built.store.clone();
    http::router::router(http::router::RouterConfig {
        executor: schema.finish(),
        sdl: graphql::sdl(),
        scalars: graphql::invalid_scalar,
        settings,
        authenticator: Arc::new(built.gate.clone()),
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
        negotiate: Arc::new(move |accept| texts.negotiate(accept, default_locale)),
        ready: Arc::new(move || {
            let readiness = readiness.clone();
            Box::pin(async move { readiness.unready().await })
        }),
        waited: Box::new(move || waited_store.min_wait()),
        stop,
        extra: extra(built),
    })
}

/// Routes other than the API.
fn extra(built: &Built) -> Router {
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
type Told = Arc<Config>;
