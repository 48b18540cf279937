//! Delivery attempts: what each provider reported of a message, in its response, by receipt or when polled.

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};

use super::{
    Store, Tx, TxOutcome,
    entity::Mapped,
    entity::{
        delivery,
        delivery_attempt::{Column, Entity},
    },
    is_foreign_key_violation,
    text::Text,
};
use domain::{
    Timestamp,
    delivery::DeliveryAttempt,
    ids::DeliveryId,
    status::{DeliveryFailure, DeliveryStatus},
};
use platform::fault::{Fault, FaultContext};

/// A provider accepted a message.
#[derive(Clone, Debug)]
pub struct Acceptance {
    pub provider: String,
    pub provider_message_id: Option<String>,
    /// When to poll the provider for the first time. None: it sends receipts, or reports nothing.
    pub poll_at: Option<Timestamp>,
}

/// Identifies the attempt that a provider's report is about.
#[derive(Clone, Debug)]
pub struct ProviderReport {
    pub provider: &'static str,
    pub provider_message_id: String,
    /// The delivery's own id, if the provider returns it.
    pub delivery: Option<DeliveryId>,
}

/// The status of an attempt as its provider reported it.
#[derive(Clone, Debug)]
pub struct ReportedStatus {
    pub status: DeliveryStatus,
    /// The provider's code for the reason.
    pub code: Option<String>,
    /// Why the message was not delivered.
    pub failure: Option<DeliveryFailure>,
}

impl Tx {
    /// Records that a provider accepted a message. A receipt may have come first; its status stays. None: the message
    /// was deleted with its account, and there is nothing else to write.
    pub(super) async fn record_acceptance(
        &self,
        id: &DeliveryId,
        by: &Acceptance,
        now: Timestamp,
    ) -> Result<Option<DeliveryAttempt>, Fault> {
        let row = DeliveryAttempt {
            provider_message_id: by.provider_message_id.clone(),
            poll_at: by.poll_at,
            ..fresh(id, &by.provider, now)
        };
        let mut conflict = OnConflict::columns([Column::DeliveryId, Column::Provider]);
        conflict.update_columns([Column::ProviderMessageId, Column::PollAt]);
        let insert = Entity::insert(row.into_active_model()).on_conflict(conflict);
        match insert.exec_with_returning(&self.0).await {
            Err(error) if is_foreign_key_violation(&error) => Ok(None),
            recorded => Ok(Some(recorded.context("recording an accepted delivery")?.into())),
        }
    }

    /// The attempt that was accepted last.
    pub(super) async fn newest_attempt(&self, id: &DeliveryId) -> Result<Option<DeliveryAttempt>, Fault> {
        let find = Entity::find().filter(Column::DeliveryId.eq(id.as_str())).order_by_desc(Column::AcceptedAt).limit(1);
        find.one(&self.0).await.context("reading the newest delivery attempt").mapped()
    }

    /// The attempt that a report is about. If the provider's response has not been recorded yet and the report contains
    /// the delivery id, the attempt is inserted. None: no such message.
    /// # Errors
    /// A fault of the database.
    pub async fn reported_attempt(
        &self,
        report: &ProviderReport,
        now: Timestamp,
    ) -> Result<Option<DeliveryAttempt>, Fault> {
        let of_provider = Entity::find().filter(Column::Provider.eq(report.provider));
        let Some(id) = &report.delivery else {
            let named = of_provider.filter(Column::ProviderMessageId.eq(report.provider_message_id.as_str()));
            let newest = named.order_by_desc(Column::AcceptedAt).limit(1);
            return newest.one(&self.0).await.context("reading an attempt by its provider's id").mapped();
        };
        let find = of_provider.filter(Column::DeliveryId.eq(id.as_str()));
        if let Some(known) = find.clone().one(&self.0).await.context("reading an attempt")? {
            return Ok(Some(known.into()));
        }
        if delivery::Entity::find_by_id(id.clone()).one(&self.0).await.context("reading a delivery")?.is_none() {
            return Ok(None);
        }
        let row = fresh(id, report.provider, now);
        let untouched = OnConflict::columns([Column::DeliveryId, Column::Provider]).do_nothing().to_owned();
        let insert = Entity::insert(row.into_active_model()).on_conflict(untouched);
        insert.exec_without_returning(&self.0).await.context("recording an early receipt")?;
        find.one(&self.0).await.context("reading an attempt").mapped()
    }

    /// Sets an attempt to the reported status if its status is one of `before`; the time of the report is recorded in
    /// any case. False: its status was another.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn advance_attempt(
        &self,
        attempt: &DeliveryAttempt,
        before: &[DeliveryStatus],
        reported: ReportedStatus,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let this = || {
            Entity::update_many()
                .filter(Column::DeliveryId.eq(attempt.delivery_id.as_str()))
                .filter(Column::Provider.eq(attempt.provider.as_str()))
                .col_expr(Column::ReportedAt, Expr::val(now))
        };
        let moved = this()
            .filter(Column::Status.is_in(before.iter().copied().map(Text)))
            .col_expr(Column::Status, Expr::val(Text(reported.status)))
            .col_expr(Column::Code, Expr::val(reported.code))
            .col_expr(Column::Failure, Expr::val(reported.failure.map(Text)))
            .col_expr(Column::PollAt, Expr::null());
        if moved.exec(&self.0).await.context("advancing a delivery attempt")?.rows_affected > 0 {
            return Ok(true);
        }
        this().exec(&self.0).await.context("recording a receipt")?;
        Ok(false)
    }

    /// Whether this is the attempt that was accepted last: failures of earlier attempts are then irrelevant.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn is_newest_attempt(&self, attempt: &DeliveryAttempt) -> Result<bool, Fault> {
        let newest = self.newest_attempt(&attempt.delivery_id).await?;
        Ok(newest.is_some_and(|newest| newest.provider == attempt.provider))
    }
}

impl Store {
    /// The attempts of a message, in order of acceptance.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn attempts(&self, id: &DeliveryId) -> Result<Vec<DeliveryAttempt>, Fault> {
        let find = Entity::find().filter(Column::DeliveryId.eq(id.as_str())).order_by_asc(Column::AcceptedAt);
        self.with_timeout(async { Ok(find.all(self.reader()).await?) })
            .await
            .context("reading delivery attempts")
            .mapped()
    }

    /// Attempts of `provider` that are due for polling, oldest first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn attempts_to_poll(
        &self,
        provider: &str,
        most: u64,
        now: Timestamp,
    ) -> Result<Vec<DeliveryAttempt>, Fault> {
        let find = Entity::find()
            .filter(Column::PollAt.lte(now))
            .filter(Column::Provider.eq(provider))
            .order_by_asc(Column::PollAt)
            .limit(most);
        self.with_timeout(async { Ok(find.all(self.reader()).await?) })
            .await
            .context("reading attempts to poll")
            .mapped()
    }

    /// Sets when to poll an attempt again; None: never.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn schedule_poll(&self, attempt: &DeliveryAttempt, poll_at: Option<Timestamp>) -> Result<(), Fault> {
        let update = Entity::update_many()
            .filter(Column::DeliveryId.eq(attempt.delivery_id.as_str()))
            .filter(Column::Provider.eq(attempt.provider.as_str()))
            .filter(Column::PollAt.is_not_null())
            .col_expr(Column::Polls, Expr::col(Column::Polls).add(1))
            .col_expr(Column::PollAt, Expr::val(poll_at));
        self.write(move |tx| {
            Box::pin(async move {
                update.exec(&tx.0).await?;
                Ok(TxOutcome::Commit(()))
            })
        })
        .await
        .context("recording the next poll")
    }
}

pub(super) fn fresh(id: &DeliveryId, provider: &str, now: Timestamp) -> DeliveryAttempt {
    DeliveryAttempt {
        delivery_id: id.clone(),
        provider: provider.to_owned(),
        provider_message_id: None,
        status: DeliveryStatus::Sent,
        code: None,
        failure: None,
        accepted_at: now,
        reported_at: None,
        polls: 0,
        poll_at: None,
    }
}
