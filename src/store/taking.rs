//! A message that its provider took, written at once: who took it, how it stands now, and what the page shows.

use sea_orm::{
    ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, IntoActiveModel, Iterable, QueryTrait,
    sea_query::{Expr, InsertStatement, OnConflict, Query, SelectStatement, SimpleExpr, UpdateStatement, WithClause},
};

use super::{
    Acceptance, Backend, Store,
    delivery_attempt::fresh,
    entity::{
        delivery::{self, Column},
        delivery_attempt, verification,
    },
    is_foreign_key_violation,
    together::part,
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::{DeliveryId, VerificationId},
    status::DeliveryStatus,
};

/// What a provider took, out of the hands of whoever holds `claim`.
#[derive(Clone, Debug)]
pub struct Taking {
    pub delivery: DeliveryId,
    /// None: nobody is shown anything.
    pub verification: Option<VerificationId>,
    /// What is shown whatever became of it; none: how it stands.
    pub shown: Option<DeliveryStatus>,
    /// As it stood on the row that was claimed.
    pub claim: Option<String>,
    /// Times that a provider was asked.
    pub asked: i32,
    pub by: Acceptance,
    pub receipt_due: Option<Instant>,
}

impl Store {
    /// Writes what a provider took, as [`super::Tx::settle_delivery`] and [`super::Tx::show_delivery`] do, in one
    /// statement in place of five round trips: the verification whose message shows something else now, if any does.
    ///
    /// None: it has to be written the longer way. SQLite takes no such statement (`together`); elsewhere the claim was
    /// lost, or the message erased.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn settle_taking(
        &self,
        taking: &Taking,
        now: Instant,
    ) -> Result<Option<Option<verification::Model>>, Fault> {
        let Backend::Postgres(db) = &self.backend else { return Ok(None) };
        let statement = taking.statement(now);
        let written = self.within(async {
            match db.query_one(&statement).await {
                Err(error) if is_foreign_key_violation(&error) => Ok(None),
                written => Ok(written?),
            }
        });
        match written.await.doing("settling a delivery that was taken")? {
            Some(row) if taking.verification.is_some() => {
                let shown = verification::Model::from_query_result_optional(&row, "");
                Ok(Some(shown.doing("reading what a delivery shows")?))
            }
            Some(_) => Ok(Some(None)),
            None => Ok(None),
        }
    }
}

/// The parts of the statement, by the names under which the later ones see what the earlier ones returned.
const ATTEMPT: &str = "attempt";
const SETTLED: &str = "settled";
const SHOWN: &str = "shown";

impl Taking {
    fn statement(&self, now: Instant) -> SelectStatement {
        let mut parts = WithClause::new();
        parts.cte(part(ATTEMPT, self.attempt(now)));
        parts.cte(part(SETTLED, self.settled(now)));
        let mut select = Query::select();
        match &self.verification {
            Some(id) => {
                parts.cte(part(SHOWN, self.shown(id, now)));
                select.columns(verification::Column::iter().map(|column| (SHOWN, column)));
                select.left_join(SHOWN, Expr::val(1).eq(1));
            }
            None => {
                select.column((SETTLED, Column::Status));
            }
        }
        select.with_cte(parts).from(SETTLED).to_owned()
    }

    /// A receipt may have come first: what it said stays.
    fn attempt(&self, now: Instant) -> InsertStatement {
        use delivery_attempt::Column;
        let row = delivery_attempt::Model {
            provider_message_id: self.by.provider_message_id.clone(),
            poll_at: self.by.poll_at,
            ..fresh(&self.delivery, &self.by.provider, now)
        };
        let mut conflict = OnConflict::columns([Column::DeliveryId, Column::Provider]);
        conflict.update_columns([Column::ProviderMessageId, Column::PollAt]);
        let insert = delivery_attempt::Entity::insert(row.into_active_model()).on_conflict(conflict);
        let mut insert = insert.into_query();
        let told = [Column::Status, Column::Code, Column::Failure, Column::ToldAt];
        insert.returning(Query::returning().columns(told.map(|column| (delivery_attempt::Entity, column)))).to_owned()
    }

    fn settled(&self, now: Instant) -> UpdateStatement {
        let attempt = |column| Expr::col((ATTEMPT, column));
        let delivered = Expr::col((delivery::Entity, Column::Status)).eq(DeliveryStatus::Delivered);
        let stands =
            Expr::case(delivered, DeliveryStatus::Delivered).finally(attempt(delivery_attempt::Column::Status));
        let delivered = Expr::col((delivery::Entity, Column::Status)).eq(DeliveryStatus::Delivered);
        let failure: SimpleExpr =
            Expr::case(delivered.not(), attempt(delivery_attempt::Column::Failure)).finally(Expr::null()).into();
        let due_at: SimpleExpr = match self.receipt_due {
            Some(due_at) => Expr::case(attempt(delivery_attempt::Column::ToldAt).is_null(), due_at).into(),
            None => Expr::null(),
        };
        Query::update()
            .table(delivery::Entity)
            .from(ATTEMPT)
            .value(Column::ClaimedBy, Expr::null())
            .value(Column::Tries, Expr::col((delivery::Entity, Column::Tries)).add(self.asked))
            .value(Column::UpdatedAt, now)
            .value(Column::Status, stands)
            .value(Column::DueAt, due_at)
            .value(Column::Provider, self.by.provider.as_str())
            .value(Column::ProviderMessageId, self.by.provider_message_id.clone())
            .value(Column::Reason, attempt(delivery_attempt::Column::Code))
            .value(Column::Failure, failure)
            .value(Column::PerhapsSent, false)
            .value(Column::Refused, false)
            .and_where(Expr::col((delivery::Entity, Column::Id)).eq(self.delivery.as_str()))
            .and_where(Expr::col((delivery::Entity, Column::ClaimedBy)).eq(self.claim.as_deref()))
            .returning(
                Query::returning().columns([Column::Status, Column::Failure].map(|column| (delivery::Entity, column))),
            )
            .to_owned()
    }

    fn shown(&self, id: &VerificationId, now: Instant) -> UpdateStatement {
        use verification::Column;
        let this = |column| Expr::col((verification::Entity, column));
        let status: SimpleExpr = match self.shown {
            Some(status) => Expr::val(status),
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
