//! How the providers do, counted where messages lie.

use sea_orm::{ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};

use super::{
    Store,
    entity::delivery::{Column, Entity},
};
use crate::{
    channel::Channel,
    clock::Timestamp,
    fault::{Doing, Fault},
    status::DeliveryStatus,
};

/// How many messages of one provider and channel stand at one status.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ProviderCount {
    /// Who was asked last; none: nobody has been.
    pub provider: Option<String>,
    pub channel: Channel,
    pub status: DeliveryStatus,
    pub count: i64,
}

/// How often one reason stands on messages that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ReasonCount {
    pub provider: Option<String>,
    pub channel: Channel,
    /// In the provider's own code.
    pub reason: String,
    pub count: i64,
}

impl Store {
    /// Counts the messages that were written from `from` until before `to`, by who carried them. Those that nobody
    /// carries (decoys, the plays of test contacts) are not in it.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count_deliveries(&self, from: Timestamp, to: Timestamp) -> Result<Vec<ProviderCount>, Fault> {
        let find = Entity::find()
            .select_only()
            .column(Column::Provider)
            .column(Column::Channel)
            .column(Column::Status)
            .column_as(Column::Id.count(), "count")
            .filter(carried(from, to))
            .group_by(Column::Provider)
            .group_by(Column::Channel)
            .group_by(Column::Status)
            .into_model::<ProviderCount>();
        self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("counting messages")
    }

    /// Why messages of that time did not arrive.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count_reasons(&self, from: Timestamp, to: Timestamp) -> Result<Vec<ReasonCount>, Fault> {
        let wrong = [DeliveryStatus::Failed, DeliveryStatus::Undelivered, DeliveryStatus::Unknown];
        let find = Entity::find()
            .select_only()
            .column(Column::Provider)
            .column(Column::Channel)
            .column(Column::Reason)
            .column_as(Column::Id.count(), "count")
            .filter(carried(from, to))
            .filter(Column::Status.is_in(wrong))
            .filter(Column::Reason.is_not_null())
            .group_by(Column::Provider)
            .group_by(Column::Channel)
            .group_by(Column::Reason)
            .into_model::<ReasonCount>();
        self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("counting why messages failed")
    }
}

fn carried(from: Timestamp, to: Timestamp) -> Condition {
    Condition::all()
        .add(Column::CreatedAt.gte(from))
        .add(Column::CreatedAt.lt(to))
        .add(Column::Decoy.eq(false))
        .add(Column::Scenario.is_null())
}
