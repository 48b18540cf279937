//! Leases: what only one process may do at a time.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, ExprTrait,
    sea_query::{Expr, OnConflict, Query},
};

use super::{
    Ending, Store,
    entity::lease::{Column, Entity},
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
};

impl Store {
    /// Takes or renews the lease `name` for `holder`. False: somebody else holds it and has not let it run out.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn hold_lease(
        &self,
        name: &'static str,
        holder: &str,
        span: Duration,
        now: Instant,
    ) -> Result<bool, Fault> {
        let held = |column: Column| Expr::col((Entity, column));
        let mut conflict = OnConflict::column(Column::Name);
        conflict
            .update_columns([Column::Holder, Column::ExpiresAt])
            .action_and_where(held(Column::Holder).eq(holder).or(held(Column::ExpiresAt).lt(now)));
        let insert = Query::insert()
            .into_table(Entity)
            .columns([Column::Name, Column::Holder, Column::ExpiresAt])
            .values_panic([name.into(), holder.into(), Expr::val(now + span)])
            .on_conflict(conflict)
            .to_owned();
        self.write(move |tx| {
            Box::pin(async move { Ok(Ending::Commit(tx.0.execute(&insert).await?.rows_affected() > 0)) })
        })
        .await
        .doing("holding a lease")
    }
}
