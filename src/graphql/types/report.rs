//! The verification funnel of a period.

use async_graphql::{Enum, SimpleObject};

use crate::{
    account::report,
    graphql::{
        enums::{Channel, VerificationPurpose},
        scalars::DateTime,
    },
};

/// Time span of one report row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "report::Bucket")]
pub enum ReportBucket {
    /// One hour.
    Hour,
    /// One day in the service's time zone.
    Day,
}

/// Counts of the verifications of one purpose and channel that were started in one bucket. Decoys (verifications for
/// unknown accounts, which send nothing) are not counted.
#[derive(SimpleObject)]
pub struct VerificationReportRow {
    /// Start of the bucket.
    start: DateTime,
    /// Purpose of the verifications.
    purpose: VerificationPurpose,
    /// Channel of the newest message.
    channel: Channel,
    /// Number of verifications that were started.
    requested: i32,
    /// Number of verifications whose newest message was accepted by a provider.
    sent: i32,
    /// Number of verifications whose newest message was reported as delivered to the device.
    delivered: i32,
    /// Number of verifications whose newest message no provider accepted, or which could not be delivered.
    delivery_failed: i32,
    /// Number of verifications whose code was confirmed.
    verified: i32,
    /// Number of verifications that expired.
    expired: i32,
    /// Number of verifications that were locked after too many wrong codes.
    locked: i32,
    /// Conversion rate: verified / sent, from 0 to 1. Null if nothing was sent.
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
