//! The number of notices that an account was sent: counted and checked in one statement.

use sea_orm::{
    ConnectionTrait, ExprTrait,
    sea_query::{Expr, OnConflict, Query},
};

use super::{
    Tx,
    entity::notice_usage::{Column, Entity},
};
use domain::{Timestamp, ids::AccountId, notice::NoticeLimit};
use platform::fault::{Fault, FaultContext};

impl Tx {
    /// Counts one notice of this kind to an account. False: the limit is reached, and nothing was counted.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count_notice(
        &self,
        account: &AccountId,
        kind: &str,
        limit: NoticeLimit,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let existing = |column: Column| Expr::col((Entity, column));
        let over = || existing(Column::Since).lte(now - limit.period);
        let mut conflict = OnConflict::columns([Column::AccountId, Column::Kind]);
        conflict
            .value(Column::Sent, Expr::case(over(), 1).finally(existing(Column::Sent).add(1)))
            .value(Column::Since, Expr::case(over(), Expr::val(now)).finally(existing(Column::Since)))
            .action_and_where(over().or(existing(Column::Sent).lt(limit.max)));
        let insert = Query::insert()
            .into_table(Entity)
            .columns([Column::AccountId, Column::Kind, Column::Since, Column::Sent])
            .values_panic([account.as_str().into(), kind.into(), Expr::val(now), 1.into()])
            .on_conflict(conflict)
            .returning(Query::returning().columns([Column::Sent]))
            .to_owned();
        Ok(self.0.query_one(&insert).await.context("counting a notice")?.is_some())
    }
}
