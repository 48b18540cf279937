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
enum CheckResult {
    Passed(String),
    /// The program will run, with a warning for the operator.
    Warning(String),
    Failed(String),
}

/// Runs all checks and prints a line for each.
///
/// # Errors
/// A check failed.
pub async fn run_checks(settings: Settings) -> Result<(), String> {
    let mut findings = vec![CheckResult::Passed("the configuration is complete".to_owned())];
    findings.push(database(&settings).await);
    findings.extend(keys(&settings).await);
    findings.push(redis(&settings).await);
    findings.extend(providers(&settings));
    findings.push(address(&settings).await);
    findings.extend(warnings(&settings));
    let mut bad = 0;
    for finding in &findings {
        match finding {
            CheckResult::Passed(what) => print_line!("ok       {what}"),
            CheckResult::Warning(what) => print_line!("warning  {what}"),
            CheckResult::Failed(what) => {
                bad += 1;
                print_line!("bad      {what}");
            }
        }
    }
    match bad {
        0 => Ok(()),
        1 => Err("1 check failed".to_owned()),
        bad => Err(format!("{bad} checks failed")),
    }
}

async fn database(settings: &Settings) -> CheckResult {
    let store = &settings.config.store;
    let place = match &store.place {
        DatabaseLocation::Sqlite { file } if !file.exists() => {
            return CheckResult::Passed(format!("database: SQLite, {} will be created at first start", file.display()));
        }
        DatabaseLocation::Sqlite { file } => format!("SQLite in {}", file.display()),
        DatabaseLocation::Postgres { .. } => "PostgreSQL".to_owned(),
    };
    let opened = match Store::open(store, &Supervisor::default()).await {
        Ok(opened) => opened,
        Err(fault) => {
            return CheckResult::Failed(format!(
                "database: {place} can't be reached ({}): check DATABASE_URL, and that the server is running",
                fault.operator_message()
            ));
        }
    };
    let schema = opened.schema().await;
    let available = opened.max_connections().await;
    let read_only = opened.read_only();
    opened.close().await;
    if let Some(reason) = read_only {
        return CheckResult::Failed(format!("database: {reason}"));
    }
    if let Ok(Some(available)) = available
        && available < store.max_connections
    {
        return CheckResult::Failed(format!(
            "database: DATABASE_MAX_CONNECTIONS={} is more than the {available} connections that the server allows for \
             all clients: lower it, or raise max_connections",
            store.max_connections
        ));
    }
    match schema {
        Ok(schema) => tables(store, &place, &schema),
        Err(fault) => CheckResult::Failed(format!(
            "database: {place} is reachable, and its migrations can't be read: {}",
            fault.operator_message()
        )),
    }
}

fn tables(store: &config::Store, place: &str, schema: &Schema) -> CheckResult {
    if let Some(reason) = schema.too_new() {
        return CheckResult::Failed(format!("database: {reason}"));
    }
    match (schema.pending.len(), schema.foreign()) {
        (0, Some(reason)) => CheckResult::Warning(format!("database: {reason}")),
        (_, Some(reason)) => CheckResult::Failed(format!("database: {reason}")),
        (0, None) if !schema.newer.is_empty() => CheckResult::Passed(format!(
            "database: {place} is reachable, with migrations of a newer, compatible version: {}",
            schema.newer.join(", ")
        )),
        (0, None) => CheckResult::Passed(format!("database: {place} is reachable, migrations are applied")),
        _ if store.is_embedded() || store.auto_migrate => {
            CheckResult::Passed(format!("database: {place} is reachable, and will be migrated at start"))
        }
        (pending, None) => CheckResult::Failed(format!(
            "database: {place} is reachable, and {pending} migrations are pending: run countersign migrate"
        )),
    }
}

/// The keys of this configuration, and whether it and the running processes accept each other's keys.
async fn keys(settings: &Settings) -> Vec<CheckResult> {
    let configured = match keys::configured(settings) {
        Ok(Some(configured)) => configured,
        Ok(None) => return vec![CheckResult::Passed("keys: will be generated at first start".to_owned())],
        Err(reason) => return vec![CheckResult::Failed(format!("keys: {reason}"))],
    };
    let used = KeyKind::ALL.iter().filter_map(|kind| Some((kind, configured.current(*kind)?.first()?)));
    let used: Vec<_> = used.map(|(kind, id)| format!("{} {id}", kind.as_str())).collect();
    let mut findings = vec![CheckResult::Passed(format!("keys: {}", used.join(", ")))];
    // If the database can't be reached, the check of the database reports it.
    if let Ok(mut processes) = keys::processes(settings).await {
        processes.push(keys::Process::of_configuration(configured));
        findings.extend(keys::conflicts(&processes).into_iter().map(CheckResult::Warning));
    }
    findings
}

async fn redis(settings: &Settings) -> CheckResult {
    let Some(redis) = &settings.config.redis else {
        return CheckResult::Passed(
            "Redis: not configured; a single process keeps quotas and events in memory".to_owned(),
        );
    };
    let link = match RedisLink::open(redis).await {
        Ok(link) => link,
        Err(fault) => return CheckResult::Failed(format!("Redis: {}", fault.operator_message())),
    };
    if link.is_up() {
        return CheckResult::Passed("Redis: reachable; writes, scripts and messages work".to_owned());
    }
    match link.probe().await {
        Ok(_) => CheckResult::Warning("Redis: reachable, but not at the first attempt: it may be slow".to_owned()),
        Err(fault) => CheckResult::Failed(format!(
            "Redis: {}: check REDIS_URL, that the server is running, and the permissions of its user",
            fault.operator_message()
        )),
    }
}

fn providers(settings: &Settings) -> Vec<CheckResult> {
    let described = settings.providers.iter();
    described.map(|provider| CheckResult::Passed(format!("provider: {provider}"))).collect()
}

async fn address(settings: &Settings) -> CheckResult {
    let listen = settings.config.http.listen;
    match TcpListener::bind(listen).await {
        Ok(_) => CheckResult::Passed(format!("address: {listen} is available")),
        Err(error) => CheckResult::Warning(format!(
            "address: can't listen on {listen} now ({error}); expected while the service itself is running"
        )),
    }
}

fn warnings(settings: &Settings) -> Vec<CheckResult> {
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
    warnings.into_iter().map(CheckResult::Warning).collect()
}
