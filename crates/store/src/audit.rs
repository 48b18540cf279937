//! The rows of the audit trail: written in the transaction of the audited operation, or after an operation that wrote
//! nothing.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::{
    Store, Tx, TxOutcome,
    entity::audit::{ActiveModel, Column, Entity},
    text::Text,
};
use domain::ids::AccountId;
use platform::{
    fault::{Fault, FaultContext},
    telemetry::audit::Event,
};

impl Store {
    /// Writes an entry on its own: the log line and the row. Of repeated refusals that cost nothing, only the first is
    /// written (`refusals`). Never fails: a row that could not be written is logged as a fault, and
    /// the audited operation is not affected.
    pub async fn record(&self, event: Event) {
        if !self.refusals.should_record(&event) {
            return;
        }
        event.log();
        let result = self.write(move |tx| {
            Box::pin(async move {
                tx.insert_audit(&event).await?;
                Ok(TxOutcome::Commit(()))
            })
        });
        if let Err(fault) = result.await {
            platform::telemetry::report(&fault);
        }
    }
}

/// Access to the audit trail only, for code that refuses requests without reading the database. Cheap to clone.
#[derive(Clone)]
pub struct AuditTrail(Store);

impl AuditTrail {
    /// The audit trail in `store`.
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// Writes an entry, as [`Store::record`] does.
    pub async fn record(&self, event: Event) {
        self.0.record(event).await;
    }
}

impl Tx {
    /// Writes an entry in the transaction of the operation. The caller writes the log line after the commit.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_audit(&self, event: &Event) -> Result<(), Fault> {
        Entity::insert(entry(event)).exec_without_returning(&self.0).await.context("writing the audit trail")?;
        Ok(())
    }

    /// Removes personal data of an account from the audit trail, and keeps the events.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn anonymise_audit(&self, account: &AccountId) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::AccountId.eq(account.as_str()).or(Column::ActorId.eq(account.as_str())))
            .col_expr(Column::Contact, Expr::null())
            .col_expr(Column::Address, Expr::null())
            .col_expr(Column::UserAgent, Expr::null());
        update.exec(&self.0).await.context("anonymising an account's audit trail")?;
        Ok(())
    }
}

/// The row of an event.
pub(super) fn entry(event: &Event) -> ActiveModel {
    ActiveModel {
        at: Set(event.at),
        act: Set(event.act.as_str().to_owned()),
        outcome: Set(event.outcome.to_owned()),
        account_id: Set(event.account.clone().map(Text)),
        actor_id: Set(event.actor.clone().map(Text)),
        contact: Set(event.contact.clone()),
        address: Set(event.address.map(|address| address.ip().to_string())),
        user_agent: Set(event.user_agent.as_deref().map(str::to_owned)),
        request_id: Set(event.request_id.as_ref().to_owned()),
        ..ActiveModel::default()
    }
}
