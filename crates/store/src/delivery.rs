//! The transactional outbox: messages to send, each claimed by one process at a time.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, IntoActiveModel, Iterable, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
    sea_query::{CommonTableExpression, Expr, LockBehavior, LockType, Query, WithClause},
};

use super::{
    ReportedStatus, Store, Tx, TxOutcome,
    entity::Mapped,
    entity::delivery::{Column, Entity, Model},
    text::Text,
};
use domain::{Timestamp, channel::Channel, delivery::Delivery, ids::DeliveryId, status::DeliveryStatus};
use platform::fault::{Fault, FaultContext};

/// The owner and the duration of a claim. A claim that is not settled in time belonged to a process that died.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// Hexadecimal digits.
    pub process: String,
    pub lease: Duration,
}

/// A claim on a message, valid until a time.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Contains the time, so that settling an earlier claim late does not settle a later claim of the same process.
    claimed_by: String,
    until: Timestamp,
}

impl Claim {
    /// The message with this claim, to be inserted: no other process claims it until then.
    pub fn apply_to(self, row: Delivery) -> Delivery {
        Delivery { claimed_by: Some(self.claimed_by), due_at: Some(self.until), ..row }
    }
}

impl Claimant {
    /// A claim from now on.
    pub fn claim(&self, now: Timestamp) -> Claim {
        Claim { claimed_by: format!("{}.{}", self.process, now.timestamp_millis()), until: now + self.lease }
    }

    /// Whether a claim belongs to this process.
    pub fn owns(&self, claim: &str) -> bool {
        claim.split_once('.').map_or(claim, |(process, _)| process) == self.process
    }
}

impl Tx {
    /// Inserts a message into the outbox.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_delivery(&self, row: Delivery) -> Result<(), Fault> {
        Entity::insert(row.into_active_model())
            .exec_without_returning(&self.0)
            .await
            .context("inserting a delivery")?;
        Ok(())
    }

    /// Sets a message to the reported status, if its status is one of `before`. None: it is not, and nothing changed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn advance_delivery(
        &self,
        id: &DeliveryId,
        before: &[DeliveryStatus],
        reported: ReportedStatus,
        now: Timestamp,
    ) -> Result<Option<Delivery>, Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::Status.is_in(before.iter().copied().map(Text)))
            .col_expr(Column::Status, Expr::val(Text(reported.status)))
            .col_expr(Column::Reason, Expr::val(reported.code))
            .col_expr(Column::Failure, Expr::val(reported.failure.map(Text)))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        let moved = update.exec_with_returning(&self.0).await.context("advancing a delivery")?.pop();
        self.stop_waiting_for_receipt(id).await?;
        Ok(moved.mapped())
    }

    /// Ends the wait for a receipt after one has arrived. A message that is claimed stays unchanged.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn stop_waiting_for_receipt(&self, id: &DeliveryId) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::ClaimedBy.is_null())
            .filter(Column::Status.ne(Text(DeliveryStatus::Queued)))
            .filter(Column::DueAt.is_not_null())
            .col_expr(Column::DueAt, Expr::null());
        update.exec(&self.0).await.context("ending the wait for a receipt")?;
        Ok(())
    }
}

impl Store {
    /// Claims up to `limit` due messages of these channels, oldest first; rows that another process is claiming are
    /// skipped.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn claim_due_deliveries(
        &self,
        channels: &[Channel],
        limit: u64,
        claimant: &Claimant,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, Fault> {
        // Materialised: PostgreSQL may run a plain locking subquery more than once, and then claims more than `limit`.
        let oldest = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(due(now))
            .filter(Column::Channel.is_in(channels.iter().copied().map(Text)))
            .order_by_asc(Column::DueAt)
            .limit(limit)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .into_query();
        let oldest = CommonTableExpression::new().table_name("oldest").materialized(true).query(oldest).to_owned();
        let claim = claimant.claim(now);
        let claim = Query::update()
            .with_cte(WithClause::new().cte(oldest).to_owned())
            .table(Entity)
            .value(Column::ClaimedBy, claim.claimed_by)
            .value(Column::DueAt, claim.until)
            .and_where(Expr::col(Column::Id).in_subquery(Query::select().column("id").from("oldest").to_owned()))
            .returning(Query::returning().columns(Column::iter()))
            .to_owned();
        let rows: Vec<Model> = self.write_statement(claim).await.context("claiming due deliveries")?;
        let mut rows: Vec<Delivery> = rows.mapped();
        rows.sort_by_key(|row| row.created_at);
        Ok(rows)
    }

    /// Renews claims for another lease, if the claimant still holds them.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn renew_claims(&self, ids: Vec<DeliveryId>, claimant: &Claimant, now: Timestamp) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.is_in(ids.iter().map(DeliveryId::as_str)))
            .filter(Column::ClaimedBy.starts_with(claimant.process.as_str()))
            .col_expr(Column::DueAt, Expr::val(now + claimant.lease));
        self.write(move |tx| {
            Box::pin(async move {
                update.exec(&tx.0).await?;
                Ok(TxOutcome::Commit(()))
            })
        })
        .await
        .context("renewing claims")
    }

    /// The number of messages that are due and not claimed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn count_due_deliveries(&self, now: Timestamp) -> Result<u64, Fault> {
        let count = Entity::find().filter(due(now));
        self.with_timeout(async { Ok(count.count(self.reader()).await?) }).await.context("counting due deliveries")
    }

    /// The message with this id.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delivery(&self, id: &DeliveryId) -> Result<Option<Delivery>, Fault> {
        let find = Entity::find_by_id(id.clone());
        self.with_timeout(async { Ok(find.one(self.reader()).await?) }).await.context("reading a delivery").mapped()
    }

    /// Messages whose claim expired before `deadline`: its process died or was suspended before settling it, or never
    /// learned that it had the claim.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn abandoned_deliveries(&self, limit: u64, deadline: Timestamp) -> Result<Vec<Delivery>, Fault> {
        let find = Entity::find()
            .filter(Column::DueAt.lte(deadline))
            .filter(Column::ClaimedBy.is_not_null())
            .order_by_asc(Column::DueAt)
            .limit(limit);
        self.with_timeout(async { Ok(find.all(self.reader()).await?) })
            .await
            .context("reading abandoned deliveries")
            .mapped()
    }
}

/// Due, and not claimed.
fn due(now: Timestamp) -> Condition {
    Condition::all().add(Column::DueAt.lte(now)).add(Column::ClaimedBy.is_null())
}
