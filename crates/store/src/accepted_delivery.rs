//! A message accepted by a provider, written in one statement: the attempt, the delivery, and the status shown on the
//! verification.

use sea_orm::{
    ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, IntoActiveModel, Iterable, QueryTrait,
    sea_query::{Expr, InsertStatement, OnConflict, Query, SelectStatement, SimpleExpr, UpdateStatement, WithClause},
};

use super::{
    Acceptance, Backend, Store,
    combined_statement::cte,
    delivery_attempt::fresh,
    entity::Mapped,
    entity::{
        delivery::{self, Column},
        delivery_attempt, verification,
    },
    is_foreign_key_violation,
    text::Text,
};
use domain::{
    Timestamp,
    delivery::DeliveryAttempt,
    ids::{DeliveryId, VerificationId},
    status::DeliveryStatus,
    verification::Verification,
};
use platform::fault::{Fault, FaultContext};

/// A message accepted by a provider, from the holder of `claim`.
#[derive(Clone, Debug)]
pub struct AcceptedDelivery {
    pub delivery: DeliveryId,
    /// None: there is no verification to update.
    pub verification: Option<VerificationId>,
    /// The status to show on the verification; None: that of the delivery.
    pub shown: Option<DeliveryStatus>,
    /// The claim on the row when it was claimed.
    pub claim: Option<String>,
    /// How many times a provider was called.
    pub asked: i32,
    pub by: Acceptance,
    pub receipt_due: Option<Timestamp>,
}

impl Store {
    /// Writes an acceptance, as [`super::Tx::settle_delivery`] and [`super::Tx::show_delivery`] do, in one statement
    /// instead of five round trips. Returns the verification if its shown status changed.
    ///
    /// None: nothing was written, and the caller has to write it with separate statements. SQLite does not support the
    /// statement (`combined_statement`); on PostgreSQL the claim was lost, or the message was deleted.
    /// # Errors
    /// A fault of the database.
    pub async fn settle_accepted_delivery(
        &self,
        taking: &AcceptedDelivery,
        now: Timestamp,
    ) -> Result<Option<Option<Verification>>, Fault> {
        let Backend::Postgres(db) = &self.backend else { return Ok(None) };
        let statement = taking.statement(now);
        let result = self.with_timeout(async {
            match db.query_one(&statement).await {
                Err(error) if is_foreign_key_violation(&error) => Ok(None),
                result => Ok(result?),
            }
        });
        match result.await.doing("recording an accepted delivery")? {
            Some(row) if taking.verification.is_some() => {
                let shown = verification::Model::from_query_result_optional(&row, "");
                Ok(Some(shown.doing("reading the verification of a delivery").mapped()?))
            }
            Some(_) => Ok(Some(None)),
            None => Ok(None),
        }
    }
}

/// The CTEs of the statement: later ones read the rows that earlier ones returned.
const ATTEMPT: &str = "attempt";
const SETTLED: &str = "settled";
const SHOWN: &str = "shown";

impl AcceptedDelivery {
    fn statement(&self, now: Timestamp) -> SelectStatement {
        let mut parts = WithClause::new();
        parts.cte(cte(ATTEMPT, self.attempt(now)));
        parts.cte(cte(SETTLED, self.settled(now)));
        let mut select = Query::select();
        match &self.verification {
            Some(id) => {
                parts.cte(cte(SHOWN, self.shown(id, now)));
                select.columns(verification::Column::iter().map(|column| (SHOWN, column)));
                select.left_join(SHOWN, Expr::val(1).eq(1));
            }
            None => {
                select.column((SETTLED, Column::Status));
            }
        }
        select.with_cte(parts).from(SETTLED).to_owned()
    }

    /// A receipt may have come first; its status stays.
    fn attempt(&self, now: Timestamp) -> InsertStatement {
        use delivery_attempt::Column;
        let row = DeliveryAttempt {
            provider_message_id: self.by.provider_message_id.clone(),
            poll_at: self.by.poll_at,
            ..fresh(&self.delivery, &self.by.provider, now)
        };
        let mut conflict = OnConflict::columns([Column::DeliveryId, Column::Provider]);
        conflict.update_columns([Column::ProviderMessageId, Column::PollAt]);
        let insert = delivery_attempt::Entity::insert(row.into_active_model()).on_conflict(conflict);
        let mut insert = insert.into_query();
        let reported = [Column::Status, Column::Code, Column::Failure, Column::ReportedAt];
        insert
            .returning(Query::returning().columns(reported.map(|column| (delivery_attempt::Entity, column))))
            .to_owned()
    }

    fn settled(&self, now: Timestamp) -> UpdateStatement {
        let attempt = |column| Expr::col((ATTEMPT, column));
        let delivered = Expr::col((delivery::Entity, Column::Status)).eq(Text(DeliveryStatus::Delivered));
        let status =
            Expr::case(delivered, Text(DeliveryStatus::Delivered)).finally(attempt(delivery_attempt::Column::Status));
        let delivered = Expr::col((delivery::Entity, Column::Status)).eq(Text(DeliveryStatus::Delivered));
        let failure: SimpleExpr =
            Expr::case(delivered.not(), attempt(delivery_attempt::Column::Failure)).finally(Expr::null()).into();
        let due_at: SimpleExpr = match self.receipt_due {
            Some(due_at) => Expr::case(attempt(delivery_attempt::Column::ReportedAt).is_null(), due_at).into(),
            None => Expr::null(),
        };
        Query::update()
            .table(delivery::Entity)
            .from(ATTEMPT)
            .value(Column::ClaimedBy, Expr::null())
            .value(Column::Tries, Expr::col((delivery::Entity, Column::Tries)).add(self.asked))
            .value(Column::UpdatedAt, now)
            .value(Column::Status, status)
            .value(Column::DueAt, due_at)
            .value(Column::Provider, self.by.provider.as_str())
            .value(Column::ProviderMessageId, self.by.provider_message_id.clone())
            .value(Column::Reason, attempt(delivery_attempt::Column::Code))
            .value(Column::Failure, failure)
            .value(Column::MaybeSent, false)
            .value(Column::Refused, false)
            .and_where(Expr::col((delivery::Entity, Column::Id)).eq(self.delivery.as_str()))
            .and_where(Expr::col((delivery::Entity, Column::ClaimedBy)).eq(self.claim.as_deref()))
            .returning(
                Query::returning().columns([Column::Status, Column::Failure].map(|column| (delivery::Entity, column))),
            )
            .to_owned()
    }

    fn shown(&self, id: &VerificationId, now: Timestamp) -> UpdateStatement {
        use verification::Column;
        let this = |column| Expr::col((verification::Entity, column));
        let status: SimpleExpr = match self.shown {
            Some(status) => Expr::val(Text(status)),
            None => Expr::col((SETTLED, delivery::Column::Status)),
        };
        let failure: SimpleExpr = match self.shown {
            Some(_) => Expr::null(),
            None => Expr::col((SETTLED, delivery::Column::Failure)),
        };
        Query::update()
            .table(verification::Entity)
            .from(SETTLED)
            .value(Column::DeliveryStatus, status.clone())
            .value(Column::DeliveryFailure, failure)
            .value(Column::DeliveryUpdatedAt, now)
            .value(Column::UpdatedAt, now)
            .value(Column::Sequence, this(Column::Sequence).add(1))
            .and_where(this(Column::Id).eq(id.as_str()))
            .and_where(this(Column::DeliveryId).eq(self.delivery.as_str()))
            .and_where(this(Column::DeliveryStatus).ne(status))
            .returning(Query::returning().columns(Column::iter().map(|column| (verification::Entity, column))))
            .to_owned()
    }
}
