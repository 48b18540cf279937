//! Counts of expired verifications. Expiry is computed from the clock and not written.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};

use super::{
    Store,
    entity::Mapped,
    entity::verification::{Column, Entity},
    text::Text,
};
use domain::{Timestamp, channel::Channel, contact::ContactKind, purpose::Purpose, status::Status};
use platform::fault::{Fault, FaultContext};

/// The number of expired verifications of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredCount {
    pub purpose: Purpose,
    /// Of the newest message.
    pub channel: Channel,
    pub count: i64,
}

#[derive(FromQueryResult)]
struct ExpiredCountRow {
    purpose: Text<Purpose>,
    channel: Text<Channel>,
    count: i64,
}

impl From<ExpiredCountRow> for ExpiredCount {
    fn from(row: ExpiredCountRow) -> Self {
        let ExpiredCountRow { purpose, channel, count } = row;
        Self { purpose: purpose.0, channel: channel.0, count }
    }
}

impl Store {
    /// Counts the verifications of contacts of this kind for these purposes, without decoys, that live for `life` and
    /// expired after `since` and no later than `until`. They are found by their creation time, which has an index: an
    /// index on the expiry would slow down every send for a statistic.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count_expired(
        &self,
        kind: ContactKind,
        purposes: Vec<Purpose>,
        life: Duration,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<ExpiredCount>, Fault> {
        let find = Entity::find()
            .select_only()
            .column(Column::Purpose)
            .column_as(Column::DeliveryChannel, "channel")
            .column_as(Column::Id.count(), "count")
            .filter(Column::CreatedAt.gt(since - life))
            .filter(Column::CreatedAt.lte(until - life))
            .filter(Column::ContactKind.eq(Text(kind)))
            .filter(Column::Purpose.is_in(purposes.into_iter().map(Text)))
            .filter(Column::Status.eq(Text(Status::Pending)))
            // A provider may have expired it early; it was counted then.
            .filter(Column::ExpiresAt.gt(since))
            .filter(Column::ExpiresAt.lte(until))
            .filter(Column::Decoy.eq(false))
            .group_by(Column::Purpose)
            .group_by(Column::DeliveryChannel)
            .into_model::<ExpiredCountRow>();
        self.with_timeout(async { Ok(find.all(self.reader()).await?) })
            .await
            .context("counting expired verifications")
            .mapped()
    }
}
