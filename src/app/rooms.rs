//! The rooms, built from the ground up.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::{Settings, Told, World, keys};
use crate::{
    account::{self, Accounts},
    clock::Clock,
    config::{Config, Place},
    delivery::{
        self, Dispatcher, HttpClient, Outbox, Routes, Settler, Tools, Writer,
        message::{Composer, Largest},
        providers::development::DevOutbox,
        receipts::Verifiers,
        segments::Carriers,
    },
    events::Events,
    fault::Fault,
    graphql::Rooms,
    ids::DeliveryId,
    janitor::Janitor,
    password::{Hasher, Policy, Pool},
    quota::Quotas,
    redis_link::RedisLink,
    session::gate::Gate,
    store::Store,
    texts::Texts,
    verification::{self, Attestor, Verifications},
};

/// Everything that was built.
pub(super) struct Built {
    pub config: Told,
    pub clock: Clock,
    pub store: Store,
    pub events: Events,
    pub gate: Gate,
    pub attestor: Attestor,
    pub accounts: Accounts,
    pub rooms: Rooms,
    pub settler: Settler,
    pub dispatcher: Dispatcher,
    pub janitor: Janitor,
    pub nudged: mpsc::Receiver<DeliveryId>,
    pub verifiers: Arc<Verifiers>,
    /// Where the development provider is in use.
    pub outbox: Option<DevOutbox>,
}

/// Builds them.
///
/// # Errors
/// What stood in the way, in words for whoever runs the program.
pub(super) async fn build(settings: Settings, world: &World) -> Result<Built, String> {
    // The first provider installed stays; a second start in one process finds it there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Settings { config, plan, verifiers, .. } = settings;
    let World { clock, entropy } = world.clone();
    let secrets = keys::open(&config.keys, &config.store.data_dir, &entropy)?;
    let store = open_store(&config).await?;
    let redis = match &config.redis {
        Some(redis) => Some(RedisLink::open(redis).await.map_err(told)?),
        None => None,
    };
    let quotas = Quotas::open(&config.quota, clock.clone(), redis.clone());
    let events = Events::open(&entropy, redis);
    let texts = Texts::load(config.messages.dir.as_deref()).map_err(|wrong| wrong.join("\n"))?;
    let composer = composer(&texts, &config)?;
    let attestor = attestor(&config, &secrets)?;

    let development = plan.names().any(|name| name == "development");
    let dev_outbox = development.then(|| DevOutbox::open(&config.store.data_dir)).transpose();
    let dev_outbox =
        dev_outbox.map_err(|error| format!("DATA_DIR: the development outbox can't be opened: {error}"))?;
    let routes = plan.build(&Tools {
        http: HttpClient::new(config.delivery.provider_timeout, clock.clone()).map_err(told)?,
        timeout: config.delivery.provider_timeout,
        clock: clock.clone(),
        entropy: entropy.clone(),
        outbox: dev_outbox.clone(),
        public_url: config.http.public_url.clone(),
    });
    let (outbox, nudged) = Outbox::new();
    let process = hex::encode(entropy.bytes::<8>());
    let settler =
        Settler { store: store.clone(), clock: clock.clone(), events: events.clone(), process: process.clone() };
    let janitor = Janitor {
        store: store.clone(),
        clock: clock.clone(),
        settings: config.janitor,
        time_zone: config.quota.contact.time_zone,
        process: process.clone(),
    };
    let dispatcher = Dispatcher::new(delivery::Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        writer: Writer { composer, keys: secrets.server_keys.clone(), default_locale: config.messages.default_locale },
        routes: routes.clone(),
        settler: settler.clone(),
        process,
        concurrency: config.delivery.dispatch_concurrency,
        lease: lease(&config, &routes),
    });
    let verifications = Verifications::new(verification::Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        keys: secrets.server_keys,
        settings: config.verification.clone(),
        limits: config.quota.contact,
        test_contacts: config.contacts.test.clone(),
        routes,
        quotas: quotas.clone(),
        events: events.clone(),
        outbox: outbox.clone(),
        attestor: attestor.clone(),
        accounts_disclosed: config.account.disclosed,
    });
    let pool = Pool::start(config.password.threads, config.password.queue).map_err(told)?;
    let accounts = Accounts::new(account::Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        settings: config.account.clone(),
        verifications: verifications.clone(),
        quotas,
        outbox,
        events: events.clone(),
        policy: Policy::new(
            config.password.rules,
            config.password.breached.clone(),
            config.messages.app_name.clone(),
            pool.clone(),
        ),
        hasher: Hasher::new(pool, config.password.cost.clone(), entropy),
    });
    let rooms = Rooms {
        verifications,
        accounts: accounts.clone(),
        texts,
        contacts: config.contacts.clone(),
        clock: clock.clone(),
        time_zone: config.quota.contact.time_zone,
    };
    Ok(Built {
        config: Arc::new(config),
        clock,
        store,
        events,
        gate: Gate::closed(),
        attestor,
        accounts,
        rooms,
        settler,
        dispatcher,
        janitor,
        nudged,
        verifiers: Arc::new(verifiers),
        outbox: dev_outbox,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn told(fault: Fault) -> String {
    format!("{fault:?}")
}

/// The database, with its tables as this program needs them.
async fn open_store(config: &Config) -> Result<Store, String> {
    let place = match &config.store.place {
        Place::Sqlite { file } => format!("the database {}", file.display()),
        Place::Postgres { .. } => "DATABASE_URL".to_owned(),
    };
    let cannot = |fault: Fault| format!("{place}: {fault:?}");
    let store = Store::open(&config.store).await.map_err(cannot)?;
    if config.store.is_embedded() || config.store.auto_migrate {
        store.migrate().await.map_err(cannot)?;
        return Ok(store);
    }
    let pending = store.pending_migrations().await.map_err(cannot)?;
    match pending.len() {
        0 => Ok(store),
        count => Err(format!(
            "{place}: {count} migrations are pending: run `countersign migrate` first, or set AUTO_MIGRATE=on"
        )),
    }
}

pub(super) fn composer(texts: &Texts, config: &Config) -> Result<Composer, String> {
    let composer = Composer::new(texts.clone(), &config.messages);
    let carriers: &[Carriers] =
        if config.contacts.is_korean() { &[Carriers::Korean] } else { &[Carriers::Korean, Carriers::Others] };
    let largest = Largest {
        code_length: config.verification.code_length,
        lifetime: config.verification.code_ttl,
        undo_lifetime: UNDO_LIFETIME,
        carriers,
    };
    composer.check_templates(&largest).map_err(|wrong| wrong.join("\n"))?;
    Ok(composer)
}

fn attestor(config: &Config, secrets: &keys::Secrets) -> Result<Attestor, String> {
    let here = format!("http://{}", config.http.listen);
    let issuer = config.http.public_url.clone().unwrap_or(here);
    Attestor::new(&secrets.attestation_key, issuer, config.keys.attestation_audience.clone())
        .map_err(|why| format!("ATTESTATION_KEY: {why}"))
}

/// How long a change of contact can be taken back.
const UNDO_LIFETIME: Duration = Duration::from_secs(72 * 60 * 60);

/// Longer than every provider of a route may take together: a claim that runs out before its holder has had a chance to
/// settle it would be taken for a dead one's.
fn lease(config: &Config, routes: &Routes) -> Duration {
    let asked = u32::try_from(routes.all().count()).unwrap_or(1).max(1);
    config.delivery.provider_timeout * asked + Duration::from_secs(15)
}
