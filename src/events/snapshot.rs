//! What is told of a verification that changed.

use serde::{Deserialize, Serialize};

use crate::{
    channel::Channel,
    clock::Instant,
    ids::VerificationId,
    status::{DeliveryFailure, DeliveryStatus, Status},
    store::entity::verification::Model,
};

/// The part of a verification that changes in its life, as a commit left it. It names no contact, and nothing that a
/// code could be derived from.
///
/// It travels between processes as JSON. Within a release fields are only added, each with a serde default, so that two
/// versions of the program run side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub id: VerificationId,
    /// Grows with every change.
    pub sequence: i64,
    pub status: Status,
    /// Attempts used.
    pub attempts: i32,
    pub delivery_channel: Channel,
    pub delivery_status: DeliveryStatus,
    #[serde(default)]
    pub delivery_failure: Option<DeliveryFailure>,
    pub delivery_updated_at: Instant,
    pub last_sent_at: Instant,
    pub expires_at: Instant,
    /// None: from a process of the version before.
    #[serde(default)]
    pub updated_at: Option<Instant>,
}

impl Snapshot {
    /// What may be told of this row.
    pub fn of(row: &Model) -> Self {
        Self {
            id: row.id.clone(),
            sequence: row.sequence,
            status: row.status,
            attempts: row.attempts,
            delivery_channel: row.delivery_channel,
            delivery_status: row.delivery_status,
            delivery_failure: row.delivery_failure,
            delivery_updated_at: row.delivery_updated_at,
            last_sent_at: row.last_sent_at,
            expires_at: row.expires_at,
            updated_at: row.updated_at,
        }
    }
}
