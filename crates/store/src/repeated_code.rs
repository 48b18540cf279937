//! A code that is submitted again after its verification was verified: counted like any other guess; the
//! response is the existing proof.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, Iterable, QueryFilter,
    QueryTrait, UpdateMany,
    sea_query::{Expr, LockType, Query, SelectStatement, WithClause},
};

use super::{
    Backend, Reservation, Store, TxOutcome, UsageLimits,
    combined_statement::cte,
    contact_usage,
    entity::Mapped,
    entity::{
        proof,
        verification::{Column, Entity},
    },
    text::Text,
};
use domain::{Timestamp, ids::VerificationId, proof::Proof, status::Status};
use platform::fault::{Fault, FaultContext};

/// A guess for a verified verification.
#[derive(Clone, Debug)]
pub struct RepeatedCode {
    pub verification: VerificationId,
    /// Only if it was verified after this time.
    pub since: Timestamp,
    pub usage_key: String,
    /// The daily limit of the contact's guesses. None: they are not counted.
    pub limits: Option<UsageLimits>,
}

/// The verification, locked, if the code may be submitted again.
const OPEN: &str = "open";
/// Has a row only if the guess was counted.
const COUNTED: &str = "counted";
/// Has a row only if the attempt was counted.
const ATTEMPTED: &str = "attempted";

impl Store {
    /// Counts an attempt, right or wrong, and returns the proof of the verification, so that the caller can compare.
    /// None: the proof is spent, the verification is too old or has no attempts left, or the contact's daily guesses
    /// are used up.
    ///
    /// On PostgreSQL this is one statement (`combined_statement`).
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn repeat_proof(&self, repeat: RepeatedCode, now: Timestamp) -> Result<Option<Proof>, Fault> {
        if let Backend::Postgres(db) = &self.backend {
            let statement = repeat.statement(now)?;
            let proof =
                self.with_timeout(async { Ok(db.query_one(&statement).await?) }).await.context("repeating a proof")?;
            return Ok(proof.map(|row| proof::Model::from_query_result(&row, "")).transpose()?.mapped());
        }
        self.write(move |tx| {
            Box::pin(async move {
                if repeat.counting(now).exec(&tx.0).await.context("counting a repeated code")?.rows_affected == 0 {
                    return Ok(TxOutcome::Rollback(None));
                }
                if let Some(limits) = repeat.limits
                    && tx.reserve_guess(&repeat.usage_key, limits).await? == Reservation::Refused
                {
                    return Ok(TxOutcome::Rollback(None));
                }
                let find = proof::Entity::find().filter(repeat.unspent(now));
                Ok(TxOutcome::Commit(find.one(&tx.0).await.context("reading a proof").mapped()?))
            })
        })
        .await
    }
}

impl RepeatedCode {
    fn statement(&self, now: Timestamp) -> Result<SelectStatement, Fault> {
        let open = Query::select()
            .column(Column::Id)
            .from(Entity)
            .cond_where(self.open(now))
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
        let attempted = self
            .counting(now)
            .into_query()
            .and_where(exists_in(source))
            .returning(Query::returning().column(Column::Id))
            .to_owned();
        ctes.cte(cte(ATTEMPTED, attempted));
        Ok(Query::select()
            .with_cte(ctes)
            .columns(proof::Column::iter())
            .from(proof::Entity)
            .cond_where(self.unspent(now))
            .and_where(exists_in(ATTEMPTED))
            .to_owned())
    }

    fn counting(&self, now: Timestamp) -> UpdateMany<Entity> {
        let update = Entity::update_many().filter(self.open(now));
        update.col_expr(Column::Repeats, Expr::col(Column::Repeats).add(1))
    }

    fn open(&self, now: Timestamp) -> Condition {
        let proof = Query::select().expr(Expr::val(1)).from(proof::Entity).cond_where(self.unspent(now)).to_owned();
        Condition::all()
            .add(Column::Id.eq(self.verification.as_str()))
            .add(Column::Status.eq(Text(Status::Verified)))
            .add(Column::EndedAt.gt(self.since))
            .add(Expr::col(Column::Repeats).lt(Expr::col(Column::MaxAttempts)))
            .add(Expr::exists(proof))
    }

    fn unspent(&self, now: Timestamp) -> Condition {
        use proof::Column;
        Condition::all()
            .add(Column::VerificationId.eq(self.verification.as_str()))
            .add(Column::SpentAt.is_null())
            .add(Column::ExpiresAt.gt(now))
    }
}

fn exists_in(part: &'static str) -> Expr {
    Expr::exists(Query::select().expr(Expr::val(1)).from(part).to_owned())
}
