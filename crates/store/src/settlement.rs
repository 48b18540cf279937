//! Records the result of a claimed message, once, by the holder of the claim.

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, SimpleExpr},
};

use super::{
    Tx,
    delivery_attempt::Acceptance,
    entity::Mapped,
    entity::delivery::{Column, Entity},
    text::Text,
};
use domain::{
    Timestamp,
    delivery::Delivery,
    ids::DeliveryId,
    status::{DeliveryFailure, DeliveryStatus},
};
use platform::fault::{Fault, FaultContext};

/// The result of a claimed message.
#[derive(Clone, Debug)]
pub enum Settlement {
    /// It was sent.
    Accepted {
        /// None: a decoy or a simulated delivery, without a provider.
        by: Option<Acceptance>,
        /// When to check it again if no receipt has arrived by then.
        receipt_due: Option<Timestamp>,
    },
    /// There is nothing more to send; receipts may still arrive.
    Ended {
        status: DeliveryStatus,
        provider: Option<String>,
        reason: Option<String>,
        /// Why it failed. None if it did not.
        failure: Option<DeliveryFailure>,
        refused: bool,
    },
    /// To be retried at this time.
    Retry {
        due_at: Timestamp,
        provider: Option<String>,
        reason: Option<String>,
        /// Why this attempt failed.
        failure: Option<DeliveryFailure>,
        /// A provider may have accepted it already.
        maybe_sent: bool,
    },
    /// The row is up to date; the claim is released.
    Unchanged,
}

impl Tx {
    /// Writes the result of a message under the `claim` that was on its row when it was claimed, and adds the number of
    /// `calls` to providers meanwhile. The status from a receipt that came first stays. None: the claim
    /// was lost, and its new holder decides; but that a provider accepted the message is written in any case.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn settle_delivery(
        &self,
        id: &DeliveryId,
        claim: Option<&str>,
        calls: i32,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<Option<Delivery>, Fault> {
        let claimed = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::ClaimedBy.eq(claim))
            .col_expr(Column::ClaimedBy, Expr::null())
            .col_expr(Column::Tries, Expr::col(Column::Tries).add(calls))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        let update = match settlement {
            Settlement::Accepted { by, receipt_due } => {
                return self.settle_accepted(id, claimed, by, receipt_due, now).await;
            }
            Settlement::Ended { status, provider, reason, failure, refused } => {
                // A provider's acceptance or report is more reliable than the failure recorded here: its status stays.
                let (status, provider, reason, failure, refused) = match self.newest_attempt(id).await? {
                    Some(attempt) => (attempt.status, Some(attempt.provider), attempt.code, attempt.failure, false),
                    None => (status, provider, reason, failure, refused),
                };
                claimed
                    .col_expr(Column::Status, unless_delivered(status))
                    .col_expr(Column::DueAt, Expr::null())
                    .col_expr(Column::Provider, or_before(Column::Provider, provider))
                    .col_expr(Column::Reason, Expr::val(reason))
                    .col_expr(Column::Failure, none_if_delivered(failure))
                    .col_expr(Column::Refused, Expr::val(refused))
            }
            Settlement::Retry { due_at, provider, reason, failure, maybe_sent } => claimed
                .col_expr(Column::DueAt, Expr::val(due_at))
                .col_expr(Column::MaybeSent, Expr::val(maybe_sent))
                .col_expr(Column::Provider, or_before(Column::Provider, provider))
                .col_expr(Column::Reason, Expr::val(reason))
                .col_expr(Column::Failure, Expr::val(failure.map(Text))),
            Settlement::Unchanged => claimed.col_expr(Column::DueAt, Expr::null()),
        };
        Ok(update.exec_with_returning(&self.0).await.context("settling a delivery")?.pop().mapped())
    }

    async fn settle_accepted(
        &self,
        id: &DeliveryId,
        claimed: UpdateMany<Entity>,
        by: Option<Acceptance>,
        receipt_due: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Delivery>, Fault> {
        let Some(by) = by else {
            let update = claimed
                .col_expr(Column::Status, Expr::val(Text(DeliveryStatus::Sent)))
                .col_expr(Column::DueAt, Expr::null());
            return Ok(update.exec_with_returning(&self.0).await.context("settling a delivery")?.pop().mapped());
        };
        let Some(attempt) = self.record_acceptance(id, &by, now).await? else { return Ok(None) };
        let due_at = receipt_due.filter(|_| attempt.reported_at.is_none());
        let accepted = |update: UpdateMany<Entity>| {
            update
                .col_expr(Column::Status, unless_delivered(attempt.status))
                .col_expr(Column::DueAt, Expr::val(due_at))
                .col_expr(Column::Provider, Expr::val(by.provider.as_str()))
                .col_expr(Column::ProviderMessageId, Expr::val(by.provider_message_id.clone()))
                .col_expr(Column::Reason, Expr::val(attempt.code.clone()))
                .col_expr(Column::Failure, none_if_delivered(attempt.failure))
                .col_expr(Column::MaybeSent, Expr::val(false))
                .col_expr(Column::Refused, Expr::val(false))
        };
        let settled =
            accepted(claimed).exec_with_returning(&self.0).await.context("settling a delivery")?.pop().mapped();
        if settled.is_some() {
            return Ok(settled);
        }
        // The claim expired while the provider accepted the message. If the message is not claimed again, the result
        // written instead (unknown, or to be retried) was an assumption, and this one is certain.
        let late = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::ClaimedBy.is_null())
            .filter(
                Column::Status
                    .is_in([DeliveryStatus::Queued, DeliveryStatus::Unknown, DeliveryStatus::Failed].map(Text)),
            )
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(accepted(late).exec_with_returning(&self.0).await.context("settling a delivery late")?.pop().mapped())
    }

    /// Sets a sent message to queued again, before it is sent by another route. False: a receipt has arrived, or the
    /// claim was lost.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn requeue_delivery(&self, id: &DeliveryId, claim: Option<&str>, now: Timestamp) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::ClaimedBy.eq(claim))
            .filter(Column::Status.eq(Text(DeliveryStatus::Sent)))
            .col_expr(Column::Status, Expr::val(Text(DeliveryStatus::Queued)))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(update.exec(&self.0).await.context("queueing a delivery again")?.rows_affected > 0)
    }
}

/// A delivered message stays delivered.
fn unless_delivered(status: DeliveryStatus) -> SimpleExpr {
    let delivered = Expr::col(Column::Status).eq(Text(DeliveryStatus::Delivered));
    Expr::case(delivered, Text(DeliveryStatus::Delivered)).finally(Text(status)).into()
}

fn none_if_delivered(failure: Option<DeliveryFailure>) -> SimpleExpr {
    let delivered = Expr::col(Column::Status).eq(Text(DeliveryStatus::Delivered));
    Expr::case(delivered, None::<Text<DeliveryFailure>>).finally(failure.map(Text)).into()
}

fn or_before(column: Column, value: Option<String>) -> SimpleExpr {
    value.map_or_else(|| Expr::col(column), Expr::val)
}
