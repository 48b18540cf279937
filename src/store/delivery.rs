//! The outbox: messages that are owed, claimed by one process at a time, settled once.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, LockBehavior, LockType, Query},
};

use super::{
    Ending, Store, Tx,
    entity::delivery::{Column, Entity, Model},
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::DeliveryId,
    status::DeliveryStatus,
};

/// Who claims messages, and for how long: a claim that is not settled by then belonged to a process that died.
#[derive(Clone, Debug)]
pub struct Claimant {
    pub process: String,
    pub lease: Duration,
}

/// What became of a message that was claimed.
#[derive(Clone, Debug)]
pub enum Settlement {
    /// Nothing more is to be done by us; receipts may still come.
    Settled {
        status: DeliveryStatus,
        provider: Option<String>,
        provider_message_id: Option<String>,
        reason: Option<String>,
        refused: bool,
    },
    /// To be tried again at this instant.
    Again { due_at: Instant, provider: Option<String>, reason: Option<String> },
}

impl Tx {
    /// Puts a message into the outbox.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn insert_delivery(&self, row: Model) -> Result<(), Fault> {
        Entity::insert(row.into_active_model()).exec_without_returning(&self.0).await.doing("inserting a delivery")?;
        Ok(())
    }

    /// Writes what became of a message that `process` has claimed. False: the claim was lost meanwhile, and whoever
    /// took it over has the word.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn settle_delivery(
        &self,
        id: &DeliveryId,
        process: &str,
        settlement: Settlement,
        now: Instant,
    ) -> Result<bool, Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::ClaimedBy.eq(process))
            .col_expr(Column::ClaimedBy, Expr::null())
            .col_expr(Column::UpdatedAt, Expr::val(now));
        let update = match settlement {
            Settlement::Settled { status, provider, provider_message_id, reason, refused } => update
                .col_expr(Column::Status, Expr::val(status))
                .col_expr(Column::DueAt, Expr::null())
                .col_expr(Column::Provider, Expr::val(provider))
                .col_expr(Column::ProviderMessageId, Expr::val(provider_message_id))
                .col_expr(Column::Reason, Expr::val(reason))
                .col_expr(Column::Refused, Expr::val(refused)),
            Settlement::Again { due_at, provider, reason } => update
                .col_expr(Column::DueAt, Expr::val(due_at))
                .col_expr(Column::Provider, Expr::val(provider))
                .col_expr(Column::Reason, Expr::val(reason)),
        };
        Ok(update.exec(&self.0).await.doing("settling a delivery")?.rows_affected > 0)
    }

    /// Moves a message on to `status`, as a receipt says, if it stands at one of `before`. None: it does not, and
    /// nothing changed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn advance_delivery(
        &self,
        id: &DeliveryId,
        before: &[DeliveryStatus],
        status: DeliveryStatus,
        reason: Option<String>,
        now: Instant,
    ) -> Result<Option<Model>, Fault> {
        let update = Entity::update_many()
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::Status.is_in(before.iter().copied()))
            .col_expr(Column::Status, Expr::val(status))
            .col_expr(Column::Reason, Expr::val(reason))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        Ok(update.exec_with_returning(&self.0).await.doing("moving a delivery on")?.pop())
    }
}

impl Store {
    /// Claims these messages, as far as they are due and nobody else has.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn claim_deliveries(
        &self,
        ids: Vec<DeliveryId>,
        claimant: &Claimant,
        now: Instant,
    ) -> Result<Vec<Model>, Fault> {
        let named = Condition::all().add(Column::Id.is_in(ids.iter().map(DeliveryId::as_str)));
        self.claim(named, claimant, now).await.doing("claiming deliveries")
    }

    /// Claims up to `most` messages that are due, oldest first; rows that another process is claiming are passed over.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn claim_due_deliveries(
        &self,
        most: u64,
        claimant: &Claimant,
        now: Instant,
    ) -> Result<Vec<Model>, Fault> {
        let mut oldest = Query::select();
        oldest
            .column(Column::Id)
            .from(Entity)
            .cond_where(due(now))
            .order_by(Column::DueAt, sea_orm::Order::Asc)
            .limit(most)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let oldest = Condition::all().add(Column::Id.in_subquery(oldest));
        self.claim(oldest, claimant, now).await.doing("claiming due deliveries")
    }

    async fn claim(&self, which: Condition, claimant: &Claimant, now: Instant) -> Result<Vec<Model>, Fault> {
        let update = Entity::update_many()
            .filter(which)
            .filter(due(now))
            .col_expr(Column::ClaimedBy, Expr::val(claimant.process.as_str()))
            .col_expr(Column::DueAt, Expr::val(now + claimant.lease))
            .col_expr(Column::Tries, Expr::col(Column::Tries).add(1))
            .col_expr(Column::UpdatedAt, Expr::val(now));
        self.write(move |tx| {
            Box::pin(async move {
                let mut rows = update.exec_with_returning(&tx.0).await?;
                rows.sort_by_key(|row| row.created_at);
                Ok(Ending::Commit(rows))
            })
        })
        .await
    }

    /// The message that a provider knows by this id. A service that sends texts and calls (`twilio`) or makes codes
    /// (`twilio-verify`) tells of both under one name.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delivery_of_provider(&self, provider: &str, id: &str) -> Result<Option<DeliveryId>, Fault> {
        let find =
            Entity::find().filter(Column::ProviderMessageId.eq(id)).filter(Column::Provider.starts_with(provider));
        let found = self.within(async { Ok(find.one(self.reader()).await?) }).await;
        Ok(found.doing("reading a delivery by its provider's id")?.map(|row| row.id))
    }

    /// The message with this id.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn delivery(&self, id: &DeliveryId) -> Result<Option<Model>, Fault> {
        let find = Entity::find_by_id(id.clone());
        self.within(async { Ok(find.one(self.reader()).await?) }).await.doing("reading a delivery")
    }

    /// Messages whose claim ran out: whoever held it died between claiming and settling.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn abandoned_deliveries(&self, most: u64, now: Instant) -> Result<Vec<Model>, Fault> {
        let find = Entity::find()
            .filter(Column::DueAt.lte(now))
            .filter(Column::ClaimedBy.is_not_null())
            .order_by_asc(Column::DueAt)
            .limit(most);
        self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("reading abandoned deliveries")
    }
}

/// Due, and nobody's.
fn due(now: Instant) -> Condition {
    Condition::all().add(Column::DueAt.lte(now)).add(Column::ClaimedBy.is_null())
}
