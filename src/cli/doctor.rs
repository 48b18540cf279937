//! `doctor`: checks configuration and connectivity. It sends no messages and changes nothing.

use tokio::net::TcpListener;

use super::{descriptors, keys};
use crate::app::Settings;
use platform::{
    config::{self, DatabaseLocation, Environment},
    keys::folder::KeyKind,
    redis_client::RedisLink,
    supervisor::Supervisor,
};
use store::{Schema, Store};

/// The result of one check.
enum Finding {
    Good(String),
    /// The program will run, with a warning for the operator.
    Warning(String),
    Bad(String),
}

/// Runs all checks and prints a line for each.
///
/// # Errors
/// A check failed.
pub async fn examine(settings: Settings) -> Result<(), String> {
    let mut findings = vec![Finding::Good("the configuration is complete".to_owned())];
    findings.push(database(&settings).await);
    findings.extend(keys(&settings).await);
    findings.push(redis(&settings).await);
    findings.extend(providers(&settings));
    findings.push(address(&settings).await);
    findings.extend(warnings(&settings));
    let mut bad = 0;
    for finding in &findings {
        match finding {
            Finding::Good(what) => say!("ok       {what}"),
            Finding::Warning(what) => say!("warning  {what}"),
            Finding::Bad(what) => {
                bad += 1;
                say!("bad      {what}");
            }
        }
    }
    match bad {
        0 => Ok(()),
        1 => Err("1 check failed".to_owned()),
        bad => Err(format!("{bad} checks failed")),
    }
}

async fn database(settings: &Settings) -> Finding {
    let store = &settings.config.store;
    let place = match &store.place {
        DatabaseLocation::Sqlite { file } if !file.exists() => {
            return Finding::Good(format!("database: SQLite, {} will be created at first start", file.display()));
        }
        DatabaseLocation::Sqlite { file } => format!("SQLite in {}", file.display()),
        DatabaseLocation::Postgres { .. } => "PostgreSQL".to_owned(),
    };
    let opened = match Store::open(store, &Supervisor::default()).await {
        Ok(opened) => opened,
        Err(fault) => {
            return Finding::Bad(format!(
                "database: {place} can't be reached ({}): check DATABASE_URL, and that the server is running",
                fault.words()
            ));
        }
    };
    let schema = opened.schema().await;
    let available = opened.max_connections().await;
    let read_only = opened.read_only();
    opened.close().await;
    if let Some(why) = read_only {
        return Finding::Bad(format!("database: {why}"));
    }
    if let Ok(Some(available)) = available
        && available < store.max_connections
    {
        return Finding::Bad(format!(
            "database: DATABASE_MAX_CONNECTIONS={} is more than the {available} connections that the server allows for \
             all clients: lower it, or raise max_connections",
            store.max_connections
        ));
    }
    match schema {
        Ok(schema) => tables(store, &place, &schema),
        Err(fault) => {
            Finding::Bad(format!("database: {place} is reachable, and its migrations can't be read: {}", fault.words()))
        }
    }
}

fn tables(store: &config::Store, place: &str, schema: &Schema) -> Finding {
    if let Some(why) = schema.too_new() {
        return Finding::Bad(format!("database: {why}"));
    }
    match (schema.pending.len(), schema.foreign()) {
        (0, Some(why)) => Finding::Warning(format!("database: {why}")),
        (_, Some(why)) => Finding::Bad(format!("database: {why}")),
        (0, None) if !schema.newer.is_empty() => Finding::Good(format!(
            "database: {place} is reachable, with migrations of a newer, compatible version: {}",
            schema.newer.join(", ")
        )),
        (0, None) => Finding::Good(format!("database: {place} is reachable, migrations are applied")),
        _ if store.is_embedded() || store.auto_migrate => {
            Finding::Good(format!("database: {place} is reachable, and will be migrated at start"))
        }
        (pending, None) => Finding::Bad(format!(
            "database: {place} is reachable, and {pending} migrations are pending: run countersign migrate"
        )),
    }
}

/// The keys of this configuration, and whether it and the running processes accept each other's keys.
async fn keys(settings: &Settings) -> Vec<Finding> {
    let configured = match keys::configured(settings) {
        Ok(Some(configured)) => configured,
        Ok(None) => return vec![Finding::Good("keys: will be generated at first start".to_owned())],
        Err(why) => return vec![Finding::Bad(format!("keys: {why}"))],
    };
    let used = KeyKind::ALL.iter().filter_map(|kind| Some((kind, configured.current(*kind)?.first()?)));
    let used: Vec<_> = used.map(|(kind, id)| format!("{} {id}", kind.as_str())).collect();
    let mut findings = vec![Finding::Good(format!("keys: {}", used.join(", ")))];
    // If the database can't be reached, the check of the database reports it.
    if let Ok(mut processes) = keys::processes(settings).await {
        processes.push(keys::Process::of_configuration(configured));
        findings.extend(keys::conflicts(&processes).into_iter().map(Finding::Warning));
    }
    findings
}

async fn redis(settings: &Settings) -> Finding {
    let Some(redis) = &settings.config.redis else {
        return Finding::Good("Redis: not configured; a single process keeps quotas and events in memory".to_owned());
    };
    let link = match RedisLink::open(redis).await {
        Ok(link) => link,
        Err(fault) => return Finding::Bad(format!("Redis: {}", fault.words())),
    };
    if link.is_up() {
        return Finding::Good("Redis: reachable; writes, scripts and messages work".to_owned());
    }
    match link.probe().await {
        Ok(_) => Finding::Warning("Redis: reachable, but not at the first attempt: it may be slow".to_owned()),
        Err(fault) => Finding::Bad(format!(
            "Redis: {}: check REDIS_URL, that the server is running, and the permissions of its user",
            fault.words()
        )),
    }
}

fn providers(settings: &Settings) -> Vec<Finding> {
    let described = settings.providers.iter();
    described.map(|provider| Finding::Good(format!("provider: {provider}"))).collect()
}

async fn address(settings: &Settings) -> Finding {
    let listen = settings.config.http.listen;
    match TcpListener::bind(listen).await {
        Ok(_) => Finding::Good(format!("address: {listen} is available")),
        Err(error) => Finding::Warning(format!(
            "address: can't listen on {listen} now ({error}); expected while the service itself is running"
        )),
    }
}

fn warnings(settings: &Settings) -> Vec<Finding> {
    let config = &settings.config;
    let mut warnings = [settings.warnings.clone(), settings.key_warnings.clone()].concat();
    descriptors::raise_limit(config);
    warnings.extend(descriptors::warning(config));
    if config.keys.attestation_audience == config.session.audience {
        warnings.push(
            "ATTESTATION_AUDIENCE is the same as JWT_AUDIENCE: a back end that does not check the type of a token accepts an \
             access token as an attestation"
                .to_owned(),
        );
    }
    if config.http.environment == Environment::Production && config.store.is_embedded() {
        warnings
            .push("the embedded database is used in production: only one process can run; back up DATA_DIR".to_owned());
    }
    if !config.http.listen.ip().is_loopback() && config.http.tls.is_none() {
        warnings.push(
            "LISTEN_ADDR is reachable from other hosts without TLS: use a reverse proxy, or set TLS_CERT and TLS_KEY"
                .to_owned(),
        );
    }
    if !config.contacts.test.is_empty() {
        warnings.push("TEST_CONTACTS is set: anyone who knows their codes can verify them".to_owned());
    }
    warnings.into_iter().map(Finding::Warning).collect()
}
