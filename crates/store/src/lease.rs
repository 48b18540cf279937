//! Leases: exclusive rights of one process at a time.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, OnConflict, Query},
};

use super::{
    Store, TxOutcome,
    entity::lease::{Column, Entity},
};
use domain::Timestamp;
use platform::fault::{Fault, FaultContext};

impl Store {
    /// When the lease `name` expires, for any holder; None: it was never held.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lease_expiry(&self, name: &'static str) -> Result<Option<Timestamp>, Fault> {
        let find = Entity::find_by_id(name);
        let lease = self.with_timeout(async { Ok(find.one(self.reader()).await?) }).await.context("reading a lease")?;
        Ok(lease.map(|lease| lease.expires_at))
    }

    /// Releases the lease `name` if `holder` holds it, so that another process can acquire it at once.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn release_lease(&self, name: &'static str, holder: &str) -> Result<(), Fault> {
        let existing = Entity::delete_many().filter(Column::Name.eq(name)).filter(Column::Holder.eq(holder));
        self.write(move |tx| {
            Box::pin(async move {
                existing.exec(&tx.0).await?;
                Ok(TxOutcome::Commit(()))
            })
        })
        .await
        .context("releasing a lease")
    }

    /// Acquires or renews the lease `name` for `holder`. False: another holder has it, and it has not expired.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn acquire_lease(
        &self,
        name: &'static str,
        holder: &str,
        span: Duration,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let existing = |column: Column| Expr::col((Entity, column));
        let mut conflict = OnConflict::column(Column::Name);
        conflict
            .update_columns([Column::Holder, Column::ExpiresAt])
            .action_and_where(existing(Column::Holder).eq(holder).or(existing(Column::ExpiresAt).lt(now)));
        let insert = Query::insert()
            .into_table(Entity)
            .columns([Column::Name, Column::Holder, Column::ExpiresAt])
            .values_panic([name.into(), holder.into(), Expr::val(now + span)])
            .on_conflict(conflict)
            .to_owned();
        self.write(move |tx| {
            Box::pin(async move { Ok(TxOutcome::Commit(tx.0.execute(&insert).await?.rows_affected() > 0)) })
        })
        .await
        .context("acquiring a lease")
    }
}
