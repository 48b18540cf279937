//! Slots: a provider that generates codes keeps one open verification per recipient, and a second start joins it. At most
//! one of our verifications may use it at a time, across processes.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, OnConflict, Query},
};

use super::{
    Store, Tx, TxOutcome,
    entity::{
        provider_verification::{ActiveModel, Column, Entity, Model},
        verification,
    },
    text::Text,
};
use domain::{Timestamp, ids::VerificationId, status::Status};
use platform::fault::{Fault, FaultContext};

/// How long a verification stays open at the provider if its response was lost, so that it can't be canceled.
pub const OPEN_FOR: Duration = Duration::from_secs(10 * 60);
/// How long a response of the provider may be outstanding.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The slot of a recipient at a provider.
#[derive(Clone, Debug)]
pub struct Slot {
    pub provider: String,
    pub contact_key: String,
}

/// Result of claiming a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotClaim {
    /// The verification has the slot while it is pending.
    Granted,
    /// Another verification has the slot, at most until then.
    Taken { by: VerificationId, until: Timestamp },
}

/// The next step before a provider is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartStep {
    /// Call the provider; the call is recorded. `first`: it was not called for this verification before.
    Start { first: bool },
    /// Cancel the verification with this reference at the provider first.
    Cancel { reference: String },
    /// The provider's response for another verification is outstanding.
    Wait,
    /// Another verification has the slot.
    Taken,
}

impl Tx {
    /// Claims a slot for a verification that expires at `expires_at`, if no other verification has it. Atomic: the
    /// condition is evaluated under the row lock.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn claim_slot(
        &self,
        slot: &Slot,
        id: &VerificationId,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<SlotClaim, Fault> {
        Ok(self.claim(slot, id, expires_at, now).await?.map_or_else(|taken| taken, |_| SlotClaim::Granted))
    }

    /// The row of the claimed slot, or the verification that has the slot.
    async fn claim(
        &self,
        slot: &Slot,
        id: &VerificationId,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Result<Model, SlotClaim>, Fault> {
        let row = ActiveModel {
            provider: Set(slot.provider.clone()),
            contact_key: Set(slot.contact_key.clone()),
            verification_id: Set(Text(id.clone())),
            expires_at: Set(expires_at),
            started_for: Set(None),
            started_at: Set(None),
            reference: Set(None),
            changed_at: Set(now),
        };
        let mut conflict = OnConflict::columns([Column::Provider, Column::ContactKey]);
        conflict
            .update_columns([Column::VerificationId, Column::ExpiresAt, Column::ChangedAt])
            .action_cond_where(is_free_for(id, now));
        let insert = Entity::insert(row).on_conflict(conflict);
        let taken = insert.exec_with_returning_many(&self.0).await.context("claiming a slot at a provider")?.pop();
        if let Some(row) = taken {
            return Ok(Ok(row));
        }
        let find = Entity::find_by_id((slot.provider.clone(), slot.contact_key.clone()));
        let row = find.one(&self.0).await.context("reading a slot at a provider")?;
        let row = row.ok_or_else(|| Fault::internal("the conflicting slot was deleted"))?;
        // While the other verification may be pending, the time does not depend on the provider's response: the provider
        // is not called for an unknown account.
        let until = match row.started_at {
            Some(started_at) if row.expires_at <= now => started_at + OPEN_FOR,
            _ => row.expires_at,
        };
        Ok(Err(SlotClaim::Taken { by: row.verification_id.0, until }))
    }

    /// Records that the provider is called for this verification, or returns the step that has to come first.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn begin_start(
        &self,
        slot: &Slot,
        id: &VerificationId,
        expires_at: Timestamp,
        canceled: Option<&str>,
        now: Timestamp,
    ) -> Result<StartStep, Fault> {
        let Ok(row) = self.claim(slot, id, expires_at, now).await? else {
            return Ok(StartStep::Taken);
        };
        let first = row.started_for.as_ref().map(|started| &started.0) != Some(id);
        let has_previous = row.started_for.is_some() && first;
        if has_previous {
            let lapsed = row.started_at.is_none_or(|started_at| started_at + OPEN_FOR <= now);
            match row.reference {
                Some(reference) if canceled != Some(reference.as_str()) => return Ok(StartStep::Cancel { reference }),
                None if !lapsed => return Ok(StartStep::Wait),
                _ => {}
            }
        }
        let update = update_of(slot)
            .col_expr(Column::StartedFor, Expr::val(id.as_str()))
            .col_expr(Column::StartedAt, Expr::val(now));
        let update = if first { update.col_expr(Column::Reference, Expr::null()) } else { update };
        update.exec(&self.0).await.context("recording a call to a provider that generates codes")?;
        Ok(StartStep::Start { first })
    }

    /// Records the provider's reference for a verification.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn record_reference(
        &self,
        slot: &Slot,
        id: &VerificationId,
        reference: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        // Another message of the same verification may have released the slot in the meantime.
        let cleared = Condition::all().add(Column::StartedFor.is_null()).add(Column::VerificationId.eq(id.as_str()));
        let update = update_of(slot)
            .filter(Condition::any().add(Column::StartedFor.eq(id.as_str())).add(cleared))
            .col_expr(Column::StartedFor, Expr::val(id.as_str()))
            .col_expr(Column::StartedAt, Expr::val(now))
            .col_expr(Column::Reference, Expr::val(reference));
        update.exec(&self.0).await.context("recording a verification reference of a provider")?;
        Ok(())
    }
}

impl Store {
    /// [`Tx::begin_start`] in a transaction of its own.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn begin_start(
        &self,
        slot: &Slot,
        id: &VerificationId,
        expires_at: Timestamp,
        canceled: Option<String>,
        now: Timestamp,
    ) -> Result<StartStep, Fault> {
        let (slot, id) = (slot.clone(), id.clone());
        self.write(move |tx| {
            Box::pin(async move {
                Ok(TxOutcome::Commit(tx.begin_start(&slot, &id, expires_at, canceled.as_deref(), now).await?))
            })
        })
        .await
    }

    /// Records that no verification is open at the provider: nothing was sent.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn release_slot(&self, slot: &Slot, id: &VerificationId) -> Result<(), Fault> {
        let update = update_of(slot)
            .filter(Column::StartedFor.eq(id.as_str()))
            .col_expr(Column::StartedFor, Expr::null())
            .col_expr(Column::StartedAt, Expr::null())
            .col_expr(Column::Reference, Expr::null());
        self.write(move |tx| {
            Box::pin(async move {
                update.exec(&tx.0).await?;
                Ok(TxOutcome::Commit(()))
            })
        })
        .await
        .context("releasing a slot at a provider")
    }
}

fn update_of(slot: &Slot) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Provider.eq(slot.provider.as_str()))
        .filter(Column::ContactKey.eq(slot.contact_key.as_str()))
}

/// A slot can be claimed by the verification that has it, or if the verification that has it is over and can be canceled
/// at the provider or has expired there.
fn is_free_for(id: &VerificationId, now: Timestamp) -> Condition {
    let existing = |column| Expr::col((Entity, column));
    // A verification of an uncommitted transaction is not visible, so it counts as pending.
    let ended = Query::select()
        .expr(Expr::val(1))
        .from(verification::Entity)
        .and_where(Expr::col((verification::Entity, verification::Column::Id)).eq(existing(Column::VerificationId)))
        .cond_where(
            Condition::any()
                .add(Expr::col((verification::Entity, verification::Column::Status)).ne(Text(Status::Pending)))
                .add(Expr::col((verification::Entity, verification::Column::ExpiresAt)).lte(now)),
        )
        .to_owned();
    let over = Condition::any().add(existing(Column::ExpiresAt).lte(now)).add(Expr::exists(ended));
    let answered = Condition::any()
        .add(existing(Column::StartedAt).is_null())
        .add(existing(Column::Reference).is_not_null())
        .add(existing(Column::StartedAt).lte(now - OPEN_FOR))
        .add(existing(Column::StartedAt).gt(now - RESPONSE_TIMEOUT));
    Condition::any().add(existing(Column::VerificationId).eq(id.as_str())).add(Condition::all().add(over).add(answered))
}
