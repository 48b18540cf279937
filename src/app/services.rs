//! Builds all services.

use std::{collections::HashSet, sync::Arc};

use tokio::{net::TcpListener, sync::mpsc};

use super::{ExternalInputs, Settings, SharedConfig, database, keys, presence::Presence};
use crate::{
    account::{self, Accounts},
    delivery::{
        self, Dispatcher, Limits, MessageWriter, Outbox, Poller, ProviderClients, ProviderPlan, ReceiptProcessor,
        ResultRecorder, Routes,
        message::{Composer, LargestValues},
    },
    events::Events,
    graphql::Services,
    janitor::Janitor,
    quota::Quotas,
    session::{self, AccessTokens, SeenGenerations, Sessions, access_token_verifier::AccessTokenVerifier},
    verification::{self, Attestor, ExpiryCounter, Verifications},
};
use domain::{account::AccountStatus, ids::DeliveryId};
use platform::{
    clock::{Clock, Entropy},
    config::Config,
    fault::Fault,
    keys::{KeysInUse, ServerKeys},
    password::{Hasher, Observer, Policy, Pool},
    redis_client::RedisLink,
    supervisor::Supervisor,
    telemetry::metrics::{self, Queue},
    texts::Texts,
};
use providers::{HttpClient, ProviderDeps, Receipts, Verifiers, development::DevOutbox, segments::Carriers};
use store::{AuditTrail, Store};

/// All services and what they share.
pub(super) struct BuiltServices {
    pub config: SharedConfig,
    pub clock: Clock,
    pub store: Store,
    pub events: Events,
    pub access_token_verifier: AccessTokenVerifier,
    pub seen_generations: SeenGenerations,
    pub access: AccessTokens,
    pub attestor: Attestor,
    pub accounts: Accounts,
    pub services: Services,
    pub reception: ReceiptProcessor,
    pub dispatcher: Dispatcher,
    pub poller: Poller,
    pub janitor: Janitor,
    pub presence: Presence,
    pub notify: mpsc::Receiver<DeliveryId>,
    pub verifiers: Arc<Verifiers>,
    /// `Some` if the development provider is in use.
    pub outbox: Option<DevOutbox>,
    pub hashing: Pool,
    /// Identifies this process in claims and leases.
    process: String,
}

impl BuiltServices {
    /// The task that counts expired verifications.
    pub fn expiries(&self) -> ExpiryCounter {
        ExpiryCounter {
            store: self.store.clone(),
            clock: self.clock.clone(),
            settings: self.config.verification.clone(),
            process: self.process.clone(),
        }
    }
}

/// What most services need.
struct SharedDeps {
    config: SharedConfig,
    store: Store,
    clock: Clock,
    entropy: Entropy,
    keys: ServerKeys,
    quotas: Quotas,
    events: Events,
    outbox: Outbox,
    /// Identifies this process in claims and leases.
    process: String,
}

/// The services that send messages and process their receipts.
struct DeliveryServices {
    reception: ReceiptProcessor,
    poller: Poller,
    dispatcher: Dispatcher,
}

/// The services of access tokens.
struct AccessServices {
    tokens: AccessTokens,
    verifier: AccessTokenVerifier,
    seen_generations: SeenGenerations,
}

/// Builds all services.
///
/// # Errors
/// An error message for the operator.
pub(super) async fn build(
    settings: Settings,
    inputs: &ExternalInputs,
    supervisor: &Supervisor,
    listener: Option<&TcpListener>,
) -> Result<BuiltServices, String> {
    // Fails if a provider is already installed, as at a second start in one process; then that one is used.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Settings { config, plan, verifiers, .. } = settings;
    let config: SharedConfig = Arc::new(config);
    let secrets = keys::open_and_log(&config, &inputs.entropy)?;
    let in_use = secrets.in_use()?;
    let (deps, notify) = shared_deps(config, inputs, &secrets, supervisor, listener).await?;
    let config = &deps.config;
    let texts = Texts::load(config.messages.dir.as_deref()).map_err(|errors| errors.join("\n"))?;
    let composer = composer(&texts, config)?;
    let attestor = attestor(config, &secrets)?;
    let (routes, dev_outbox) = routes(&deps, plan)?;
    let delivery = delivery_services(&deps, &routes, &verifiers, composer);
    let verifications = verifications(&deps, routes, attestor.clone());
    let hashing = hashing_pool(config)?;
    let hasher = Hasher::new(hashing.clone(), config.password.cost.clone(), deps.entropy.clone());
    let access = access_services(&deps, &secrets).await?;
    let sessions = sessions(&deps, &access, &verifications, hasher.clone());
    let accounts = accounts(&deps, &verifications, &sessions, hashing.clone(), hasher);
    let services = services(&deps, verifications, accounts.clone(), sessions, texts);
    Ok(BuiltServices {
        access_token_verifier: access.verifier,
        seen_generations: access.seen_generations,
        access: access.tokens,
        attestor,
        accounts,
        services,
        reception: delivery.reception,
        dispatcher: delivery.dispatcher,
        poller: delivery.poller,
        janitor: janitor(&deps),
        presence: presence(&deps, in_use),
        notify,
        verifiers: Arc::new(verifiers),
        outbox: dev_outbox,
        hashing,
        config: deps.config,
        clock: deps.clock,
        store: deps.store,
        events: deps.events,
        process: deps.process,
    })
}

async fn shared_deps(
    config: SharedConfig,
    inputs: &ExternalInputs,
    secrets: &keys::Secrets,
    supervisor: &Supervisor,
    listener: Option<&TcpListener>,
) -> Result<(SharedDeps, mpsc::Receiver<DeliveryId>), String> {
    let ExternalInputs { clock, entropy } = inputs.clone();
    let store = database::open(&config, supervisor, listener).await?;
    let redis = match &config.redis {
        Some(redis) => Some(RedisLink::open(redis).await.map_err(startup_error)?),
        None => None,
    };
    let quotas = Quotas::open(&config.quota, clock.clone(), redis.clone());
    let events = Events::open(&entropy, redis, supervisor);
    let (outbox, notify) = Outbox::new();
    let process = hex::encode(entropy.bytes::<8>());
    let keys = secrets.server_keys.clone();
    Ok((SharedDeps { config, store, clock, entropy, keys, quotas, events, outbox, process }, notify))
}

/// The providers of each channel, and the outbox if the development provider is one of them.
fn routes(deps: &SharedDeps, plan: ProviderPlan) -> Result<(Routes, Option<DevOutbox>), String> {
    let config = &deps.config;
    let development = plan.names().any(|name| name == "development");
    let outbox = development.then(|| DevOutbox::open(&config.store.data_dir)).transpose();
    let outbox = outbox.map_err(|error| format!("DATA_DIR: the development outbox can't be opened: {error}"))?;
    let timeout = config.delivery.provider_timeout;
    let routes = plan.build(&ProviderDeps {
        http: HttpClient::new(timeout, deps.clock.clone()).map_err(startup_error)?,
        timeout,
        clock: deps.clock.clone(),
        entropy: deps.entropy.clone(),
        outbox: outbox.clone(),
        public_url: config.http.public_url.clone(),
    });
    Ok((routes, outbox))
}

fn delivery_services(
    deps: &SharedDeps,
    routes: &Routes,
    verifiers: &Verifiers,
    composer: Composer,
) -> DeliveryServices {
    let SharedDeps { config, store, clock, entropy, process, .. } = deps;
    let delivery = &config.delivery;
    let recorder = ResultRecorder { store: store.clone(), clock: clock.clone(), events: deps.events.clone() };
    let limits = |name: &str| Limits {
        calls: delivery.provider_concurrency.of(name),
        rate: delivery.provider_rate.of(name),
        max_wait: delivery.provider_timeout,
    };
    let clients = ProviderClients::new(routes, limits, clock, entropy);
    let reception = ReceiptProcessor { recorder: recorder.clone(), clients: clients.clone() };
    let poller = Poller {
        store: store.clone(),
        clock: clock.clone(),
        reception: reception.clone(),
        process: process.clone(),
        polls_per_minute: delivery.receipt_polls_per_minute,
    };
    let queue = store.for_queue();
    let dispatcher_deps = delivery::DispatcherDeps {
        store: queue.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        writer: MessageWriter { composer, keys: deps.keys.clone(), default_locale: config.messages.default_locale },
        providers_with_receipts: providers_with_receipts(routes, verifiers),
        clients,
        recorder: ResultRecorder { store: queue, ..recorder },
        process: process.clone(),
        concurrency: delivery.dispatch_concurrency,
        receipt_timeout: delivery.receipt_timeout,
    };
    DeliveryServices { reception, poller, dispatcher: Dispatcher::new(dispatcher_deps, &deps.outbox) }
}

fn verifications(deps: &SharedDeps, routes: Routes, attestor: Attestor) -> Verifications {
    let config = &deps.config;
    Verifications::new(verification::Deps {
        store: deps.store.clone(),
        clock: deps.clock.clone(),
        entropy: deps.entropy.clone(),
        keys: deps.keys.clone(),
        settings: config.verification.clone(),
        limits: config.quota.contact,
        test_contacts: config.contacts.test.clone(),
        routes,
        quotas: deps.quotas.clone(),
        events: deps.events.clone(),
        outbox: deps.outbox.clone(),
        idempotency_locks: verification::IdempotencyLocks::default(),
        attestor,
        accounts_disclosed: config.account.discloses_accounts,
        notify_unknown: config.account.notify_unknown,
        activated_status: match config.account.approval {
            true => AccountStatus::PendingApproval,
            false => AccountStatus::Active,
        },
    })
}

fn hashing_pool(config: &Config) -> Result<Pool, String> {
    let observer = Observer { completed: metrics::hashed, rejected: || metrics::queue_full(Queue::Hashing) };
    let pool = Pool::start(config.password.threads, config.password.queue).map_err(startup_error)?;
    Ok(pool.observed(observer))
}

async fn access_services(deps: &SharedDeps, secrets: &keys::Secrets) -> Result<AccessServices, String> {
    let SharedDeps { config, store, clock, entropy, .. } = deps;
    let tokens = AccessTokens::open(&secrets.access_tokens, &config.session, clock.clone(), entropy.clone())?;
    let seen_generations = SeenGenerations::default();
    let verifier = AccessTokenVerifier::new(tokens.clone(), seen_generations.clone(), clock.clone());
    verifier.load_revocations(store).await.map_err(startup_error)?;
    Ok(AccessServices { tokens, verifier, seen_generations })
}

fn sessions(deps: &SharedDeps, access: &AccessServices, verifications: &Verifications, hasher: Hasher) -> Sessions {
    let config = &deps.config;
    Sessions::new(session::Deps {
        store: deps.store.clone(),
        clock: deps.clock.clone(),
        entropy: deps.entropy.clone(),
        keys: deps.keys.clone(),
        settings: config.session.clone(),
        access: access.tokens.clone(),
        access_token_verifier: access.verifier.clone(),
        seen_generations: access.seen_generations.clone(),
        verifications: verifications.clone(),
        quotas: deps.quotas.clone(),
        events: deps.events.clone(),
        outbox: deps.outbox.clone(),
        hasher,
        numbers: config.contacts.numbers,
        accounts_disclosed: config.account.discloses_accounts,
    })
}

fn accounts(
    deps: &SharedDeps,
    verifications: &Verifications,
    sessions: &Sessions,
    hashing: Pool,
    hasher: Hasher,
) -> Accounts {
    let config = &deps.config;
    let password = &config.password;
    Accounts::new(account::Deps {
        store: deps.store.clone(),
        clock: deps.clock.clone(),
        entropy: deps.entropy.clone(),
        settings: config.account.clone(),
        keys: deps.keys.clone(),
        verifications: verifications.clone(),
        sessions: sessions.clone(),
        quotas: deps.quotas.clone(),
        outbox: deps.outbox.clone(),
        policy: Policy::new(password.rules, password.breached.clone(), config.messages.app_name.clone(), hashing),
        hasher,
    })
}

/// The services of the GraphQL API.
fn services(
    deps: &SharedDeps,
    verifications: Verifications,
    accounts: Accounts,
    sessions: Sessions,
    texts: Texts,
) -> Services {
    Services {
        verifications,
        accounts,
        sessions,
        trail: AuditTrail::new(deps.store.clone()),
        texts,
        contacts: deps.config.contacts.clone(),
        clock: deps.clock.clone(),
        time_zone: deps.config.quota.contact.time_zone,
    }
}

fn janitor(deps: &SharedDeps) -> Janitor {
    Janitor {
        store: deps.store.clone(),
        clock: deps.clock.clone(),
        settings: deps.config.janitor,
        access_ttl: deps.config.session.access_ttl,
        time_zone: deps.config.quota.contact.time_zone,
        process: deps.process.clone(),
    }
}

fn presence(deps: &SharedDeps, keys: KeysInUse) -> Presence {
    Presence {
        store: deps.store.clone(),
        clock: deps.clock.clone(),
        process: deps.process.clone(),
        keys,
        started_at: deps.clock.now(),
        quotas: deps.quotas.clone(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err needs")]
fn startup_error(fault: Fault) -> String {
    fault.operator_message()
}

/// The composer of messages, with its templates checked.
///
/// # Errors
/// An error message for the operator, if a template is too long.
pub(super) fn composer(texts: &Texts, config: &Config) -> Result<Composer, String> {
    let composer = Composer::new(texts.clone(), &config.messages);
    let carriers: &[Carriers] =
        if config.contacts.is_korean() { &[Carriers::Korean] } else { &[Carriers::Korean, Carriers::Others] };
    let largest = LargestValues {
        code_length: config.verification.code_length,
        lifetime: config.verification.code_ttl,
        undo_lifetime: config.account.contact_undo,
        carriers,
    };
    composer.check_templates(&largest).map_err(|errors| errors.join("\n"))?;
    Ok(composer)
}

fn attestor(config: &Config, secrets: &keys::Secrets) -> Result<Attestor, String> {
    let here = format!("http://{}", config.http.listen);
    let issuer = config.http.public_url.clone().unwrap_or(here);
    let audience = config.keys.attestation_audience.clone();
    Attestor::new(&secrets.attestation_key, &secrets.attestation_keys_accepted, issuer, audience)
        .map_err(|reason| format!("ATTESTATION_KEY: {reason}"))
}

/// The providers whose receipts reach this program: it polls them, or they call the webhook and can be verified.
fn providers_with_receipts(routes: &Routes, verifiers: &Verifiers) -> HashSet<&'static str> {
    let providers = routes.all().filter(|provider| {
        let receipts = provider.capabilities().receipts;
        receipts.are_polled() || (receipts == Receipts::Webhook && verifiers.can_verify(provider.name()))
    });
    providers.map(|provider| provider.name()).collect()
}
