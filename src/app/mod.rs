//! The composition root: opens stores, wires rooms, serves, drains.

mod database;
pub mod keys;
mod metrics;
pub mod presence;
mod readiness;
mod rooms;
mod settings;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Json, Router, http::header, routing::get};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub use self::settings::{Settings, chapters, env_example, settings, settings_help};
use self::{
    metrics::{Counting, Metrics},
    readiness::Readiness,
    rooms::Built,
};
use crate::{
    account::Accounts,
    events::Events,
    graphql,
    http::{self, server::Server, stop::Stop, tls::Tls},
    store::Store,
};
use platform::{
    clock::{Clock, Entropy},
    config::Config,
    fault::Fault,
    telemetry,
    vitals::Vitals,
};

/// What the program takes from the world: the time, and chance.
#[derive(Clone, Debug)]
pub struct World {
    pub clock: Clock,
    pub entropy: Entropy,
}

impl World {
    /// The system's.
    pub fn real() -> Self {
        Self { clock: Clock::System, entropy: Entropy::System }
    }
}

/// The running program.
pub struct App {
    address: SocketAddr,
    public_url: Option<String>,
    graphiql: bool,
    outbox: Option<crate::delivery::providers::development::DevOutbox>,
    /// The channels whose messages the outbox takes.
    in_outbox: Vec<&'static str>,
    store: Store,
    events: Events,
    asked: CancellationToken,
    dispatching: CancellationToken,
    server: JoinHandle<()>,
    dispatcher: JoinHandle<()>,
    poller: JoinHandle<()>,
    /// Writes which refresh generations were seen.
    confirmations: JoinHandle<()>,
    /// The gate's, with what is revoked elsewhere.
    keeping_up: AbortOnDropHandle<()>,
    janitor: JoinHandle<()>,
    /// Tells the other processes which keys this one has.
    presence: JoinHandle<()>,
    /// Keeps them like the passwords of accounts.
    decoys: JoinHandle<()>,
    vitals: Vitals,
    /// Told, and what only they need.
    metrics: Option<(Metrics, JoinHandle<()>)>,
    tls: Option<Tls>,
}

impl App {
    /// Starts everything and serves on `listener`.
    ///
    /// # Errors
    /// The reason, for the operator.
    pub async fn start(settings: Settings, world: World, listener: TcpListener) -> Result<Self, String> {
        let address = listener.local_addr().map_err(|error| format!("no address to listen on: {error}"))?;
        let counting = Counting::begin(&settings.config.telemetry).await?;
        let vitals = Vitals::default();
        let in_outbox = settings.providers.iter().filter(|provider| provider.name == "development");
        let in_outbox =
            in_outbox.flat_map(|provider| provider.channels.iter().map(|channel| channel.as_str())).collect();
        let built = rooms::build(settings, &world, &vitals, Some(&listener)).await?;
        // Before anything is made with the keys. A disk that is full keeps nobody from reading.
        if let Err(fault) = built.presence.note().await {
            telemetry::report(&fault);
        }
        let config = built.config.clone();
        let asked = CancellationToken::new();
        let stop = Stop::new(asked.clone());
        built.rooms.sessions.prepare_decoys().await;
        let decoys = vitals.spawn("decoys", built.rooms.sessions.clone().keep_decoys(asked.clone()));
        let router = router(&built, &world, stop.clone())?;
        let server = Server::new(listener, router, &config.http, stop)?;
        let tls = server.tls();
        let keeping_up =
            built.gate.clone().keep_up(built.store.clone(), built.events.revocations(), config.session.revocation_lag);
        let metrics = match counting {
            Some(counting) => {
                let metrics = counting.tell(&built, world.clock.clone())?;
                Some((metrics, tokio::spawn(built.expiries().run(asked.clone()))))
            }
            None => None,
        };
        let dispatching = CancellationToken::new();
        let dispatcher = vitals.spawn("dispatcher", built.dispatcher.run(built.nudged, dispatching.clone()));
        let poller = vitals.spawn("poller", built.poller.run(dispatching.clone()));
        let confirming = built.confirmations.run(built.store.clone(), dispatching.clone());
        let confirmations = vitals.spawn("confirmations", confirming);
        let janitor = vitals.spawn("janitor", built.janitor.run(asked.clone()));
        let presence = vitals.spawn("presence", built.presence.run(asked.clone()));
        Ok(Self {
            address,
            public_url: config.http.public_url.clone(),
            graphiql: config.http.graphiql,
            outbox: built.outbox,
            in_outbox,
            store: built.store,
            events: built.events,
            asked,
            dispatching,
            server: vitals.spawn("server", async {
                server.run().await;
            }),
            dispatcher,
            poller,
            confirmations,
            keeping_up: AbortOnDropHandle::new(vitals.spawn("gate", keeping_up)),
            janitor,
            presence,
            decoys,
            vitals,
            metrics,
            tls,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says where to look.
    pub fn announce(&self) {
        let here = format!("http://{}", self.address);
        let url = self.public_url.as_deref().unwrap_or(&here);
        tracing::info!("serving the GraphQL API at {url}/graphql");
        if self.graphiql {
            tracing::info!("try it with GraphiQL at {here}/");
        }
        if self.outbox.is_some() {
            let channels = self.in_outbox.join(", ");
            tracing::info!("messages by {channels} go nowhere but to {here}/dev/outbox");
        }
    }

    /// Reads again what may change while the program runs: the certificate and its key. Everything else takes a restart.
    pub fn reload(&self) {
        match &self.tls {
            Some(tls) => tls.reload(),
            None => tracing::info!("SIGHUP: there is no certificate to read again; settings take a restart"),
        }
    }

    /// Waits until a part has panicked that has to work for as long as the program does.
    pub async fn fallen(&self) {
        self.vitals.fallen().await;
    }

    /// Stops: no new work, requests finished, streams completed, the dispatcher drained.
    pub async fn stop(self) {
        self.asked.cancel();
        if let Some(outbox) = &self.outbox {
            outbox.close();
        }
        let _ = self.server.await;
        self.dispatching.cancel();
        let _ =
            tokio::join!(self.dispatcher, self.poller, self.confirmations, self.janitor, self.presence, self.decoys);
        drop(self.keeping_up);
        // What was published last still has to reach the other processes.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.events.drain()).await;
        if let Some((metrics, expiries)) = self.metrics {
            let _ = expiries.await;
            metrics.stop().await;
        }
        self.store.close().await;
    }
}

/// The accounts, for the command line: nothing is served and nothing dispatched, but by the processes that serve.
///
/// # Errors
/// The reason, for the operator.
pub async fn accounts(settings: Settings, world: World) -> Result<Accounts, String> {
    Ok(rooms::build(settings, &world, &Vitals::default(), None).await?.accounts)
}

/// The database, for `migrate`: a server that is not there yet is waited for, within `DATABASE_WAIT`.
///
/// # Errors
/// The reason, for the operator.
pub async fn database(settings: &Settings) -> Result<Store, String> {
    database::connect(&settings.config, &Vitals::default(), None).await
}

fn router(built: &Built, world: &World, stop: Stop) -> Result<Router, String> {
    let settings = built.config.http.clone();
    let mut schema = graphql::builder().data(built.rooms.clone());
    if !settings.introspection {
        schema = schema.disable_introspection().disable_suggestions();
    }
    let texts = built.rooms.texts.clone();
    let default_locale = built.config.messages.default_locale;
    let readiness = Readiness::new(built.store.clone(), world.clock.clone());
    let waited_store = built.store.clone();
    http::router::router(http::router::Parts {
        executor: schema.finish(),
        sdl: graphql::sdl(),
        scalars: graphql::mistake,
        settings,
        judge: Arc::new(built.gate.clone()),
        clock: world.clock.clone(),
        entropy: world.entropy.clone(),
        negotiate: Arc::new(move |accept| texts.negotiate(accept, default_locale)),
        ready: Arc::new(move || {
            let readiness = readiness.clone();
            Box::pin(async move { readiness.unready().await })
        }),
        waited: Box::new(move || waited_store.waited()),
        stop,
        extra: extra(built),
    })
}

/// Routes beside the API.
fn extra(built: &Built) -> Router {
    let mut keys = built.attestor.public_keys().to_vec();
    keys.extend(built.access.public_keys().iter().map(|key| json!(key)));
    let keys = Json(json!({ "keys": keys }));
    // A verifier that asks for each token would be a request here for each of its own. A new key is published long before
    // it is used, so five minutes cost nothing.
    let cached = [(header::CACHE_CONTROL, "public, max-age=300")];
    let mut extra = Router::new().route("/.well-known/jwks.json", get(move || async move { (cached, keys) }));
    if let Some(outbox) = &built.outbox {
        extra = extra.merge(http::outbox::guarded(outbox.clone(), &built.config.http));
    }
    let reception = built.reception.clone();
    extra.merge(http::receipts::routes(http::receipts::Door {
        verifiers: Arc::clone(&built.verifiers),
        sink: Arc::new(move |receipts| -> BoxFuture<'static, Result<(), Fault>> {
            let reception = reception.clone();
            Box::pin(async move { reception.take(receipts).await })
        }),
        clock: built.clock.clone(),
    }))
}

/// What the program was told, for rooms that keep it.
type Told = Arc<Config>;
