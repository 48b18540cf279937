//! Statistics about providers, counted in the database.

use sea_orm::{ColumnTrait, Condition, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};

use super::{
    Store,
    entity::Mapped,
    entity::delivery::{Column, Entity},
    text::Text,
};
use domain::{Timestamp, channel::Channel, status::DeliveryStatus};
use platform::fault::{Fault, FaultContext};

/// The number of messages of one provider and channel with one status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderCount {
    /// The provider that was called last; None: none was called.
    pub provider: Option<String>,
    pub channel: Channel,
    pub status: DeliveryStatus,
    pub count: i64,
}

#[derive(FromQueryResult)]
struct ProviderCountRow {
    provider: Option<String>,
    channel: Text<Channel>,
    status: Text<DeliveryStatus>,
    count: i64,
}

impl From<ProviderCountRow> for ProviderCount {
    fn from(row: ProviderCountRow) -> Self {
        let ProviderCountRow { provider, channel, status, count } = row;
        Self { provider, channel: channel.0, status: status.0, count }
    }
}

/// The number of failed messages with one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    pub provider: Option<String>,
    pub channel: Channel,
    /// The provider's own code.
    pub reason: String,
    pub count: i64,
}

#[derive(FromQueryResult)]
struct ReasonCountRow {
    provider: Option<String>,
    channel: Text<Channel>,
    reason: String,
    count: i64,
}

impl From<ReasonCountRow> for ReasonCount {
    fn from(row: ReasonCountRow) -> Self {
        let ReasonCountRow { provider, channel, reason, count } = row;
        Self { provider, channel: channel.0, reason, count }
    }
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
            .into_model::<ProviderCountRow>();
        self.with_timeout(async { Ok(find.all(self.reader()).await?) }).await.context("counting messages").mapped()
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
            .filter(Column::Status.is_in(failed.map(Text)))
            .filter(Column::Reason.is_not_null())
            .group_by(Column::Provider)
            .group_by(Column::Channel)
            .group_by(Column::Reason)
            .into_model::<ReasonCountRow>();
        self.with_timeout(async { Ok(find.all(self.reader()).await?) })
            .await
            .context("counting failure reasons")
            .mapped()
    }
}

fn sent_between(from: Timestamp, to: Timestamp) -> Condition {
    Condition::all()
        .add(Column::CreatedAt.gte(from))
        .add(Column::CreatedAt.lt(to))
        .add(Column::Decoy.eq(false))
        .add(Column::Scenario.is_null())
}
