//! What became of a message that was claimed, written once, by whoever holds the claim.

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, SimpleExpr},
};

use super::{
    Tx,
    delivery_attempt::Acceptance,
    entity::delivery::{Column, Entity, Model},
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::DeliveryId,
    status::{DeliveryFailure, DeliveryStatus},
};

/// What became of a message that was claimed.
#[derive(Clone, Debug)]
pub enum Settlement {
    /// It left.
    Accepted {
        /// None: a decoy or a test contact's, which nobody carries.
        by: Option<Acceptance>,
        /// When to look at it again, if no receipt has come by then.
        receipt_due: Option<Instant>,
    },
    /// Nothing more is to be done by us; receipts may still come.
    Ended {
        status: DeliveryStatus,
        provider: Option<String>,
        reason: Option<String>,
        /// Why it failed, if it did.
        failure: Option<DeliveryFailure>,
        refused: bool,
    },
    /// To be tried again at this instant.
    Again {
        due_at: Instant,
        provider: Option<String>,
        reason: Option<String>,
        /// Why this try failed.
        failure: Option<DeliveryFailure>,
        /// A provider may have taken it already.
        perhaps_sent: bool,
    },
    /// What stands there is the truth already.
    AsItStands,
}

impl Tx {
    /// Writes what became of a message under the `claim` that stood on its row when it was claimed, and how many times
    /// a provider was `asked` for it meanwhile. Receipts may have come before: what they proved stays. None: the claim was lost, and whoever took
    /// it over has the word; but that a provider took the message is written in any case.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn settle_delivery(
        &self,
        id: &DeliveryId,
        claim: Option<&str>,
        asked: i32,
        settlement: Settlement,
        now: Instant,
    ) -> Result<Option<Model>, Fault> {
        let claimed = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::ClaimedBy.eq(claim))
            .col_expr(Column::ClaimedBy, Expr::null())
            .col_expr(Column::Tries, Expr::col(Column::Tries).add(asked))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        let update = match settlement {
            Settlement::Accepted { by, receipt_due } => {
                return self.settle_accepted(id, claimed, by, receipt_due, now).await;
            }
            Settlement::Ended { status, provider, reason, failure, refused } => {
                // Whoever took it, or told of it, knows better than whoever gave up: what they said stands.
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
            Settlement::Again { due_at, provider, reason, failure, perhaps_sent } => claimed
                .col_expr(Column::DueAt, Expr::val(due_at))
                .col_expr(Column::PerhapsSent, Expr::val(perhaps_sent))
                .col_expr(Column::Provider, or_before(Column::Provider, provider))
                .col_expr(Column::Reason, Expr::val(reason))
                .col_expr(Column::Failure, Expr::val(failure)),
            Settlement::AsItStands => claimed.col_expr(Column::DueAt, Expr::null()),
        };
        Ok(update.exec_with_returning(&self.0).await.doing("settling a delivery")?.pop())
    }

    async fn settle_accepted(
        &self,
        id: &DeliveryId,
        claimed: UpdateMany<Entity>,
        by: Option<Acceptance>,
        receipt_due: Option<Instant>,
        now: Instant,
    ) -> Result<Option<Model>, Fault> {
        let Some(by) = by else {
            let update =
                claimed.col_expr(Column::Status, Expr::val(DeliveryStatus::Sent)).col_expr(Column::DueAt, Expr::null());
            return Ok(update.exec_with_returning(&self.0).await.doing("settling a delivery")?.pop());
        };
        let Some(attempt) = self.record_acceptance(id, &by, now).await? else { return Ok(None) };
        let due_at = receipt_due.filter(|_| attempt.told_at.is_none());
        let accepted = |update: UpdateMany<Entity>| {
            update
                .col_expr(Column::Status, unless_delivered(attempt.status))
                .col_expr(Column::DueAt, Expr::val(due_at))
                .col_expr(Column::Provider, Expr::val(by.provider.as_str()))
                .col_expr(Column::ProviderMessageId, Expr::val(by.provider_message_id.clone()))
                .col_expr(Column::Reason, Expr::val(attempt.code.clone()))
                .col_expr(Column::Failure, none_if_delivered(attempt.failure))
                .col_expr(Column::PerhapsSent, Expr::val(false))
                .col_expr(Column::Refused, Expr::val(false))
        };
        let settled = accepted(claimed).exec_with_returning(&self.0).await.doing("settling a delivery")?.pop();
        if settled.is_some() {
            return Ok(settled);
        }
        // The claim ran out while the provider took the message. Where nobody else has it in hand, what was written in
        // our place (unknown, or to be tried again) was a guess, and this is not.
        let late = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::ClaimedBy.is_null())
            .filter(Column::Status.is_in([DeliveryStatus::Queued, DeliveryStatus::Unknown, DeliveryStatus::Failed]))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(accepted(late).exec_with_returning(&self.0).await.doing("settling a delivery late")?.pop())
    }

    /// Shows a message that was sent as waiting again: it is about to go by another route. False: a receipt has come,
    /// or the claim was lost.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn requeue_delivery(&self, id: &DeliveryId, claim: Option<&str>, now: Instant) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::ClaimedBy.eq(claim))
            .filter(Column::Status.eq(DeliveryStatus::Sent))
            .col_expr(Column::Status, Expr::val(DeliveryStatus::Queued))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(update.exec(&self.0).await.doing("queueing a delivery again")?.rows_affected > 0)
    }
}

/// What has arrived stays arrived.
fn unless_delivered(status: DeliveryStatus) -> SimpleExpr {
    let delivered = Expr::col(Column::Status).eq(DeliveryStatus::Delivered);
    Expr::case(delivered, DeliveryStatus::Delivered).finally(status).into()
}

fn none_if_delivered(failure: Option<DeliveryFailure>) -> SimpleExpr {
    let delivered = Expr::col(Column::Status).eq(DeliveryStatus::Delivered);
    Expr::case(delivered, None::<DeliveryFailure>).finally(failure).into()
}

fn or_before(column: Column, value: Option<String>) -> SimpleExpr {
    value.map_or_else(|| Expr::col(column), Expr::val)
}
