//! The format of messages between processes: JSON on one channel.

use serde::{Deserialize, Serialize};

use super::{Revocation, Snapshot};

/// Changes that one process sends to all others.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message {
    /// The sending process, so that it ignores its own messages.
    pub from: u64,
    /// When the oldest of the changes was made, in microseconds of the sender's own clock. The sender also receives the
    /// message and measures the latency with it.
    pub made_at: u64,
    pub events: Vec<RemoteEvent>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoteEvent {
    Changed(Snapshot),
    Revoked(Revocation),
    /// The queue overflowed: read again.
    Missed,
}
