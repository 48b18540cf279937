//! Providers that make codes keep one open verification of a number: a second start there joins it. So at most one of our
//! verifications may use it at a time, whichever process starts the next.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, OnConflict, Query},
};

use super::{
    Ending, Store, Tx,
    entity::{
        provider_verification::{ActiveModel, Column, Entity, Model},
        verification,
    },
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::VerificationId,
    status::Status,
};

/// How long a verification stays open at the provider whose answer was lost, so that it can't be canceled there.
pub const OPEN_FOR: Duration = Duration::from_secs(10 * 60);
/// How long an answer of the provider may still come.
const ANSWER: Duration = Duration::from_secs(30);

/// A number at a provider.
#[derive(Clone, Debug)]
pub struct Slot {
    pub provider: String,
    pub contact_key: String,
}

/// Whether a verification may use the slot of its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It may, and no other may while it is pending.
    Granted(Model),
    /// Another one uses it until then at the latest.
    Taken { by: VerificationId, until: Instant },
}

/// What has to happen before the provider is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: it is noted that the provider is asked. `anew`: it was not asked for this verification before.
    Ask { anew: bool },
    /// The verification of another one has to be canceled at the provider first.
    Cancel { reference: String },
    /// The answer to another one's question is still to come.
    Wait,
    /// Another one uses it.
    Taken,
}

impl Tx {
    /// Takes the slot of a number for a verification that expires at `expires_at`, if no other one uses it. The row's lock
    /// makes judging and taking one step.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn hold_slot(
        &self,
        slot: &Slot,
        id: &VerificationId,
        expires_at: Instant,
        now: Instant,
    ) -> Result<Holding, Fault> {
        let row = ActiveModel {
            provider: Set(slot.provider.clone()),
            contact_key: Set(slot.contact_key.clone()),
            verification_id: Set(id.clone()),
            expires_at: Set(expires_at),
            asked_for: Set(None),
            asked_at: Set(None),
            reference: Set(None),
            changed_at: Set(now),
        };
        let mut conflict = OnConflict::columns([Column::Provider, Column::ContactKey]);
        conflict
            .update_columns([Column::VerificationId, Column::ExpiresAt, Column::ChangedAt])
            .action_cond_where(free_for(id, now));
        let insert = Entity::insert(row).on_conflict(conflict);
        let taken = insert.exec_with_returning_many(&self.0).await.doing("taking a number at a provider")?.pop();
        if let Some(row) = taken {
            return Ok(Holding::Granted(row));
        }
        let find = Entity::find_by_id((slot.provider.clone(), slot.contact_key.clone()));
        let row = find.one(&self.0).await.doing("reading who uses a number at a provider")?;
        let row = row.ok_or_else(|| Fault::internal("a row that stood in the way is gone"))?;
        // As long as the other one may be pending nothing is said of what the provider answered: of an unknown account
        // it was not asked.
        let until = match row.asked_at {
            Some(asked_at) if row.expires_at <= now => asked_at + OPEN_FOR,
            _ => row.expires_at,
        };
        Ok(Holding::Taken { by: row.verification_id, until })
    }

    /// Notes that the provider is about to be asked for this verification, or says what stands against it.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn begin_asking(
        &self,
        slot: &Slot,
        id: &VerificationId,
        expires_at: Instant,
        canceled: Option<&str>,
        now: Instant,
    ) -> Result<Begun, Fault> {
        let Holding::Granted(row) = self.hold_slot(slot, id, expires_at, now).await? else { return Ok(Begun::Taken) };
        let anew = row.asked_for.as_ref() != Some(id);
        let before = row.asked_for.is_some() && anew;
        if before {
            let lapsed = row.asked_at.is_none_or(|asked_at| asked_at + OPEN_FOR <= now);
            match row.reference {
                Some(reference) if canceled != Some(reference.as_str()) => return Ok(Begun::Cancel { reference }),
                None if !lapsed => return Ok(Begun::Wait),
                _ => {}
            }
        }
        let asked =
            of(slot).col_expr(Column::AskedFor, Expr::val(id.as_str())).col_expr(Column::AskedAt, Expr::val(now));
        let asked = if anew { asked.col_expr(Column::Reference, Expr::null()) } else { asked };
        asked.exec(&self.0).await.doing("noting that a provider is asked for a code")?;
        Ok(Begun::Ask { anew })
    }

    /// Writes what the provider calls the verification that it was asked for.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn note_reference(
        &self,
        slot: &Slot,
        id: &VerificationId,
        reference: &str,
        now: Instant,
    ) -> Result<(), Fault> {
        // Another message of the same verification may have said meanwhile that nothing is open.
        let cleared = Condition::all().add(Column::AskedFor.is_null()).add(Column::VerificationId.eq(id.as_str()));
        let update = of(slot)
            .filter(Condition::any().add(Column::AskedFor.eq(id.as_str())).add(cleared))
            .col_expr(Column::AskedFor, Expr::val(id.as_str()))
            .col_expr(Column::AskedAt, Expr::val(now))
            .col_expr(Column::Reference, Expr::val(reference));
        update.exec(&self.0).await.doing("noting what a provider calls a verification")?;
        Ok(())
    }
}

impl Store {
    /// [`Tx::begin_asking`] in a transaction of its own.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn begin_asking(
        &self,
        slot: &Slot,
        id: &VerificationId,
        expires_at: Instant,
        canceled: Option<String>,
        now: Instant,
    ) -> Result<Begun, Fault> {
        let (slot, id) = (slot.clone(), id.clone());
        self.write(move |tx| {
            Box::pin(async move {
                Ok(Ending::Commit(tx.begin_asking(&slot, &id, expires_at, canceled.as_deref(), now).await?))
            })
        })
        .await
    }

    /// Notes that nothing is open at the provider for this verification: it took nothing, or it is over there.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn nothing_open(&self, slot: &Slot, id: &VerificationId) -> Result<(), Fault> {
        let update = of(slot)
            .filter(Column::AskedFor.eq(id.as_str()))
            .col_expr(Column::AskedFor, Expr::null())
            .col_expr(Column::AskedAt, Expr::null())
            .col_expr(Column::Reference, Expr::null());
        self.write(move |tx| {
            Box::pin(async move {
                update.exec(&tx.0).await?;
                Ok(Ending::Commit(()))
            })
        })
        .await
        .doing("noting that nothing is open at a provider")
    }
}

fn of(slot: &Slot) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(Column::Provider.eq(slot.provider.as_str()))
        .filter(Column::ContactKey.eq(slot.contact_key.as_str()))
}

/// Its own; or of one that is over, and can be canceled at the provider or is over there.
fn free_for(id: &VerificationId, now: Instant) -> Condition {
    let held = |column| Expr::col((Entity, column));
    // A verification that another transaction is writing can't be seen yet, so it counts as pending.
    let ended = Query::select()
        .expr(Expr::val(1))
        .from(verification::Entity)
        .and_where(Expr::col((verification::Entity, verification::Column::Id)).eq(held(Column::VerificationId)))
        .cond_where(
            Condition::any()
                .add(Expr::col((verification::Entity, verification::Column::Status)).ne(Status::Pending))
                .add(Expr::col((verification::Entity, verification::Column::ExpiresAt)).lte(now)),
        )
        .to_owned();
    let over = Condition::any().add(held(Column::ExpiresAt).lte(now)).add(Expr::exists(ended));
    let answered = Condition::any()
        .add(held(Column::AskedAt).is_null())
        .add(held(Column::Reference).is_not_null())
        .add(held(Column::AskedAt).lte(now - OPEN_FOR))
        .add(held(Column::AskedAt).gt(now - ANSWER));
    Condition::any().add(held(Column::VerificationId).eq(id.as_str())).add(Condition::all().add(over).add(answered))
}
