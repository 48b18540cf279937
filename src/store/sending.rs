//! All that a send writes, at once: the contact's count, the verification, the message that it owes, the trail.

use sea_orm::{
    Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
    sea_query::{InsertStatement, Query, SelectStatement, WithClause},
};

use super::{
    Backend, Ending, Reserved, Store, UsageLimits,
    audit::entry,
    contact_usage,
    entity::{audit, delivery, verification},
    together::{insert_for_each, part},
};
use crate::{
    clock::Timestamp,
    fault::{Doing, Fault},
    telemetry::audit::Event,
};

/// What is written for a message to somebody of whom nothing has to be read first.
#[derive(Clone, Debug)]
pub struct Sending {
    pub limits: UsageLimits,
    /// What the contact's sends are counted by.
    pub usage_key: String,
    /// Without an idempotency key: one that is taken would have to take the count back.
    pub verification: verification::Model,
    pub delivery: delivery::Model,
    pub event: Event,
}

impl Store {
    /// Writes a send, or nothing where a bound of the contact stands against it: false.
    ///
    /// On PostgreSQL this is one statement: one round trip in place of six (`together`).
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write_sending(&self, sending: Sending, now: Timestamp) -> Result<bool, Fault> {
        match &self.backend {
            Backend::Postgres(db) => {
                let statement = sending.statement(now)?;
                let written = self.within(async { Ok(db.query_one(&statement).await?) });
                Ok(written.await.doing("writing a send")?.is_some())
            }
            Backend::Sqlite { .. } => {
                self.write(move |tx| {
                    Box::pin(async move {
                        let Sending { limits, usage_key, verification, delivery, event } = sending;
                        if tx.reserve_send(&usage_key, now, limits).await? == Reserved::Refused {
                            return Ok(Ending::Rollback(false));
                        }
                        tx.insert_verification(verification).await?;
                        tx.insert_delivery(delivery).await?;
                        tx.insert_audit(&event).await?;
                        Ok(Ending::Commit(true))
                    })
                })
                .await
            }
        }
    }
}

/// The part whose rows are there only if the send was counted.
const COUNTED: &str = "counted";

impl Sending {
    fn statement(self, now: Timestamp) -> Result<SelectStatement, Fault> {
        let count = contact_usage::count_send(&self.usage_key, now, self.limits);
        let parts = WithClause::new()
            .cte(part(COUNTED, count))
            .cte(part("started", if_counted::<verification::Entity>(self.verification)?))
            .cte(part("owed", if_counted::<delivery::Entity>(self.delivery)?))
            .cte(part("noted", if_counted::<audit::Entity>(entry(&self.event))?))
            .to_owned();
        Ok(Query::select().with_cte(parts).column("contact_key").from(COUNTED).to_owned())
    }
}

fn if_counted<E: EntityTrait>(row: impl IntoActiveModel<E::ActiveModel>) -> Result<InsertStatement, Fault> {
    insert_for_each::<E>(COUNTED, Condition::all(), row.into_active_model())
}
