//! Verifications whose code is generated and checked by a provider: the attempt is counted first, and the provider
//! checks the code afterwards.

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, SimpleExpr},
};

use super::{
    Tx,
    entity::verification::{Column, Entity},
    text::Text,
    verification::{ended, pending},
};
use domain::{Timestamp, ids::VerificationId, status::Status, verification::Verification};
use platform::fault::{Fault, FaultContext};

impl Tx {
    /// Records the provider that generated the code, and its id for the verification. The first provider that sent a
    /// code stays.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn set_code_provider(&self, id: &VerificationId, by: &str, reference: Option<&str>) -> Result<(), Fault> {
        let free: SimpleExpr = Expr::col(Column::CodeBy).is_null().or(Expr::col(Column::CodeBy).eq(by));
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(free)
            .col_expr(Column::CodeBy, Expr::val(by))
            .col_expr(Column::CodeRef, reference.map_or_else(|| Expr::col(Column::CodeRef), Expr::val));
        update.exec(&self.0).await.context("recording the provider of a code")?;
        Ok(())
    }

    /// Reserves one attempt of a pending verification, before the provider checks the code. None: it is no longer pending
    /// or has no attempt left, and nothing changed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn reserve_attempt(&self, id: &VerificationId, now: Timestamp) -> Result<Option<Verification>, Fault> {
        let update = pending(id, now)
            .filter(Expr::col(Column::Attempts).lt(Expr::col(Column::MaxAttempts)))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1));
        self.changed(update, now).await.context("taking an attempt")
    }

    /// Returns an attempt that was reserved and whose code was not checked.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn return_attempt(&self, id: &VerificationId, now: Timestamp) -> Result<Option<Verification>, Fault> {
        let update = pending(id, now)
            .filter(Expr::col(Column::Attempts).gt(0))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1));
        self.changed(update, now).await.context("returning an attempt")
    }

    /// Records the result of an attempt that was reserved before: verified if the guess was `right`, locked if it was
    /// wrong and the last one. None: the verification is no longer pending, and nothing changed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn record_reserved_attempt(
        &self,
        id: &VerificationId,
        right: bool,
        now: Timestamp,
    ) -> Result<Option<Verification>, Fault> {
        let update = pending(id, now);
        let last = || Expr::col(Column::Attempts).gte(Expr::col(Column::MaxAttempts));
        let update = if right {
            ended(update.filter(Column::Decoy.eq(false)), Status::Verified, now)
        } else {
            update
                .col_expr(
                    Column::Status,
                    Expr::case(last(), Text(Status::Locked)).finally(Text(Status::Pending)).into(),
                )
                .col_expr(Column::EndedAt, Expr::case(last(), now).finally(Expr::null()).into())
        };
        self.changed(update, now).await.context("recording the result of an attempt")
    }

    /// Locks a pending verification. None: it is no longer pending.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lock_verification(&self, id: &VerificationId, now: Timestamp) -> Result<Option<Verification>, Fault> {
        self.changed(ended(pending(id, now), Status::Locked, now), now).await.context("locking a verification")
    }

    /// Expires a pending verification now. None: it is no longer pending.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn expire_verification(
        &self,
        id: &VerificationId,
        now: Timestamp,
    ) -> Result<Option<Verification>, Fault> {
        let update = pending(id, now).col_expr(Column::ExpiresAt, Expr::val(now));
        self.changed(update, now).await.context("expiring a verification")
    }
}
