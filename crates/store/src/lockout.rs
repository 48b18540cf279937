//! Failed passwords, counted before the password is checked.

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, Iterable, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, OnConflict, Query},
};

use super::{
    Tx,
    device::DEVICE_SUBJECT,
    entity::Mapped,
    entity::lockout::{Column, Entity, Model},
};
use domain::{Timestamp, ids::AccountId};
use platform::fault::{Fault, FaultContext};

/// Consecutive failed passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempts {
    /// The key of the counter; a hash if it is a typed identifier.
    pub subject: String,
    pub account_id: Option<AccountId>,
    pub failures: i32,
    pub last_failed_at: Timestamp,
    pub locked_until: Option<Timestamp>,
}

impl Tx {
    /// Counts one attempt by `subject`. None: it is locked, and nothing was counted. A count whose last attempt was
    /// before `forgotten` starts again.
    ///
    /// One upsert: the row lock, held until the transaction ends, makes counting and checking atomic.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count_attempt(
        &self,
        subject: &str,
        account: Option<&AccountId>,
        reset_before: Timestamp,
        now: Timestamp,
    ) -> Result<Option<FailedAttempts>, Fault> {
        let existing = |column: Column| Expr::col((Entity, column));
        let fresh = || existing(Column::LastFailedAt).lt(reset_before);
        let mut conflict = OnConflict::column(Column::Subject);
        conflict
            .value(Column::Failures, Expr::case(fresh(), 1).finally(existing(Column::Failures).add(1)))
            .value(Column::LastFailedAt, Expr::val(now))
            .value(Column::AccountId, Expr::val(account.map(AccountId::as_str)))
            .value(Column::LockedUntil, Expr::null())
            .action_and_where(existing(Column::LockedUntil).is_null().or(existing(Column::LockedUntil).lte(now)));
        let insert = Query::insert()
            .into_table(Entity)
            .columns([Column::Subject, Column::AccountId, Column::Failures, Column::LastFailedAt])
            .values_panic([subject.into(), Expr::val(account.map(AccountId::as_str)), 1.into(), Expr::val(now)])
            .on_conflict(conflict)
            .returning(Query::returning().columns(Column::iter()))
            .to_owned();
        let counted = self.0.query_one(&insert).await.context("counting a try")?;
        Ok(counted.map(|row| Model::from_query_result(&row, "")).transpose()?.mapped())
    }

    /// The lockout state of `subject`.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lockout(&self, subject: &str) -> Result<Option<FailedAttempts>, Fault> {
        Entity::find_by_id(subject.to_owned()).one(&self.0).await.context("reading a lockout").mapped()
    }

    /// Locks `subject` until then.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_lockout(&self, subject: &str, until: Timestamp) -> Result<(), Fault> {
        let update =
            Entity::update_many().filter(Column::Subject.eq(subject)).col_expr(Column::LockedUntil, Expr::val(until));
        update.exec(&self.0).await.context("locking out")?;
        Ok(())
    }

    /// Reverses an attempt that was counted and not checked.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn return_login_attempt(&self, subject: &str) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::Subject.eq(subject))
            .filter(Column::Failures.gt(0))
            .col_expr(Column::Failures, Expr::col(Column::Failures).sub(1))
            .col_expr(Column::LockedUntil, Expr::null());
        update.exec(&self.0).await.context("reversing an attempt")?;
        Ok(())
    }

    /// Deletes the counts of these subjects.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn clear_failures(&self, subjects: &[String]) -> Result<(), Fault> {
        // One at a time, in the order in which attempts are counted: a single statement would lock them in its own
        // order.
        for subject in subjects {
            Entity::delete_by_id(subject).exec(&self.0).await.context("deleting attempts")?;
        }
        Ok(())
    }

    /// Deletes all counts of an account, and of these subjects. A typed identifier is counted for the account that has
    /// it at the time, or for none.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn unlock(&self, account: &AccountId, typed: &[String]) -> Result<(), Fault> {
        self.delete_counts(Column::AccountId.eq(account.as_str()).or(Column::Subject.is_in(typed))).await
    }

    /// Deletes the counts of an account's devices.
    pub(super) async fn clear_device_failures(&self, account: &AccountId) -> Result<(), Fault> {
        let of_device = Column::Subject.starts_with(DEVICE_SUBJECT);
        self.delete_counts(Column::AccountId.eq(account.as_str()).and(of_device)).await
    }

    async fn delete_counts(&self, counted: Expr) -> Result<(), Fault> {
        let counted = Entity::find().filter(counted).lock_exclusive();
        // Typed identifiers before the account, in the order in which attempts are counted.
        let rows =
            counted.order_by_desc(Column::Subject).all(&self.0).await.context("reading an account's lockouts")?;
        self.clear_failures(&rows.into_iter().map(|row| row.subject).collect::<Vec<_>>()).await
    }
}
