//! Statistics about providers, counted in the database.

use sea_orm::{ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};

use super::{
    Store,
    entity::delivery::{Column, Entity},
};
use domain::{Timestamp, channel::Channel, status::DeliveryStatus};
use platform::fault::{Fault, FaultContext};

/// The number of messages of one provider and channel with one status.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ProviderCount {
    /// The provider that was called last; None: none was called.
    pub provider: Option<String>,
    pub channel: Channel,
    pub status: DeliveryStatus,
    pub count: i64,
}

/// The number of failed messages with one reason.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ReasonCount {
    pub provider: Option<String>,
    pub channel: Channel,
    /// The provider's own code.
    pub reason: String,
    pub count: i64,
}

impl Store {
    /// Counts the messages created from `from` until before `to`, by provider. Messages that are not sent (decoys,
    /// simulated deliveries of test contacts) are excluded.
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
            .filter(sent_between(from, to))
            .group_by(Column::Provider)
            .group_by(Column::Channel)
            .group_by(Column::Status)
            .into_model::<ProviderCount>();
        self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("counting messages")
    }

    /// Counts the reasons of failed messages in that period.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count_reasons(&self, from: Timestamp, to: Timestamp) -> Result<Vec<ReasonCount>, Fault> {
        let failed = [DeliveryStatus::Failed, DeliveryStatus::Undelivered, DeliveryStatus::Unknown];
        let find = Entity::find()
            .select_only()
            .column(Column::Provider)
            .column(Column::Channel)
            .column(Column::Reason)
            .column_as(Column::Id.count(), "count")
            .filter(sent_between(from, to))
            .filter(Column::Status.is_in(failed))
            .filter(Column::Reason.is_not_null())
            .group_by(Column::Provider)
            .group_by(Column::Channel)
            .group_by(Column::Reason)
            .into_model::<ReasonCount>();
        self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("counting failure reasons")
    }
}

fn sent_between(from: Timestamp, to: Timestamp) -> Condition {
    Condition::all()
        .add(Column::CreatedAt.gte(from))
        .add(Column::CreatedAt.lt(to))
        .add(Column::Decoy.eq(false))
        .add(Column::Scenario.is_null())
}
