//! Attempts: each provider's word on a message, whether it came as an answer, by receipt or because we asked.

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};

use super::{
    Ending, Store, Tx,
    entity::{
        delivery,
        delivery_attempt::{Column, Entity, Model},
    },
    is_foreign_key_violation,
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::DeliveryId,
    status::{DeliveryFailure, DeliveryStatus},
};

/// A provider took a message.
#[derive(Clone, Debug)]
pub struct Acceptance {
    pub provider: String,
    pub provider_message_id: Option<String>,
    /// When to ask it for the first time what became of the message. None: it tells by itself, or never.
    pub poll_at: Option<Instant>,
}

/// Which attempt a provider tells of.
#[derive(Clone, Debug)]
pub struct Told {
    pub provider: &'static str,
    pub provider_message_id: String,
    /// Where the provider says the delivery's own id back.
    pub delivery: Option<DeliveryId>,
}

/// What a provider tells of an attempt.
#[derive(Clone, Debug)]
pub struct Word {
    pub status: DeliveryStatus,
    /// In the provider's code.
    pub code: Option<String>,
    /// Why it was not delivered.
    pub failure: Option<DeliveryFailure>,
}

impl Tx {
    /// Writes that a provider took a message. A receipt may have come first: what it said stays. None: the message was
    /// erased with its account meanwhile, and the transaction has nothing more to do.
    pub(super) async fn record_acceptance(
        &self,
        id: &DeliveryId,
        by: &Acceptance,
        now: Instant,
    ) -> Result<Option<Model>, Fault> {
        let row = Model {
            provider_message_id: by.provider_message_id.clone(),
            poll_at: by.poll_at,
            ..fresh(id, &by.provider, now)
        };
        let mut conflict = OnConflict::columns([Column::DeliveryId, Column::Provider]);
        conflict.update_columns([Column::ProviderMessageId, Column::PollAt]);
        let insert = Entity::insert(row.into_active_model()).on_conflict(conflict);
        match insert.exec_with_returning(&self.0).await {
            Err(error) if is_foreign_key_violation(&error) => Ok(None),
            recorded => recorded.map(Some).doing("recording who took a delivery"),
        }
    }

    /// The attempt that a provider took last.
    pub(super) async fn newest_attempt(&self, id: &DeliveryId) -> Result<Option<Model>, Fault> {
        let find = Entity::find().filter(Column::DeliveryId.eq(id.as_str())).order_by_desc(Column::AcceptedAt).limit(1);
        find.one(&self.0).await.doing("reading who took a delivery")
    }

    /// The attempt that is told of. One whose provider has not answered yet is written down first, where the provider
    /// names the delivery. None: nothing of ours is known by that name.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn attempt_told_of(&self, told: &Told, now: Instant) -> Result<Option<Model>, Fault> {
        let of_provider = Entity::find().filter(Column::Provider.eq(told.provider));
        let Some(id) = &told.delivery else {
            let named = of_provider.filter(Column::ProviderMessageId.eq(told.provider_message_id.as_str()));
            let newest = named.order_by_desc(Column::AcceptedAt).limit(1);
            return newest.one(&self.0).await.doing("reading an attempt by its provider's id");
        };
        let find = of_provider.filter(Column::DeliveryId.eq(id.as_str()));
        if let Some(known) = find.clone().one(&self.0).await.doing("reading an attempt")? {
            return Ok(Some(known));
        }
        if delivery::Entity::find_by_id(id.clone()).one(&self.0).await.doing("reading a delivery")?.is_none() {
            return Ok(None);
        }
        let row = fresh(id, told.provider, now);
        let untouched = OnConflict::columns([Column::DeliveryId, Column::Provider]).do_nothing().to_owned();
        let insert = Entity::insert(row.into_active_model()).on_conflict(untouched);
        insert.exec_without_returning(&self.0).await.doing("recording an early receipt")?;
        find.one(&self.0).await.doing("reading an attempt")
    }

    /// Moves an attempt on to what is told of it if it stands at one of `before`; that something was told is written in any case.
    /// False: it did not stand there.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn advance_attempt(
        &self,
        attempt: &Model,
        before: &[DeliveryStatus],
        word: Word,
        now: Instant,
    ) -> Result<bool, Fault> {
        let this = || {
            Entity::update_many()
                .filter(Column::DeliveryId.eq(attempt.delivery_id.as_str()))
                .filter(Column::Provider.eq(attempt.provider.as_str()))
                .col_expr(Column::ToldAt, Expr::val(now))
        };
        let moved = this()
            .filter(Column::Status.is_in(before.iter().copied()))
            .col_expr(Column::Status, Expr::val(word.status))
            .col_expr(Column::Code, Expr::val(word.code))
            .col_expr(Column::Failure, Expr::val(word.failure))
            .col_expr(Column::PollAt, Expr::null());
        if moved.exec(&self.0).await.doing("moving an attempt on")?.rows_affected > 0 {
            return Ok(true);
        }
        this().exec(&self.0).await.doing("noting a receipt")?;
        Ok(false)
    }

    /// Whether this is the attempt that a provider took last: what an earlier one's provider gave up says nothing any
    /// more.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn is_newest_attempt(&self, attempt: &Model) -> Result<bool, Fault> {
        let newest = self.newest_attempt(&attempt.delivery_id).await?;
        Ok(newest.is_some_and(|newest| newest.provider == attempt.provider))
    }
}

impl Store {
    /// Who took a message so far, in this order.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn attempts(&self, id: &DeliveryId) -> Result<Vec<Model>, Fault> {
        let find = Entity::find().filter(Column::DeliveryId.eq(id.as_str())).order_by_asc(Column::AcceptedAt);
        self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("reading who took a delivery")
    }

    /// Attempts of `provider` whose time has come to be asked for, those that have waited longest first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn attempts_to_poll(&self, provider: &str, most: u64, now: Instant) -> Result<Vec<Model>, Fault> {
        let find = Entity::find()
            .filter(Column::PollAt.lte(now))
            .filter(Column::Provider.eq(provider))
            .order_by_asc(Column::PollAt)
            .limit(most);
        self.within(async { Ok(find.all(self.reader()).await?) }).await.doing("reading what is to be asked for")
    }

    /// Writes when to ask for an attempt again; none: not any more.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn poll_again(&self, attempt: &Model, poll_at: Option<Instant>) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::DeliveryId.eq(attempt.delivery_id.as_str()))
            .filter(Column::Provider.eq(attempt.provider.as_str()))
            .filter(Column::PollAt.is_not_null())
            .col_expr(Column::Polls, Expr::col(Column::Polls).add(1))
            .col_expr(Column::PollAt, Expr::val(poll_at));
        self.write(move |tx| {
            Box::pin(async move {
                update.exec(&tx.0).await?;
                Ok(Ending::Commit(()))
            })
        })
        .await
        .doing("noting when to ask again")
    }
}

pub(super) fn fresh(id: &DeliveryId, provider: &str, now: Instant) -> Model {
    Model {
        delivery_id: id.clone(),
        provider: provider.to_owned(),
        provider_message_id: None,
        status: DeliveryStatus::Sent,
        code: None,
        failure: None,
        accepted_at: now,
        told_at: None,
        polls: 0,
        poll_at: None,
    }
}
