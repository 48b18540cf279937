//! All writes of a code check, in one statement: the attempt and its result, the contact's usage, the audit trail, the
//! proof.

use sea_orm::{
    Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, IntoActiveModel, Iterable, QueryTrait,
    sea_query::{Expr, InsertStatement, LockType, Query, SelectStatement, WithClause},
};

use super::{
    Backend, Reservation, Store, Tx, TxOutcome, UsageLimits,
    audit::entry,
    combined_statement::{cte, insert_for_each},
    contact_usage,
    entity::Mapped,
    entity::{
        audit, proof,
        verification::{Column, Entity, Model},
    },
    text::Text,
    verification,
};
use domain::{
    Timestamp,
    account::AccountStatus,
    ids::{AccountId, VerificationId},
    proof::Proof,
    status::Status,
    verification::Verification,
};
use platform::{
    fault::{Fault, FaultContext},
    telemetry::audit::Event,
};

/// A checked guess, and the rows to write if an attempt was left.
#[derive(Clone, Debug)]
pub struct AttemptResult {
    pub verification: VerificationId,
    /// The key that the contact's guesses are counted by.
    pub usage_key: String,
    /// The daily limit of the contact's guesses. None: they are not counted, or were counted before.
    pub limits: Option<UsageLimits>,
    /// The attempt was reserved before.
    pub attempt_reserved: bool,
    /// The proof for a right guess. None: the guess is wrong.
    pub proof: Option<Proof>,
    /// The account that a right guess activates.
    pub activation: Option<Activation>,
    pub event: Event,
    /// The additional audit entry if a wrong guess was the last one.
    pub locked: Event,
}

/// An account that is pending verification of its address. The activation spends the proof.
#[derive(Clone, Debug)]
pub struct Activation {
    pub account: AccountId,
    pub email_key: String,
    pub status: AccountStatus,
}

impl Store {
    /// Writes the result of a guess and returns the verification after it. None: nothing was written, because the
    /// verification has ended or the contact's daily guesses are used up.
    ///
    /// On PostgreSQL this is one statement if nothing has to be read in between: one round trip instead of six
    /// (`combined_statement`).
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn write_attempt_result(
        &self,
        result: AttemptResult,
        now: Timestamp,
    ) -> Result<Option<Verification>, Fault> {
        if let Backend::Postgres(db) = &self.backend
            && result.activation.is_none()
            && !result.attempt_reserved
        {
            let statement = result.statement(now)?;
            let checked = self
                .with_timeout(async { Ok(db.query_one(&statement).await?) })
                .await
                .context("writing a code check")?;
            return Ok(checked.map(|row| Model::from_query_result(&row, "")).transpose()?.mapped());
        }
        self.write(move |tx| {
            Box::pin(async move {
                Ok(match result.write(tx, now).await? {
                    Some(checked) => TxOutcome::Commit(Some(checked)),
                    None => TxOutcome::Rollback(None),
                })
            })
        })
        .await
    }
}

/// The verification, locked, if it has an attempt left.
const OPEN: &str = "open";
/// Has a row only if the guess was counted.
const COUNTED: &str = "counted";
/// The verification after the attempt.
const CHECKED: &str = "checked";

impl AttemptResult {
    fn statement(self, now: Timestamp) -> Result<SelectStatement, Fault> {
        let open = Query::select()
            .column(Column::Id)
            .from(Entity)
            .cond_where(verification::open(&self.verification, now))
            .lock(LockType::NoKeyUpdate)
            .to_owned();
        let mut ctes = WithClause::new().cte(cte(OPEN, open)).to_owned();
        let source = match self.limits {
            Some(limits) => {
                ctes.cte(cte(COUNTED, contact_usage::count_guess_if(OPEN, &self.usage_key, limits)?));
                COUNTED
            }
            None => OPEN,
        };
        let right = self.proof.is_some();
        let update = verification::in_sequence(verification::attempt_update(&self.verification, right, now), now);
        let update = update
            .into_query()
            .and_where(Expr::exists(Query::select().expr(Expr::val(1)).from(source).to_owned()))
            .returning(Query::returning().columns(Column::iter()))
            .to_owned();
        ctes.cte(cte(CHECKED, update)).cte(cte("noted", if_checked::<audit::Entity>(entry(&self.event))?));
        match self.proof {
            Some(proof) => ctes.cte(cte("proved", if_checked::<proof::Entity>(proof.into_active_model())?)),
            None => {
                let locked = Expr::col((CHECKED, Column::Status)).eq(Text(Status::Locked));
                let noted = insert_for_each::<audit::Entity>(CHECKED, locked, entry(&self.locked))?;
                ctes.cte(cte("noted_locked", noted))
            }
        };
        Ok(Query::select().with_cte(ctes).columns(Column::iter()).from(CHECKED).to_owned())
    }

    async fn write(self, tx: &Tx, now: Timestamp) -> Result<Option<Verification>, Fault> {
        let right = self.proof.is_some();
        let checked = match self.attempt_reserved {
            true => tx.record_reserved_attempt(&self.verification, right, now).await?,
            false => tx.record_attempt(&self.verification, right, now).await?,
        };
        let Some(checked) = checked else { return Ok(None) };
        if let Some(limits) = self.limits
            && tx.reserve_guess(&self.usage_key, limits).await? == Reservation::Refused
        {
            return Ok(None);
        }
        tx.insert_audit(&self.event).await?;
        match self.proof {
            Some(proof) => {
                let activated = match self.activation {
                    Some(Activation { account, email_key, status }) => {
                        tx.activate_account(&account, &email_key, status, now).await?
                    }
                    None => false,
                };
                tx.insert_proof(Proof { spent_at: activated.then_some(now), ..proof }).await?;
            }
            None if checked.status == Status::Locked => tx.insert_audit(&self.locked).await?,
            None => {}
        }
        Ok(Some(checked))
    }
}

fn if_checked<E: EntityTrait>(row: E::ActiveModel) -> Result<InsertStatement, Fault> {
    insert_for_each::<E>(CHECKED, Condition::all(), row)
}
