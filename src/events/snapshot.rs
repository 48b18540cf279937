//! The published state of a verification.

use serde::{Deserialize, Serialize};

use domain::{
    Timestamp,
    channel::Channel,
    ids::VerificationId,
    status::{DeliveryFailure, DeliveryStatus, Status},
    verification::Verification,
};

/// The mutable part of a verification, as of a commit. It contains no contact, and nothing from which a code could be
/// derived.
///
/// It is sent between processes as JSON. Within a release fields are only added, each with a serde default, so that two
/// versions of the program can run at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub id: VerificationId,
    /// Increases with every change.
    pub sequence: i64,
    pub status: Status,
    /// Attempts used.
    pub attempts: i32,
    pub delivery_channel: Channel,
    pub delivery_status: DeliveryStatus,
    #[serde(default)]
    pub delivery_failure: Option<DeliveryFailure>,
    pub delivery_updated_at: Timestamp,
    pub last_sent_at: Timestamp,
    pub expires_at: Timestamp,
    /// None: from a process of the previous version.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

impl Snapshot {
    /// The snapshot of this row.
    pub fn of(row: &Verification) -> Self {
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
