//! Verifications. Every change increments the sequence in the same statement, and is conditional on the state.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, UpdateMany,
    sea_query::{Expr, OnConflict},
};

use super::{
    Store, Tx,
    entity::Mapped,
    entity::verification::{Column, Entity},
    text::Text,
};
use domain::{
    Timestamp,
    channel::Channel,
    ids::{DeliveryId, VerificationId},
    status::{DeliveryFailure, DeliveryStatus, Status},
    verification::Verification,
};
use platform::fault::{Fault, FaultContext};

impl Tx {
    /// Inserts a new verification. False: there is one with the same idempotency key, and nothing was written.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_verification(&self, row: Verification) -> Result<bool, Fault> {
        let insert = Entity::insert(row.into_active_model()).on_conflict(OnConflict::new().do_nothing().to_owned());
        let written = insert.exec_without_returning(&self.0).await.context("inserting a verification")?;
        Ok(written > 0)
    }

    /// The verification, read within this transaction.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn verification(&self, id: &VerificationId) -> Result<Option<Verification>, Fault> {
        Entity::find_by_id(id.clone()).one(&self.0).await.context("reading a verification").mapped()
    }

    /// Removes an idempotency key from an expired verification, so that it can be used for a new one.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn release_idempotency_key(&self, key: &str, now: Timestamp) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::IdempotencyKey.eq(key))
            .filter(Column::ExpiresAt.lte(now))
            .col_expr(Column::IdempotencyKey, Expr::null());
        update.exec(&self.0).await.context("releasing an idempotency key")?;
        Ok(())
    }

    /// Takes one attempt of a pending verification and returns its state after it: verified if the guess was `right`,
    /// locked if it was wrong and the last attempt. None: it is no longer pending, and nothing changed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn record_attempt(
        &self,
        id: &VerificationId,
        right: bool,
        now: Timestamp,
    ) -> Result<Option<Verification>, Fault> {
        self.changed(attempt_update(id, right, now), now).await.context("taking an attempt")
    }

    /// Cancels a pending verification. None: it is no longer pending.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn cancel_verification(
        &self,
        id: &VerificationId,
        now: Timestamp,
    ) -> Result<Option<Verification>, Fault> {
        self.changed(ended(pending(id, now), Status::Canceled, now), now).await.context("canceling a verification")
    }

    /// Sets a new message as the newest one of a pending verification; `via_account_email`: it goes to the e-mail address of
    /// the account instead of the phone. None: it is no longer pending.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn record_resend(
        &self,
        id: &VerificationId,
        delivery: &DeliveryId,
        channel: Channel,
        via_account_email: bool,
        now: Timestamp,
    ) -> Result<Option<Verification>, Fault> {
        let update = pending(id, now)
            .col_expr(Column::DeliveryId, Expr::val(delivery.as_str()))
            .col_expr(Column::DeliveryChannel, Expr::val(Text(channel)))
            .col_expr(Column::DeliveryStatus, Expr::val(Text(DeliveryStatus::Queued)))
            .col_expr(Column::DeliveryFailure, Expr::null())
            .col_expr(Column::DeliveryUpdatedAt, Expr::val(now))
            .col_expr(Column::Sends, Expr::col(Column::Sends).add(1))
            .col_expr(Column::LastSentAt, Expr::val(now));
        let update = if via_account_email { update.col_expr(Column::ViaAccountEmail, Expr::val(true)) } else { update };
        self.changed(update, now).await.context("recording a resend")
    }

    /// Sets the delivery status shown on a verification. None: another message is the newest, or the status is shown
    /// already.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn show_delivery(
        &self,
        id: &VerificationId,
        delivery: &DeliveryId,
        status: DeliveryStatus,
        failure: Option<DeliveryFailure>,
        now: Timestamp,
    ) -> Result<Option<Verification>, Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::DeliveryId.eq(delivery.as_str()))
            .filter(Column::DeliveryStatus.ne(Text(status)))
            .col_expr(Column::DeliveryStatus, Expr::val(Text(status)))
            .col_expr(Column::DeliveryFailure, Expr::val(failure.map(Text)))
            .col_expr(Column::DeliveryUpdatedAt, Expr::val(now));
        self.changed(update, now).await.context("updating a verification's delivery status")
    }

    pub(super) async fn changed(
        &self,
        update: UpdateMany<Entity>,
        now: Timestamp,
    ) -> Result<Option<Verification>, Fault> {
        Ok(in_sequence(update, now).exec_with_returning(&self.0).await?.pop().mapped())
    }
}

/// Increments the sequence, by which subscribers order the states, and sets the time of the change.
pub(super) fn in_sequence(update: UpdateMany<Entity>, now: Timestamp) -> UpdateMany<Entity> {
    update.col_expr(Column::Sequence, Expr::col(Column::Sequence).add(1)).col_expr(Column::UpdatedAt, Expr::val(now))
}

/// A pending verification with an attempt left.
pub(super) fn open(id: &VerificationId, now: Timestamp) -> Condition {
    still_pending(id, now).add(Expr::col(Column::Attempts).lt(Expr::col(Column::MaxAttempts)))
}

/// Takes an attempt and sets the result.
pub(super) fn attempt_update(id: &VerificationId, right: bool, now: Timestamp) -> UpdateMany<Entity> {
    let used = || Expr::col(Column::Attempts).add(1);
    let last = || used().gte(Expr::col(Column::MaxAttempts));
    let update = Entity::update_many().filter(open(id, now)).col_expr(Column::Attempts, used());
    if right {
        // It may have become a decoy since its code was compared.
        return ended(update.filter(Column::Decoy.eq(false)), Status::Verified, now);
    }
    update
        .col_expr(Column::Status, Expr::case(last(), Text(Status::Locked)).finally(Text(Status::Pending)).into())
        .col_expr(Column::EndedAt, Expr::case(last(), now).finally(Expr::null()).into())
}

fn still_pending(id: &VerificationId, now: Timestamp) -> Condition {
    Condition::all()
        .add(Column::Id.eq(id.as_str()))
        .add(Column::Status.eq(Text(Status::Pending)))
        .add(Column::ExpiresAt.gt(now))
}

/// An update of a verification that is pending and has not expired.
pub(super) fn pending(id: &VerificationId, now: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many().filter(still_pending(id, now))
}

pub(super) fn ended(update: UpdateMany<Entity>, status: Status, now: Timestamp) -> UpdateMany<Entity> {
    update.col_expr(Column::Status, Expr::val(Text(status))).col_expr(Column::EndedAt, Expr::val(now))
}

impl Store {
    /// The verification with this id.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn verification(&self, id: &VerificationId) -> Result<Option<Verification>, Fault> {
        let find = Entity::find_by_id(id.clone());
        self.with_timeout(async { Ok(find.one(self.reader()).await?) }).await.context("reading a verification").mapped()
    }

    /// The verification with this idempotency key. `key` is the stored hash.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn verification_by_idempotency_key(&self, key: &str) -> Result<Option<Verification>, Fault> {
        let find = Entity::find().filter(Column::IdempotencyKey.eq(key));
        self.with_timeout(async { Ok(find.one(self.reader()).await?) })
            .await
            .context("reading a verification by its key")
            .mapped()
    }
}
