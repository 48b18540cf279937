//! The funnel of a period.

use async_graphql::{Enum, SimpleObject};

use crate::{
    account::report,
    graphql::{
        enums::{Channel, VerificationPurpose},
        scalars::DateTime,
    },
};

/// How long one row's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "report::Bucket")]
pub enum ReportBucket {
    /// An hour.
    Hour,
    /// A day in the service's time zone.
    Day,
}

/// What became of the verifications of one purpose and channel that were started in one bucket. Those that only looked
/// like verifications (decoys) are not counted.
#[derive(SimpleObject)]
pub struct VerificationReportRow {
    /// When the bucket begins.
    start: DateTime,
    /// What the codes were for.
    purpose: VerificationPurpose,
    /// How the newest message travelled.
    channel: Channel,
    /// Verifications that were started.
    requested: i32,
    /// Of these, whose message a provider took.
    sent: i32,
    /// Of these, whose message is on the device, says the carrier.
    delivered: i32,
    /// Whose message no provider took, or no carrier handed over.
    delivery_failed: i32,
    /// Whose code was confirmed.
    verified: i32,
    /// Whose time ran out.
    expired: i32,
    /// Whose attempts were used up.
    locked: i32,
    /// verified / sent, 0 to 1; null where nothing was sent.
    conversion: Option<f64>,
}

impl From<report::Row> for VerificationReportRow {
    fn from(row: report::Row) -> Self {
        let number = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            start: DateTime(row.start),
            purpose: row.purpose.into(),
            channel: row.channel.into(),
            requested: number(row.requested),
            sent: number(row.sent),
            delivered: number(row.delivered),
            delivery_failed: number(row.delivery_failed),
            verified: number(row.verified),
            expired: number(row.expired),
            locked: number(row.locked),
            conversion: row.conversion(),
        }
    }
}
