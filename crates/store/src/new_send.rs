//! All writes of a send, in one statement: the contact's usage, the verification, its message, the audit trail.

use std::sync::OnceLock;

use sea_orm::{
    Condition, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, Statement,
    sea_query::{InsertStatement, Query, SelectStatement, WithClause},
};

use super::{
    Backend, Reservation, Store, TxOutcome, UsageLimits,
    audit::entry,
    combined_statement::{bound_values, cte, insert_for_each},
    contact_usage,
    entity::{audit, delivery, verification},
};
use domain::{Timestamp, delivery::Delivery, verification::Verification};
use platform::{
    fault::{Fault, FaultContext},
    telemetry::audit::Event,
};

/// The rows of a send that needs no reads before its writes.
#[derive(Clone, Debug)]
pub struct NewSend {
    pub limits: UsageLimits,
    /// The key that the contact's sends are counted by.
    pub usage_key: String,
    /// Has no idempotency key: a key in use would require the count to be reversed.
    pub verification: Verification,
    pub delivery: Delivery,
    pub event: Event,
}

impl Store {
    /// Writes a send. False: a limit of the contact is exceeded, and nothing was written.
    ///
    /// On PostgreSQL this is one statement: one round trip instead of six (`combined_statement`).
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write_send(&self, sending: NewSend, now: Timestamp) -> Result<bool, Fault> {
        match &self.backend {
            Backend::Postgres(db) => {
                let statement = sending.statement(now)?;
                let result = self.with_timeout(async move { Ok(db.query_one_raw(statement).await?) });
                Ok(result.await.context("writing a send")?.is_some())
            }
            Backend::Sqlite { .. } => {
                self.write(move |tx| {
                    Box::pin(async move {
                        let NewSend { limits, usage_key, verification, delivery, event } = sending;
                        if tx.reserve_send(&usage_key, now, limits).await? == Reservation::Refused {
                            return Ok(TxOutcome::Rollback(false));
                        }
                        tx.insert_verification(verification).await?;
                        tx.insert_delivery(delivery).await?;
                        tx.insert_audit(&event).await?;
                        Ok(TxOutcome::Commit(true))
                    })
                })
                .await
            }
        }
    }
}

/// The CTE that has a row only if the send was counted.
const COUNTED: &str = "counted";

impl NewSend {
    /// The statement. Its text is rendered once for each kind of limits: building and rendering statements was the largest
    /// share of the server's own CPU time of a send.
    fn statement(self, now: Timestamp) -> Result<Statement, Fault> {
        static TEXTS: [OnceLock<String>; 4] = [const { OnceLock::new() }; 4];
        let kind = 2 * usize::from(self.limits.daily.is_some()) + usize::from(self.limits.last_send_before.is_some());
        let render = |send: Self| Ok::<_, Fault>(DbBackend::Postgres.build(&send.rendered(now)?));
        let text = match TEXTS[kind].get() {
            Some(text) => text,
            None => {
                let text = render(self.clone())?.sql;
                TEXTS[kind].get_or_init(|| text)
            }
        };
        let expected = if cfg!(debug_assertions) { Some(render(self.clone())?) } else { None };
        let count = DbBackend::Postgres.build(&contact_usage::count_send(&self.usage_key, now, self.limits));
        let values = count.values.into_iter().flat_map(|values| values.0);
        let values = values
            .chain(bound_values::<verification::Entity>(self.verification.into_active_model()))
            .chain(bound_values::<delivery::Entity>(self.delivery.into_active_model()))
            .chain(bound_values::<audit::Entity>(entry(&self.event)));
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, text.as_str(), values);
        debug_assert_eq!(
            Some(&statement),
            expected.as_ref().or(Some(&statement)),
            "the text was rendered for other values"
        );
        Ok(statement)
    }

    fn rendered(self, now: Timestamp) -> Result<SelectStatement, Fault> {
        let count = contact_usage::count_send(&self.usage_key, now, self.limits);
        let ctes = WithClause::new()
            .cte(cte(COUNTED, count))
            .cte(cte("started", if_counted::<verification::Entity>(self.verification)?))
            .cte(cte("owed", if_counted::<delivery::Entity>(self.delivery)?))
            .cte(cte("noted", if_counted::<audit::Entity>(entry(&self.event))?))
            .to_owned();
        Ok(Query::select().with_cte(ctes).column("contact_key").from(COUNTED).to_owned())
    }
}

fn if_counted<E: EntityTrait>(row: impl IntoActiveModel<E::ActiveModel>) -> Result<InsertStatement, Fault> {
    insert_for_each::<E>(COUNTED, Condition::all(), row.into_active_model())
}
