//! What is counted and measured, in the words of the rooms: nobody else names a metric.
//!
//! Labels are closed lists, given as enums or as `&'static str`, so that a metric has as many series as the program has
//! words, however many people use it. Nothing that names a person, a contact, an address or an id is a label.
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

/// The name of a root field out of the schema, or a word for everything that is none.
pub type Operation = SharedString;

/// A root field of a document was answered. `outcome` is `ok`, a refusal's code, or `extensions.code` of an error.
pub fn request(operation: Operation, outcome: &'static str, took: Duration) {
    histogram!(table::REQUEST_SECONDS, "operation" => operation.clone()).record(took);
    counter!(table::REQUESTS, "operation" => operation, "outcome" => outcome).increment(1);
}

/// A document was refused before anything was executed.
pub fn request_refused(operation: Operation, outcome: &'static str) {
    counter!(table::REQUESTS, "operation" => operation, "outcome" => outcome).increment(1);
}

/// A fault was logged.
pub fn fault(kind: FaultKind) {
    let kind = match kind {
        FaultKind::Unavailable => "unavailable",
        FaultKind::Internal => "internal",
    };
    counter!(table::FAULTS, "kind" => kind).increment(1);
}

/// Why a connection was closed for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// It was idle, and a new one needed its place.
    Idle,
    /// It was new, and its address has as many busy ones as it may.
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

/// A connection was closed for others.
pub fn connection_turned_away(cause: TurnedAway) {
    counter!(table::CONNECTIONS_TURNED_AWAY, "cause" => cause.as_str()).increment(1);
}

/// Counting begins: what has not happened yet is shown as 0, so that an alert sees the first time.
pub fn begin() {
    counter!(table::LOG_LINES_LOST).increment(0);
    for cause in [TurnedAway::Idle, TurnedAway::Address] {
        counter!(table::CONNECTIONS_TURNED_AWAY, "cause" => cause.as_str()).increment(0);
    }
}

/// So many log lines were lost.
pub fn log_lines_lost(lines: u64) {
    counter!(table::LOG_LINES_LOST).increment(lines);
}

/// A verification was started and its first message queued.
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

/// A verification is over. `channel` is the one of its newest message.
pub fn verification_ended(purpose: Purpose, channel: Channel, end: End) {
    verifications_ended(purpose, channel, end, 1);
}

/// So many verifications are over.
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

/// A code was confirmed, so long after the first message with it was sent.
pub fn confirmed(purpose: Purpose, channel: Channel, after: Duration) {
    histogram!(table::CONFIRMATION_SECONDS, "purpose" => purpose.as_str(), "channel" => channel.as_str()).record(after);
}

/// A provider answered, or did not, to one message. `outcome` is the name of its `Outcome`.
pub fn sent(provider: &'static str, outcome: &'static str, took: Duration) {
    counter!(table::SENDS, "provider" => provider, "outcome" => outcome).increment(1);
    histogram!(table::SEND_SECONDS, "provider" => provider).record(took);
}

/// A provider carries messages from now on: nothing has gone wrong with it yet.
pub fn provider_known(provider: &'static str) {
    gauge!(table::PROVIDER_RESTING, "provider" => provider).set(0.0);
    counter!(table::PROVIDER_OUTAGES, "provider" => provider).increment(0);
}

/// A provider failed again and again and is left alone but for probes (`resting`), or is back.
pub fn provider_rests(provider: &'static str, resting: bool) {
    gauge!(table::PROVIDER_RESTING, "provider" => provider).set(if resting { 1.0 } else { 0.0 });
    if resting {
        counter!(table::PROVIDER_OUTAGES, "provider" => provider).increment(1);
    }
}

/// A provider was asked what became of a message: `told`, `not_yet`, `throttled`.
pub fn polled(provider: &'static str, outcome: &'static str) {
    counter!(table::POLLS, "provider" => provider, "outcome" => outcome).increment(1);
}

/// A provider was asked to judge a guess. `outcome` is the name of its `CheckOutcome`.
pub fn checked(provider: &'static str, outcome: &'static str) {
    counter!(table::CHECKS, "provider" => provider, "outcome" => outcome).increment(1);
}

/// A receipt said that a message arrived, so long after the provider took it.
pub fn delivered(provider: &'static str, after: Duration) {
    histogram!(table::DELIVERY_SECONDS, "provider" => provider).record(after);
}

/// A receipt was taken, or refused: `accepted`, `bad_signature`, `unknown_message`, `malformed`.
pub fn receipt(provider: &'static str, outcome: &'static str) {
    counter!(table::RECEIPTS, "provider" => provider, "outcome" => outcome).increment(1);
}

/// How a refresh token was answered that had been exchanged or replaced before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshReplay {
    /// With the same successor, within the grace.
    Repeated,
    /// With a new successor, since the one before was never seen.
    Replaced,
    /// With a request to ask again after the grace.
    Deferred,
    /// With the end of its session.
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

/// A refresh token was presented again.
pub fn refresh_replayed(replay: RefreshReplay) {
    counter!(table::REFRESH_REPLAYS, "answer" => replay.as_str()).increment(1);
}

/// A quota said no to an act.
pub fn quota_refused(act: &'static str, quota: &'static str) {
    counter!(table::QUOTA_REFUSALS, "act" => act, "quota" => quota).increment(1);
}

/// The memory of the process for an act was full, and the counts of so many keys were dropped.
pub fn quota_keys_forgotten(act: &'static str, keys: u64) {
    counter!(table::QUOTA_KEYS_FORGOTTEN, "act" => act).increment(keys);
}

/// The guard against SMS pumping throttled a destination prefix, or freed it.
pub fn destination_throttled(on: bool) {
    counter!(table::DESTINATION_THROTTLES, "turn" => if on { "on" } else { "off" }).increment(1);
}

/// Whether the alarm for guessing across accounts stands.
pub fn guessing(raised: bool) {
    gauge!(table::GUESSING).set(f64::from(u8::from(raised)));
}

/// The alarm for guessing across accounts was raised, or is over.
pub fn guessing_alarm(raised: bool) {
    counter!(table::GUESSING_ALARMS, "state" => if raised { "raised" } else { "over" }).increment(1);
}

/// What a process does by itself when Redis does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Quotas are counted in the process alone.
    Quotas,
    /// Rows with watchers are read again instead of being told of.
    Events,
}

/// Something was done without Redis that is better done with it.
pub fn fell_back(part: Fallback) {
    let part = match part {
        Fallback::Quotas => "quotas",
        Fallback::Events => "events",
    };
    counter!(table::FALLBACKS, "part" => part).increment(1);
}

/// Whether Redis answers. Each time it stops to is counted, too.
pub fn redis(up: bool) {
    gauge!(table::REDIS_UP).set(if up { 1.0 } else { 0.0 });
    if !up {
        counter!(table::REDIS_OUTAGES).increment(1);
    }
}

/// The connections to the database.
pub fn pool(idle: u32, used: u32) {
    gauge!(table::POOL_CONNECTIONS, "state" => "idle").set(idle);
    gauge!(table::POOL_CONNECTIONS, "state" => "used").set(used);
}

/// What waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Messages that wait for a provider.
    Deliveries,
    /// Passwords that wait for a core.
    Hashing,
    /// Transactions that wait for SQLite's one writer.
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

/// How many wait in a queue.
pub fn queue_depth(queue: Queue, waiting: u32) {
    gauge!(table::QUEUE_DEPTH, "queue" => queue.as_str()).set(waiting);
}

/// A queue was full, and somebody was turned away.
pub fn queue_full(queue: Queue) {
    counter!(table::QUEUE_FULL, "queue" => queue.as_str()).increment(1);
}

/// A password was hashed or judged, its waiting included.
pub fn hashed(took: Duration) {
    histogram!(table::HASHING_SECONDS).record(took);
}

/// A change reached whoever watches it in this process, so long after it was made.
pub fn event_lag(lag: Duration) {
    histogram!(table::EVENT_LAG_SECONDS).record(lag);
}

/// What counts from the start, so that its first rise is seen as one and not as its beginning.
fn zero() {
    for kind in ["unavailable", "internal"] {
        counter!(table::FAULTS, "kind" => kind).increment(0);
    }
    for part in ["quotas", "events"] {
        counter!(table::FALLBACKS, "part" => part).increment(0);
    }
    for turn in ["on", "off"] {
        counter!(table::DESTINATION_THROTTLES, "turn" => turn).increment(0);
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

/// An open connection is counted as long as this lives.
#[derive(Debug)]
pub struct OpenConnection(());

impl OpenConnection {
    #[expect(clippy::new_without_default, reason = "it counts")]
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

/// An open WebSocket is counted as long as this lives, whether anything is watched over it or not.
#[derive(Debug)]
pub struct OpenSocket(());

impl OpenSocket {
    #[expect(clippy::new_without_default, reason = "it counts")]
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

/// An open subscription is counted as long as this lives.
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
