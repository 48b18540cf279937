//! Verifications whose code a provider makes and checks: an attempt is taken first, and judged by the provider after.

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter,
    sea_query::{Expr, SimpleExpr},
};

use super::{
    Tx,
    entity::verification::{Column, Entity, Model},
    verification::{ended, pending},
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::VerificationId,
    status::Status,
};

impl Tx {
    /// Writes whose code is on its way: `by`, and what it calls the verification. The first who carried a code stays.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn note_code_maker(&self, id: &VerificationId, by: &str, reference: Option<&str>) -> Result<(), Fault> {
        let free: SimpleExpr = Expr::col(Column::CodeBy).is_null().or(Expr::col(Column::CodeBy).eq(by));
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(free)
            .col_expr(Column::CodeBy, Expr::val(by))
            .col_expr(Column::CodeRef, reference.map_or_else(|| Expr::col(Column::CodeRef), Expr::val));
        update.exec(&self.0).await.doing("noting who makes a code")?;
        Ok(())
    }

    /// Takes one attempt of a pending verification, to be judged elsewhere. None: it was not pending any more, or has
    /// no attempt left, and nothing changed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn take_attempt(&self, id: &VerificationId, now: Instant) -> Result<Option<Model>, Fault> {
        let update = pending(id, now)
            .filter(Expr::col(Column::Attempts).lt(Expr::col(Column::MaxAttempts)))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1));
        self.changed(update, now).await.doing("taking an attempt")
    }

    /// Gives an attempt back that was taken and that nobody judged.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn return_attempt(&self, id: &VerificationId, now: Instant) -> Result<Option<Model>, Fault> {
        let update = pending(id, now)
            .filter(Expr::col(Column::Attempts).gt(0))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1));
        self.changed(update, now).await.doing("returning an attempt")
    }

    /// Says how a pending verification stands after an attempt that was taken before `now` was judged: verified if the
    /// guess was `right`, locked if it was wrong and the last one. None: it was not pending any more, and nothing
    /// changed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn judge_taken_attempt(
        &self,
        id: &VerificationId,
        right: bool,
        now: Instant,
    ) -> Result<Option<Model>, Fault> {
        let update = pending(id, now);
        let last = || Expr::col(Column::Attempts).gte(Expr::col(Column::MaxAttempts));
        let update = if right {
            ended(update.filter(Column::Decoy.eq(false)), Status::Verified, now)
        } else {
            update
                .col_expr(Column::Status, Expr::case(last(), Status::Locked).finally(Status::Pending).into())
                .col_expr(Column::EndedAt, Expr::case(last(), now).finally(Expr::null()).into())
        };
        self.changed(update, now).await.doing("judging an attempt that was taken")
    }

    /// Locks a pending verification. None: it was not pending any more.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn lock_verification(&self, id: &VerificationId, now: Instant) -> Result<Option<Model>, Fault> {
        self.changed(ended(pending(id, now), Status::Locked, now), now).await.doing("locking a verification")
    }

    /// Ends the life of a pending verification now. None: it was not pending any more.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn expire_verification(&self, id: &VerificationId, now: Instant) -> Result<Option<Model>, Fault> {
        let update = pending(id, now).col_expr(Column::ExpiresAt, Expr::val(now));
        self.changed(update, now).await.doing("ending the life of a verification")
    }
}
