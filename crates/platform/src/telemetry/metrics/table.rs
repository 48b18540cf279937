//! Every metric: its name with its unit (Prometheus conventions: base units, `_total` for counters), its labels and its
//! help text. A test checks that dashboards and alerts use only metrics of this table.

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Counter,
    Gauge,
    /// A histogram of seconds, with these upper bounds of its buckets.
    Seconds(&'static [f64]),
}

/// Bounds for work of the service: from a cache hit to a timeout.
const WORK: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Bounds for deliveries and confirmations: from a fast carrier to the longest lifetime of a code.
const WAITING: &[f64] = &[1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 3600.0];

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:expr, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        /// All metrics.
        pub const METRICS: &[Metric] =
            &[$(Metric { name: $name, kind: $kind, labels: &[$($label),*], help: $help }),*];
    };
}

metrics! {
    BUILD_INFO = "countersign_build_info", Kind::Gauge, ["version"],
        "Always 1; the label is the running version.";
    REQUESTS = "countersign_requests_total", Kind::Counter, ["operation", "outcome"],
        "Operations, by root field and outcome: ok, the code of a problem, or the code of an error.";
    REQUEST_SECONDS = "countersign_request_seconds", Kind::Seconds(WORK), ["operation"],
        "Time to answer an operation.";
    FAULTS = "countersign_faults_total", Kind::Counter, ["kind"],
        "Server-side faults: unavailable (a dependency does not respond) or internal.";
    LOG_LINES_LOST = "countersign_log_lines_lost_total", Kind::Counter, [],
        "Log lines dropped because standard error was read too slowly or not at all.";
    VERIFICATIONS_STARTED = "countersign_verifications_started_total", Kind::Counter, ["purpose", "channel"],
        "Verifications started.";
    VERIFICATIONS = "countersign_verifications_total", Kind::Counter, ["purpose", "channel", "end"],
        "Verifications that ended, by result: verified, expired, locked, canceled.";
    CONFIRMATION_SECONDS = "countersign_confirmation_seconds", Kind::Seconds(WAITING), ["purpose", "channel"],
        "Time from the first send of a code to its confirmation.";
    SENDS = "countersign_sends_total", Kind::Counter, ["provider", "outcome"],
        "Messages handed to a provider, by the outcome of the call.";
    SEND_SECONDS = "countersign_send_seconds", Kind::Seconds(WORK), ["provider"],
        "Response time of a provider.";
    PROVIDER_CIRCUIT_OPEN = "countersign_provider_circuit_open", Kind::Gauge, ["provider"],
        "1 while the circuit breaker of a provider is open (only probes are sent), 0 otherwise.";
    PROVIDER_OUTAGES = "countersign_provider_outages_total", Kind::Counter, ["provider"],
        "Times that the circuit breaker of a provider opened.";
    POLLS = "countersign_receipt_polls_total", Kind::Counter, ["provider", "outcome"],
        "Polls of a provider for the status of a message: told (it gave a status), not_yet, throttled.";
    CHECKS = "countersign_code_checks_total", Kind::Counter, ["provider", "outcome"],
        "Codes that a provider was asked to check, by the outcome.";
    DELIVERY_SECONDS = "countersign_delivery_seconds", Kind::Seconds(WAITING), ["provider"],
        "Time from a provider's acceptance of a message to its delivery receipt.";
    RECEIPTS = "countersign_receipts_total", Kind::Counter, ["provider", "outcome"],
        "Receipts from providers, accepted or rejected.";
    REFRESH_REPLAYS = "countersign_refresh_replays_total", Kind::Counter, ["answer"],
        "Refresh tokens that were presented again, by the response: repeated, replaced, deferred, reused (the session was ended).";
    QUOTA_REFUSALS = "countersign_quota_refusals_total", Kind::Counter, ["act", "quota"],
        "Requests refused by a quota.";
    QUOTA_KEYS_FORGOTTEN = "countersign_quota_keys_forgotten_total", Kind::Counter, ["act"],
        "Quota keys whose counts were dropped because the process had too many keys.";
    DESTINATION_THROTTLES = "countersign_destination_throttles_total", Kind::Counter, ["state"],
        "Times that the SMS pumping protection throttled a destination prefix (on), or confirmations ended the throttle (off).";
    GUESSING = "countersign_guessing_suspected", Kind::Gauge, [],
        "1 while the share of correct codes is so low that codes are probably being guessed across accounts.";
    GUESSING_ALARMS = "countersign_guessing_alarms_total", Kind::Counter, ["state"],
        "Times that the alarm for guessing across accounts was raised (raised) or cleared (over).";
    FALLBACKS = "countersign_fallbacks_total", Kind::Counter, ["part"],
        "Times that a process worked without Redis because Redis was unavailable.";
    REDIS_UP = "countersign_redis_up", Kind::Gauge, [],
        "1 while Redis is available, 0 while it is not; absent where Redis is not configured.";
    REDIS_OUTAGES = "countersign_redis_outages_total", Kind::Counter, [],
        "Times that Redis became unavailable.";
    POOL_CONNECTIONS = "countersign_pool_connections", Kind::Gauge, ["state"],
        "Connections to the database, by state: idle, used.";
    QUEUE_DEPTH = "countersign_queue_depth", Kind::Gauge, ["queue"],
        "Entries in a queue: deliveries wait for a provider, hashing for a core, writes for SQLite's single writer.";
    QUEUE_FULL = "countersign_queue_full_total", Kind::Counter, ["queue"],
        "Requests rejected because a queue was full.";
    HASHING_SECONDS = "countersign_hashing_seconds", Kind::Seconds(WORK), [],
        "Time to hash or verify a password, including the wait for a core.";
    CONNECTIONS_OPEN = "countersign_connections_open", Kind::Gauge, [],
        "Open client connections of every kind.";
    CONNECTIONS_TURNED_AWAY = "countersign_connections_turned_away_total", Kind::Counter, ["cause"],
        "Connections closed because of a limit: idle ones that made room for new ones (idle), and new ones of an address at its limit (address).";
    SOCKETS_OPEN = "countersign_sockets_open", Kind::Gauge, [],
        "Open WebSockets, with or without subscriptions.";
    STREAMS_OPEN = "countersign_streams_open", Kind::Gauge, ["transport"],
        "Open subscriptions.";
    EVENT_LAG_SECONDS = "countersign_event_lag_seconds", Kind::Seconds(WORK), [],
        "Time from a change to its arrival at the subscribers.";
}
