//! The audit trail's rows: in the transaction of the act, or right after an act that wrote nothing.

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};

use super::{
    Ending, Store, Tx,
    entity::audit::{ActiveModel, Column, Entity},
};
use crate::{
    fault::{Doing, Fault},
    telemetry::audit::Event,
};
use domain::ids::AccountId;

impl Store {
    /// Writes an entry of its own: the log line, and the row; of a flood of refusals that cost nothing, for the
    /// first alone (`refusals`). It fails nothing: what was decided was decided, and a row that could not be written is
    /// in the log as a fault.
    pub async fn record(&self, event: Event) {
        if !self.refusals.is_news(&event) {
            return;
        }
        event.log();
        let written = self.write(move |tx| {
            Box::pin(async move {
                tx.insert_audit(&event).await?;
                Ok(Ending::Commit(()))
            })
        });
        if let Err(fault) = written.await {
            crate::telemetry::report(&fault);
        }
    }
}

/// The trail alone, for those who refuse without asking anybody. Cheap to clone.
#[derive(Clone)]
pub struct Trail(Store);

impl Trail {
    /// The trail that `store` keeps.
    pub fn new(store: Store) -> Self {
        Self(store)
    }

    /// Writes an entry, as [`Store::record`] does.
    pub async fn record(&self, event: Event) {
        self.0.record(event).await;
    }
}

impl Tx {
    /// Writes an entry with the act that it is about. Whoever commits writes the log line then.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_audit(&self, event: &Event) -> Result<(), Fault> {
        Entity::insert(entry(event)).exec_without_returning(&self.0).await.doing("writing the audit trail")?;
        Ok(())
    }

    /// Takes out of the trail what says who an account's owner was, and leaves what happened.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn anonymise_audit(&self, account: &AccountId) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::AccountId.eq(account.as_str()).or(Column::ActorId.eq(account.as_str())))
            .col_expr(Column::Contact, Expr::null())
            .col_expr(Column::Address, Expr::null())
            .col_expr(Column::UserAgent, Expr::null());
        update.exec(&self.0).await.doing("making an account's trail anonymous")?;
        Ok(())
    }
}

/// The row of an event.
pub(super) fn entry(event: &Event) -> ActiveModel {
    ActiveModel {
        at: Set(event.at),
        act: Set(event.act.as_str().to_owned()),
        outcome: Set(event.outcome.to_owned()),
        account_id: Set(event.account.clone()),
        actor_id: Set(event.actor.clone()),
        contact: Set(event.contact.clone()),
        address: Set(event.address.map(|address| address.ip().to_string())),
        user_agent: Set(event.user_agent.as_deref().map(str::to_owned)),
        request_id: Set(event.request_id.as_ref().to_owned()),
        ..ActiveModel::default()
    }
}
