//! All that a send writes, at once: the contact's count, the verification, the message that it owes, the trail.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Iterable,
    sea_query::{CommonTableExpression, Expr, InsertStatement, Query, SelectStatement, WithClause},
};

use super::{
    Backend, Ending, Reserved, Store, UsageLimits,
    audit::entry,
    contact_usage,
    entity::{audit, delivery, verification},
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    telemetry::audit::Event,
};

/// What is written for a message to somebody of whom nothing has to be read first.
#[derive(Clone, Debug)]
pub struct Sending {
    pub limits: UsageLimits,
    /// Without an idempotency key: one that is taken would have to take the count back.
    pub verification: verification::Model,
    pub delivery: delivery::Model,
    pub event: Event,
}

impl Store {
    /// Writes a send, or nothing where a bound of the contact stands against it: false.
    ///
    /// On PostgreSQL this is one statement, whose parts see what the count returned: one round trip in place of six.
    /// SQLite takes no statements that write within another one, and has no trips.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write_sending(&self, sending: Sending, now: Instant) -> Result<bool, Fault> {
        match &self.backend {
            Backend::Postgres(db) => {
                let statement = sending.statement(now)?;
                let written = self.within(async { Ok(db.query_one(&statement).await?) });
                Ok(written.await.doing("writing a send")?.is_some())
            }
            Backend::Sqlite { .. } => {
                self.write(move |tx| {
                    Box::pin(async move {
                        let Sending { limits, verification, delivery, event } = sending;
                        if tx.reserve_send(&verification.contact_key, now, limits).await? == Reserved::Refused {
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
    fn statement(self, now: Instant) -> Result<SelectStatement, Fault> {
        let count = contact_usage::count_send(&self.verification.contact_key, now, self.limits);
        let parts = WithClause::new()
            .cte(part(COUNTED, count))
            .cte(part("started", if_counted::<verification::Entity>(self.verification.into_active_model())?))
            .cte(part("owed", if_counted::<delivery::Entity>(self.delivery.into_active_model())?))
            .cte(part("noted", if_counted::<audit::Entity>(entry(&self.event))?))
            .to_owned();
        Ok(Query::select().with_cte(parts).column("contact_key").from(COUNTED).to_owned())
    }
}

fn part(name: &'static str, insert: InsertStatement) -> CommonTableExpression {
    CommonTableExpression::new().table_name(name).query(insert).to_owned()
}

/// Inserts a row for the one that the count returned, or none.
fn if_counted<E: EntityTrait>(mut row: E::ActiveModel) -> Result<InsertStatement, Fault> {
    let given = E::Column::iter().filter_map(|column| Some((column, row.take(column).into_value()?)));
    let (columns, values): (Vec<_>, Vec<_>) =
        given.map(|(column, value)| (column, column.save_as(Expr::val(value)))).unzip();
    let row = Query::select().exprs(values).from(COUNTED).to_owned();
    let mut insert = Query::insert();
    insert.into_table(E::default()).columns(columns);
    let inserted = insert.select_from(row).map(|insert| insert.to_owned());
    inserted.map_err(|error| Fault::internal(format!("a send can't be written down: {error}")))
}
