//! Metrics: one function for each event or measurement. No other module names a metric.
//!
//! Labels are closed lists, given as enums or as `&'static str`, so that the number of series of a metric is bounded
//! and does not grow with the number of users. Names of people, contacts, addresses and ids are never labels.
//!
//! Without `METRICS_ADDR` there is no recorder, and these functions do nothing.

mod exporter;
pub mod process;
pub mod table;

use std::time::Duration;

use ::metrics::{SharedString, counter, gauge, histogram};

pub use self::exporter::{AlreadyInstalled, Exporter};
use crate::fault::FaultKind;
use domain::{channel::Channel, purpose::Purpose};

/// The name of a root field of the schema, or a fixed word for everything else.
pub type Operation = SharedString;

/// Records the response to a root field. `outcome` is `ok`, the code of a problem, or `extensions.code` of an error.
pub fn request(operation: Operation, outcome: &'static str, took: Duration) {
    histogram!(table::REQUEST_SECONDS, "operation" => operation.clone()).record(took);
    counter!(table::REQUESTS, "operation" => operation, "outcome" => outcome).increment(1);
}

/// Counts a document that was rejected before execution.
pub fn request_refused(operation: Operation, outcome: &'static str) {
    counter!(table::REQUESTS, "operation" => operation, "outcome" => outcome).increment(1);
}

/// Counts a fault that was logged.
pub fn fault(kind: FaultKind) {
    let kind = match kind {
        FaultKind::Unavailable => "unavailable",
        FaultKind::Internal => "internal",
    };
    counter!(table::FAULTS, "kind" => kind).increment(1);
}

/// Why a connection was closed because of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// It was idle, and a new connection needed its slot.
    Idle,
    /// It was new, and its address is at its limit with no idle connection.
    Address,
}

impl TurnedAway {
    fn as_str(self) -> &'static str {
        match self {
            TurnedAway::Idle => "idle",
            TurnedAway::Address => "address",
        }
    }
}

/// Counts a connection that was closed because of a limit.
pub fn connection_turned_away(cause: TurnedAway) {
    counter!(table::CONNECTIONS_TURNED_AWAY, "cause" => cause.as_str()).increment(1);
}

/// Initialises counters that are incremented outside of requests with 0, so that an alert sees the first increment.
pub fn begin() {
    counter!(table::LOG_LINES_LOST).increment(0);
    for cause in [TurnedAway::Idle, TurnedAway::Address] {
        counter!(table::CONNECTIONS_TURNED_AWAY, "cause" => cause.as_str()).increment(0);
    }
}

/// Counts log lines that were dropped.
pub fn log_lines_lost(lines: u64) {
    counter!(table::LOG_LINES_LOST).increment(lines);
}

/// Counts a verification whose first message was queued.
pub fn verification_started(purpose: Purpose, channel: Channel) {
    counter!(table::VERIFICATIONS_STARTED, "purpose" => purpose.as_str(), "channel" => channel.as_str()).increment(1);
}

/// How a verification ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Verified,
    Expired,
    Locked,
    Canceled,
}

/// Counts a verification that ended. `channel` is that of its newest message.
pub fn verification_ended(purpose: Purpose, channel: Channel, end: End) {
    verifications_ended(purpose, channel, end, 1);
}

/// Counts `count` verifications that ended.
pub fn verifications_ended(purpose: Purpose, channel: Channel, end: End, count: i64) {
    let end = match end {
        End::Verified => "verified",
        End::Expired => "expired",
        End::Locked => "locked",
        End::Canceled => "canceled",
    };
    counter!(table::VERIFICATIONS, "purpose" => purpose.as_str(), "channel" => channel.as_str(), "end" => end)
        .increment(count.unsigned_abs());
}

/// Records a confirmed code and the time since the first message of its verification was sent.
pub fn confirmed(purpose: Purpose, channel: Channel, after: Duration) {
    histogram!(table::CONFIRMATION_SECONDS, "purpose" => purpose.as_str(), "channel" => channel.as_str()).record(after);
}

/// Records a call to a provider for one message. `outcome` is the name of its `Outcome`; `took` includes a timeout.
pub fn sent(provider: &'static str, outcome: &'static str, took: Duration) {
    counter!(table::SENDS, "provider" => provider, "outcome" => outcome).increment(1);
    histogram!(table::SEND_SECONDS, "provider" => provider).record(took);
}

/// Initialises the metrics of a provider: its circuit breaker is closed.
pub fn provider_known(provider: &'static str) {
    gauge!(table::PROVIDER_CIRCUIT_OPEN, "provider" => provider).set(0.0);
    counter!(table::PROVIDER_OUTAGES, "provider" => provider).increment(0);
}

/// Records that the circuit breaker of a provider opened (`open`; only probes are sent) or closed.
pub fn provider_rests(provider: &'static str, open: bool) {
    gauge!(table::PROVIDER_CIRCUIT_OPEN, "provider" => provider).set(if open { 1.0 } else { 0.0 });
    if open {
        counter!(table::PROVIDER_OUTAGES, "provider" => provider).increment(1);
    }
}

/// Counts a poll of a provider for the status of a message: `told` (it gave a status), `not_yet`, `throttled`.
pub fn polled(provider: &'static str, outcome: &'static str) {
    counter!(table::POLLS, "provider" => provider, "outcome" => outcome).increment(1);
}

/// Counts a code that a provider was asked to check. `outcome` is the name of its `CheckOutcome`.
pub fn checked(provider: &'static str, outcome: &'static str) {
    counter!(table::CHECKS, "provider" => provider, "outcome" => outcome).increment(1);
}

/// Records a delivery receipt and the time since the provider accepted the message.
pub fn delivered(provider: &'static str, after: Duration) {
    histogram!(table::DELIVERY_SECONDS, "provider" => provider).record(after);
}

/// Counts a receipt: `accepted`, `bad_signature`, `unknown_message`, `malformed`.
pub fn receipt(provider: &'static str, outcome: &'static str) {
    counter!(table::RECEIPTS, "provider" => provider, "outcome" => outcome).increment(1);
}

/// The response to a refresh token that had been exchanged or replaced before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshReplay {
    /// The same successor, within `REFRESH_GRACE`.
    Repeated,
    /// A new successor, because the previous one was never used.
    Replaced,
    /// A request to retry after the grace period.
    Deferred,
    /// The session was ended.
    Reused,
}

impl RefreshReplay {
    const ALL: [Self; 4] = [Self::Repeated, Self::Replaced, Self::Deferred, Self::Reused];

    const fn as_str(self) -> &'static str {
        match self {
            RefreshReplay::Repeated => "repeated",
            RefreshReplay::Replaced => "replaced",
            RefreshReplay::Deferred => "deferred",
            RefreshReplay::Reused => "reused",
        }
    }
}

/// Counts a refresh token that was presented again.
pub fn refresh_replayed(replay: RefreshReplay) {
    counter!(table::REFRESH_REPLAYS, "answer" => replay.as_str()).increment(1);
}

/// Counts a request that a quota refused.
pub fn quota_refused(act: &'static str, quota: &'static str) {
    counter!(table::QUOTA_REFUSALS, "act" => act, "quota" => quota).increment(1);
}

/// Counts quota keys whose counts were dropped because the table of the process for this act was full.
pub fn quota_keys_forgotten(act: &'static str, keys: u64) {
    counter!(table::QUOTA_KEYS_FORGOTTEN, "act" => act).increment(keys);
}

/// Counts that the SMS pumping protection throttled a destination prefix (`on`), or ended the throttle.
pub fn destination_throttled(on: bool) {
    counter!(table::DESTINATION_THROTTLES, "state" => if on { "on" } else { "off" }).increment(1);
}

/// Sets whether the alarm for guessing across accounts is raised.
pub fn guessing(raised: bool) {
    gauge!(table::GUESSING).set(f64::from(u8::from(raised)));
}

/// Counts that the alarm for guessing across accounts was raised or cleared.
pub fn guessing_alarm(raised: bool) {
    counter!(table::GUESSING_ALARMS, "state" => if raised { "raised" } else { "over" }).increment(1);
}

/// What a process does without Redis while Redis is unavailable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Quotas are counted per process.
    Quotas,
    /// Rows with subscribers are polled in the database instead of published through Redis.
    Events,
}

/// Counts an operation that was done without Redis because Redis was unavailable.
pub fn fell_back(part: Fallback) {
    let part = match part {
        Fallback::Quotas => "quotas",
        Fallback::Events => "events",
    };
    counter!(table::FALLBACKS, "part" => part).increment(1);
}

/// Sets whether Redis is available, and counts outages.
pub fn redis(up: bool) {
    gauge!(table::REDIS_UP).set(if up { 1.0 } else { 0.0 });
    if !up {
        counter!(table::REDIS_OUTAGES).increment(1);
    }
}

/// Sets the numbers of idle and used database connections.
pub fn pool(idle: u32, used: u32) {
    gauge!(table::POOL_CONNECTIONS, "state" => "idle").set(idle);
    gauge!(table::POOL_CONNECTIONS, "state" => "used").set(used);
}

/// A queue with a bounded consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Messages that wait for a provider.
    Deliveries,
    /// Passwords that wait for a core.
    Hashing,
    /// Transactions that wait for SQLite's single writer.
    Writes,
}

impl Queue {
    const fn as_str(self) -> &'static str {
        match self {
            Queue::Deliveries => "deliveries",
            Queue::Hashing => "hashing",
            Queue::Writes => "writes",
        }
    }
}

/// Sets how many entries wait in a queue.
pub fn queue_depth(queue: Queue, waiting: u32) {
    gauge!(table::QUEUE_DEPTH, "queue" => queue.as_str()).set(waiting);
}

/// Counts a request that was rejected because a queue was full.
pub fn queue_full(queue: Queue) {
    counter!(table::QUEUE_FULL, "queue" => queue.as_str()).increment(1);
}

/// Records the time to hash or verify a password, including the wait for a core.
pub fn hashed(took: Duration) {
    histogram!(table::HASHING_SECONDS).record(took);
}

/// Records the time from a change to its arrival at the subscribers in this process.
pub fn event_lag(lag: Duration) {
    histogram!(table::EVENT_LAG_SECONDS).record(lag);
}

/// Initialises counters with 0, so that their first increment is seen as an increase and not as a new series.
fn zero() {
    for kind in ["unavailable", "internal"] {
        counter!(table::FAULTS, "kind" => kind).increment(0);
    }
    for part in ["quotas", "events"] {
        counter!(table::FALLBACKS, "part" => part).increment(0);
    }
    for state in ["on", "off"] {
        counter!(table::DESTINATION_THROTTLES, "state" => state).increment(0);
    }
    for replay in RefreshReplay::ALL {
        counter!(table::REFRESH_REPLAYS, "answer" => replay.as_str()).increment(0);
    }
    for state in ["raised", "over"] {
        counter!(table::GUESSING_ALARMS, "state" => state).increment(0);
    }
    guessing(false);
    for queue in [Queue::Deliveries, Queue::Hashing, Queue::Writes] {
        counter!(table::QUEUE_FULL, "queue" => queue.as_str()).increment(0);
    }
    gauge!(table::QUEUE_DEPTH, "queue" => Queue::Deliveries.as_str()).set(0.0);
    for transport in ["websocket", "sse", "multipart"] {
        gauge!(table::STREAMS_OPEN, "transport" => transport).set(0.0);
    }
    gauge!(table::SOCKETS_OPEN).set(0.0);
    drop((histogram!(table::HASHING_SECONDS), histogram!(table::EVENT_LAG_SECONDS)));
}

/// Counts an open connection until it is dropped.
#[derive(Debug)]
pub struct OpenConnection(());

impl OpenConnection {
    #[expect(clippy::new_without_default, reason = "creating it changes a metric")]
    pub fn new() -> Self {
        gauge!(table::CONNECTIONS_OPEN).increment(1);
        Self(())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        gauge!(table::CONNECTIONS_OPEN).decrement(1);
    }
}

/// Counts an open WebSocket until it is dropped, with or without subscriptions.
#[derive(Debug)]
pub struct OpenSocket(());

impl OpenSocket {
    #[expect(clippy::new_without_default, reason = "creating it changes a metric")]
    pub fn new() -> Self {
        gauge!(table::SOCKETS_OPEN).increment(1);
        Self(())
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        gauge!(table::SOCKETS_OPEN).decrement(1);
    }
}

/// Counts an open subscription until it is dropped.
#[derive(Debug)]
pub struct OpenStream {
    transport: &'static str,
}

impl OpenStream {
    /// `transport` is `websocket`, `sse` or `multipart`.
    pub fn new(transport: &'static str) -> Self {
        gauge!(table::STREAMS_OPEN, "transport" => transport).increment(1);
        Self { transport }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        gauge!(table::STREAMS_OPEN, "transport" => self.transport).decrement(1);
    }
}

#[cfg(test)]
mod tests;
