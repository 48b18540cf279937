//! Builds all services.

use std::{collections::HashSet, sync::Arc};

use tokio::{net::TcpListener, sync::mpsc};

use super::{Settings, Told, World, database, keys, presence::Presence};
use crate::{
    account::{self, Accounts},
    delivery::{
        self, Dispatcher, Limits, MessageWriter, Outbox, Poller, ProviderClients, ReceiptProcessor, ResultRecorder,
        Routes,
        message::{Composer, Largest},
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
    clock::Clock,
    config::Config,
    fault::Fault,
    password::{Hasher, Observer, Policy, Pool},
    redis_client::RedisLink,
    supervisor::Supervisor,
    telemetry::metrics::{self, Queue},
    texts::Texts,
};
use providers::{HttpClient, ProviderDeps, Receipts, Verifiers, development::DevOutbox, segments::Carriers};
use store::{AuditTrail, Store};

/// All services and what they share.
pub(super) struct Built {
    pub config: Told,
    pub clock: Clock,
    pub store: Store,
    pub events: Events,
    pub gate: AccessTokenVerifier,
    pub confirmations: SeenGenerations,
    pub access: AccessTokens,
    pub attestor: Attestor,
    pub accounts: Accounts,
    pub services: Services,
    pub reception: ReceiptProcessor,
    pub dispatcher: Dispatcher,
    pub poller: Poller,
    pub janitor: Janitor,
    pub presence: Presence,
    pub nudged: mpsc::Receiver<DeliveryId>,
    pub verifiers: Arc<Verifiers>,
    /// `Some` if the development provider is in use.
    pub outbox: Option<DevOutbox>,
    pub hashing: Pool,
    /// Identifies this process in claims and leases.
    process: String,
}

impl Built {
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

/// Builds all services.
///
/// # Errors
/// An error message for the operator.
pub(super) async fn build(
    settings: Settings,
    world: &World,
    vitals: &Supervisor,
    listener: Option<&TcpListener>,
) -> Result<Built, String> {
    // Fails if a provider is already installed, as at a second start in one process; then that one is used.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let Settings { config, plan, verifiers, .. } = settings;
    let World { clock, entropy } = world.clone();
    let secrets = keys::open(&config.keys, &config.store.data_dir, &entropy)?;
    for warning in &secrets.warnings {
        tracing::warn!("{warning}");
    }
    let in_use = secrets.in_use()?;
    let store = database::open(&config, vitals, listener).await?;
    let redis = match &config.redis {
        Some(redis) => Some(RedisLink::open(redis).await.map_err(startup_error)?),
        None => None,
    };
    let quotas = Quotas::open(&config.quota, clock.clone(), redis.clone());
    let events = Events::open(&entropy, redis, vitals);
    let texts = Texts::load(config.messages.dir.as_deref()).map_err(|wrong| wrong.join("\n"))?;
    let composer = composer(&texts, &config)?;
    let attestor = attestor(&config, &secrets)?;

    let development = plan.names().any(|name| name == "development");
    let dev_outbox = development.then(|| DevOutbox::open(&config.store.data_dir)).transpose();
    let dev_outbox =
        dev_outbox.map_err(|error| format!("DATA_DIR: the development outbox can't be opened: {error}"))?;
    let routes = plan.build(&ProviderDeps {
        http: HttpClient::new(config.delivery.provider_timeout, clock.clone()).map_err(startup_error)?,
        timeout: config.delivery.provider_timeout,
        clock: clock.clone(),
        entropy: entropy.clone(),
        outbox: dev_outbox.clone(),
        public_url: config.http.public_url.clone(),
    });
    let (outbox, nudged) = Outbox::new();
    let process = hex::encode(entropy.bytes::<8>());
    let recorder = ResultRecorder { store: store.clone(), clock: clock.clone(), events: events.clone() };
    let delivery = &config.delivery;
    let limits = |name: &str| Limits {
        calls: delivery.provider_concurrency.of(name),
        rate: delivery.provider_rate.of(name),
        max_wait: delivery.provider_timeout,
    };
    let clients = ProviderClients::new(&routes, limits, &clock, &entropy);
    let reception = ReceiptProcessor { recorder: recorder.clone(), lines: clients.clone() };
    let poller = Poller {
        store: store.clone(),
        clock: clock.clone(),
        reception: reception.clone(),
        process: process.clone(),
        budget: delivery.receipt_polls_per_minute,
    };
    let janitor = Janitor {
        store: store.clone(),
        clock: clock.clone(),
        settings: config.janitor,
        access_ttl: config.session.access_ttl,
        time_zone: config.quota.contact.time_zone,
        process: process.clone(),
    };
    let presence = Presence {
        store: store.clone(),
        clock: clock.clone(),
        process: process.clone(),
        keys: in_use,
        started_at: clock.now(),
        quotas: quotas.clone(),
    };
    let dispatcher_deps = delivery::DispatcherDeps {
        store: store.for_queue(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        writer: MessageWriter {
            composer,
            keys: secrets.server_keys.clone(),
            default_locale: config.messages.default_locale,
        },
        providers_with_receipts: providers_with_receipts(&routes, &verifiers),
        clients,
        recorder: ResultRecorder { store: store.for_queue(), ..recorder },
        process: process.clone(),
        concurrency: delivery.dispatch_concurrency,
        receipt_timeout: delivery.receipt_timeout,
    };
    let dispatcher = Dispatcher::new(dispatcher_deps, &outbox);
    let verifications = Verifications::new(verification::Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        keys: secrets.server_keys.clone(),
        settings: config.verification.clone(),
        limits: config.quota.contact,
        test_contacts: config.contacts.test.clone(),
        routes,
        quotas: quotas.clone(),
        events: events.clone(),
        outbox: outbox.clone(),
        turns: verification::Turns::default(),
        attestor: attestor.clone(),
        accounts_disclosed: config.account.discloses_accounts,
        notify_unknown: config.account.tell_unknown,
        activated_status: match config.account.approval {
            true => AccountStatus::PendingApproval,
            false => AccountStatus::Active,
        },
    });
    let observer = Observer { done: metrics::hashed, full: || metrics::queue_full(Queue::Hashing) };
    let pool = Pool::start(config.password.threads, config.password.queue).map_err(startup_error)?.observed(observer);
    let hasher = Hasher::new(pool.clone(), config.password.cost.clone(), entropy.clone());
    let access = AccessTokens::open(&secrets.access_tokens, &config.session, clock.clone(), entropy.clone())?;
    let confirmations = SeenGenerations::default();
    let gate = AccessTokenVerifier::new(access.clone(), confirmations.clone(), clock.clone());
    gate.refill(&store).await.map_err(startup_error)?;
    let sessions = Sessions::new(session::Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        keys: secrets.server_keys.clone(),
        settings: config.session.clone(),
        access: access.clone(),
        gate: gate.clone(),
        confirmations: confirmations.clone(),
        verifications: verifications.clone(),
        quotas: quotas.clone(),
        events: events.clone(),
        outbox: outbox.clone(),
        hasher: hasher.clone(),
        numbers: config.contacts.numbers,
        accounts_disclosed: config.account.discloses_accounts,
    });
    let accounts = Accounts::new(account::Deps {
        store: store.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        settings: config.account.clone(),
        keys: secrets.server_keys,
        verifications: verifications.clone(),
        sessions: sessions.clone(),
        quotas,
        outbox,
        policy: Policy::new(
            config.password.rules,
            config.password.breached.clone(),
            config.messages.app_name.clone(),
            pool.clone(),
        ),
        hasher,
    });
    let services = Services {
        verifications,
        accounts: accounts.clone(),
        sessions,
        trail: AuditTrail::new(store.clone()),
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
        gate,
        confirmations,
        access,
        attestor,
        accounts,
        services,
        reception,
        dispatcher,
        poller,
        janitor,
        presence,
        nudged,
        verifiers: Arc::new(verifiers),
        outbox: dev_outbox,
        hashing: pool,
        process,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err needs")]
fn startup_error(fault: Fault) -> String {
    fault.words()
}

/// The composer of messages, with its templates checked.
///
/// # Errors
/// An error message for the operator, if a template is too long.
pub(super) fn composer(texts: &Texts, config: &Config) -> Result<Composer, String> {
    let composer = Composer::new(texts.clone(), &config.messages);
    let carriers: &[Carriers] =
        if config.contacts.is_korean() { &[Carriers::Korean] } else { &[Carriers::Korean, Carriers::Others] };
    let largest = Largest {
        code_length: config.verification.code_length,
        lifetime: config.verification.code_ttl,
        undo_lifetime: config.account.contact_undo,
        carriers,
    };
    composer.check_templates(&largest).map_err(|wrong| wrong.join("\n"))?;
    Ok(composer)
}

fn attestor(config: &Config, secrets: &keys::Secrets) -> Result<Attestor, String> {
    let here = format!("http://{}", config.http.listen);
    let issuer = config.http.public_url.clone().unwrap_or(here);
    let audience = config.keys.attestation_audience.clone();
    Attestor::new(&secrets.attestation_key, &secrets.attestation_keys_accepted, issuer, audience)
        .map_err(|why| format!("ATTESTATION_KEY: {why}"))
}

/// The providers whose receipts reach this program: it polls them, or they call the webhook and can be verified.
fn providers_with_receipts(routes: &Routes, verifiers: &Verifiers) -> HashSet<&'static str> {
    let providers = routes.all().filter(|provider| {
        let receipts = provider.capabilities().receipts;
        receipts.are_polled() || (receipts == Receipts::Webhook && verifiers.can_verify(provider.name()))
    });
    providers.map(|provider| provider.name()).collect()
}
