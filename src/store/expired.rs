//! What has expired, which nobody writes down.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};

use super::{
    Store,
    entity::verification::{Column, Entity},
};
use crate::{
    channel::Channel,
    clock::Timestamp,
    contact::ContactKind,
    fault::{Doing, Fault},
    purpose::Purpose,
    status::Status,
};

/// How many verifications of one kind have expired.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Expired {
    pub purpose: Purpose,
    /// Of the newest message.
    pub channel: Channel,
    pub count: i64,
}

impl Store {
    /// Counts the verifications of contacts of this kind for these purposes, decoys aside, that live for `life` and came to their end
    /// after `since` and no later than `until`. They are found by when they were started, which has an index: one on
    /// their end would cost every send for the sake of a number.
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
    ) -> Result<Vec<Expired>, Fault> {
        let find = Entity::find()
            .select_only()
            .column(Column::Purpose)
            .column_as(Column::DeliveryChannel, "channel")
            .column_as(Column::Id.count(), "count")
            .filter(Column::CreatedAt.gt(since - life))
            .filter(Column::CreatedAt.lte(until - life))
            .filter(Column::ContactKind.eq(kind))
            .filter(Column::Purpose.is_in(purposes))
            .filter(Column::Status.eq(Status::Pending))
            // A provider may have ended its life before its time; that was counted then.
            .filter(Column::ExpiresAt.gt(since))
            .filter(Column::ExpiresAt.lte(until))
            .filter(Column::Decoy.eq(false))
            .group_by(Column::Purpose)
            .group_by(Column::DeliveryChannel)
            .into_model::<Expired>();
        self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("counting what has expired")
    }
}
