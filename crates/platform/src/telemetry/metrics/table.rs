//! Every metric: its name with its unit (Prometheus' conventions: base units, `_total` for what only grows), its labels,
//! and what it says. Dashboards and alerts are held to this table by a test.

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

/// How a metric is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Counter,
    Gauge,
    /// Seconds, in buckets up to these bounds.
    Seconds(&'static [f64]),
}

/// From a cache's answer to a time-out.
const WORK: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// From a quick carrier to a code's whole life.
const WAITING: &[f64] = &[1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 3600.0];

macro_rules! metrics {
    ($($constant:ident = $name:literal, $kind:expr, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        /// Every metric there is.
        pub const METRICS: &[Metric] =
            &[$(Metric { name: $name, kind: $kind, labels: &[$($label),*], help: $help }),*];
    };
}

metrics! {
    BUILD_INFO = "countersign_build_info", Kind::Gauge, ["version"],
        "Always 1; the version that runs.";
    REQUESTS = "countersign_requests_total", Kind::Counter, ["operation", "outcome"],
        "Operations answered, by root field and by outcome: ok, a refusal's code, or an error's.";
    REQUEST_SECONDS = "countersign_request_seconds", Kind::Seconds(WORK), ["operation"],
        "Time to answer an operation.";
    FAULTS = "countersign_faults_total", Kind::Counter, ["kind"],
        "Faults on our side: unavailable (something that we depend on does not answer) or internal.";
    LOG_LINES_LOST = "countersign_log_lines_lost_total", Kind::Counter, [],
        "Log lines that were lost, since standard error was read too slowly or not at all.";
    VERIFICATIONS_STARTED = "countersign_verifications_started_total", Kind::Counter, ["purpose", "channel"],
        "Verifications started.";
    VERIFICATIONS = "countersign_verifications_total", Kind::Counter, ["purpose", "channel", "end"],
        "Verifications that are over, by how they ended: verified, expired, locked, canceled.";
    CONFIRMATION_SECONDS = "countersign_confirmation_seconds", Kind::Seconds(WAITING), ["purpose", "channel"],
        "Time from the first send of a code to its confirmation.";
    SENDS = "countersign_sends_total", Kind::Counter, ["provider", "outcome"],
        "Messages handed to a provider, by what it said.";
    SEND_SECONDS = "countersign_send_seconds", Kind::Seconds(WORK), ["provider"],
        "Time that a provider took to answer.";
    PROVIDER_RESTING = "countersign_provider_resting", Kind::Gauge, ["provider"],
        "1 while a provider that failed again and again is left alone and probed, 0 when it is back.";
    PROVIDER_OUTAGES = "countersign_provider_outages_total", Kind::Counter, ["provider"],
        "Times that a provider failed again and again.";
    POLLS = "countersign_receipt_polls_total", Kind::Counter, ["provider", "outcome"],
        "Times that a provider was asked what became of a message: told, not_yet, throttled.";
    CHECKS = "countersign_code_checks_total", Kind::Counter, ["provider", "outcome"],
        "Guesses that a provider was asked to judge, by what it said.";
    DELIVERY_SECONDS = "countersign_delivery_seconds", Kind::Seconds(WAITING), ["provider"],
        "Time from a provider's taking a message to the receipt that it arrived.";
    RECEIPTS = "countersign_receipts_total", Kind::Counter, ["provider", "outcome"],
        "Receipts from providers, taken or refused.";
    REFRESH_REPLAYS = "countersign_refresh_replays_total", Kind::Counter, ["answer"],
        "Refresh tokens that were presented again, by the answer: repeated, replaced, deferred, reused (the session was ended).";
    QUOTA_REFUSALS = "countersign_quota_refusals_total", Kind::Counter, ["act", "quota"],
        "Acts that a quota refused.";
    QUOTA_KEYS_FORGOTTEN = "countersign_quota_keys_forgotten_total", Kind::Counter, ["act"],
        "Keys whose counts were dropped because the process had too many.";
    DESTINATION_THROTTLES = "countersign_destination_throttles_total", Kind::Counter, ["turn"],
        "Times that the guard against SMS pumping throttled a destination prefix (on), or confirmations freed it (off).";
    GUESSING = "countersign_guessing_suspected", Kind::Gauge, [],
        "1 while so few of the codes that are tried are right that codes seem to be guessed across accounts.";
    GUESSING_ALARMS = "countersign_guessing_alarms_total", Kind::Counter, ["state"],
        "Times that the alarm for guessing across accounts was raised (raised), or ended (over).";
    FALLBACKS = "countersign_fallbacks_total", Kind::Counter, ["part"],
        "Times that a process did by itself what it does through Redis.";
    REDIS_UP = "countersign_redis_up", Kind::Gauge, [],
        "1 while Redis answers, 0 while it does not; absent where none is configured.";
    REDIS_OUTAGES = "countersign_redis_outages_total", Kind::Counter, [],
        "Times that Redis stopped to answer.";
    POOL_CONNECTIONS = "countersign_pool_connections", Kind::Gauge, ["state"],
        "Connections to the database, idle and used.";
    QUEUE_DEPTH = "countersign_queue_depth", Kind::Gauge, ["queue"],
        "What waits for its turn: deliveries for a provider, hashing for a core, writes for SQLite's one writer.";
    QUEUE_FULL = "countersign_queue_full_total", Kind::Counter, ["queue"],
        "Times that a queue was full and somebody was turned away.";
    HASHING_SECONDS = "countersign_hashing_seconds", Kind::Seconds(WORK), [],
        "Time to hash or judge a password, the wait for a core included.";
    CONNECTIONS_OPEN = "countersign_connections_open", Kind::Gauge, [],
        "Open connections of clients, of every kind.";
    CONNECTIONS_TURNED_AWAY = "countersign_connections_turned_away_total", Kind::Counter, ["cause"],
        "Connections closed for others: idle ones that gave way (idle), and new ones of an address that has enough (address).";
    SOCKETS_OPEN = "countersign_sockets_open", Kind::Gauge, [],
        "Open WebSockets, whether anything is watched over them or not.";
    STREAMS_OPEN = "countersign_streams_open", Kind::Gauge, ["transport"],
        "Open subscriptions.";
    EVENT_LAG_SECONDS = "countersign_event_lag_seconds", Kind::Seconds(WORK), [],
        "Time from a change to its reaching who watches it.";
}
