//! Statistics of verifications in a period.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QuerySelect, sea_query::Expr,
};

use super::{
    Backend, Store,
    entity::Mapped,
    entity::verification::{Column, Entity},
    text::Text,
};
use domain::{
    Timestamp,
    channel::Channel,
    purpose::Purpose,
    status::{DeliveryStatus, Status},
};
use platform::fault::{Fault, FaultContext};

/// The length of a slot in seconds. Every time zone's offset is a multiple of it, so slots add up to hours and days in
/// any zone.
pub const SLOT: i64 = 15 * 60;

/// The results of the verifications started in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotCount {
    /// Slots since 1970.
    pub slot: i64,
    pub purpose: Purpose,
    /// Of the newest message.
    pub channel: Channel,
    pub requested: i64,
    pub sent: i64,
    pub delivered: i64,
    pub delivery_failed: i64,
    pub verified: i64,
    pub expired: i64,
    pub locked: i64,
}

#[derive(FromQueryResult)]
struct SlotCountRow {
    slot: i64,
    purpose: Text<Purpose>,
    channel: Text<Channel>,
    requested: i64,
    sent: i64,
    delivered: i64,
    delivery_failed: i64,
    verified: i64,
    expired: i64,
    locked: i64,
}

impl From<SlotCountRow> for SlotCount {
    fn from(row: SlotCountRow) -> Self {
        let SlotCountRow {
            slot,
            purpose,
            channel,
            requested,
            sent,
            delivered,
            delivery_failed,
            verified,
            expired,
            locked,
        } = row;
        Self {
            slot,
            purpose: purpose.0,
            channel: channel.0,
            requested,
            sent,
            delivered,
            delivery_failed,
            verified,
            expired,
            locked,
        }
    }
}

impl Store {
    /// Counts the verifications started from `from` until before `to`, without decoys and test contacts, by their state
    /// at `now`.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count_verifications(
        &self,
        from: Timestamp,
        to: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<SlotCount>, Fault> {
        // PostgreSQL's cast rounds to the nearest second, so the fraction is removed first.
        let seconds = match &self.backend {
            Backend::Postgres(_) => "CAST(FLOOR(EXTRACT(EPOCH FROM created_at)) AS BIGINT)",
            Backend::Sqlite { .. } => "CAST(strftime('%s', created_at) AS INTEGER)",
        };
        let slot = || Expr::cust(format!("{seconds} / {SLOT}"));
        let delivery =
            |statuses: &[DeliveryStatus]| count(Column::DeliveryStatus.is_in(statuses.iter().copied().map(Text)));
        let expired = Condition::all().add(Column::Status.eq(Text(Status::Pending))).add(Column::ExpiresAt.lte(now));
        let find = Entity::find()
            .select_only()
            .column_as(slot(), "slot")
            .column(Column::Purpose)
            .column_as(Column::DeliveryChannel, "channel")
            .column_as(Column::Id.count(), "requested")
            .column_as(
                delivery(&[DeliveryStatus::Sent, DeliveryStatus::Delivered, DeliveryStatus::Undelivered]),
                "sent",
            )
            .column_as(delivery(&[DeliveryStatus::Delivered]), "delivered")
            .column_as(delivery(&[DeliveryStatus::Undelivered, DeliveryStatus::Failed]), "delivery_failed")
            .column_as(count(Column::Status.eq(Text(Status::Verified))), "verified")
            .column_as(count(expired.into()), "expired")
            .column_as(count(Column::Status.eq(Text(Status::Locked))), "locked")
            .filter(Column::CreatedAt.gte(from))
            .filter(Column::CreatedAt.lt(to))
            .filter(Column::Decoy.eq(false))
            .filter(Column::Scenario.is_null())
            .group_by(slot())
            .group_by(Column::Purpose)
            .group_by(Column::DeliveryChannel)
            .into_model::<SlotCountRow>();
        self.with_timeout(async { Ok(find.all(self.reader()).await?) }).await.context("counting verifications").mapped()
    }
}

/// The number of rows that meet a condition. COUNT ignores null, and is an integer on both databases.
fn count(condition: Expr) -> Expr {
    let one_or_null: Expr = Expr::case(condition, 1).into();
    one_or_null.count()
}
