//! What travels between processes: JSON on one channel.

use serde::{Deserialize, Serialize};

use super::{Revocation, Snapshot};

/// News of one process to all others.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message {
    /// Which process tells, so that it does not listen to itself.
    pub from: u64,
    /// When the oldest of the news was made, in microseconds of the teller's own clock: it hears itself, too, and
    /// learns from that how long news takes.
    pub made_at: u64,
    pub news: Vec<News>,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    Changed(Snapshot),
    Revoked(Revocation),
    /// There was more to tell than could be kept: read again.
    Missed,
}
