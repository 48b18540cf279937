//! All that judging a guess writes, at once: the attempt and how it ends, the contact's count, the trail, the proof.

use sea_orm::{
    Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, IntoActiveModel, Iterable, QueryTrait,
    sea_query::{Expr, InsertStatement, LockType, Query, SelectStatement, WithClause},
};

use super::{
    Backend, Ending, Reserved, Store, Tx, UsageLimits,
    audit::entry,
    contact_usage,
    entity::{
        account::AccountStatus,
        audit, proof,
        verification::{Column, Entity, Model},
    },
    together::{insert_for_each, part},
    verification,
};
use crate::{
    clock::Instant,
    fault::{Doing, Fault},
    ids::{AccountId, VerificationId},
    status::Status,
    telemetry::audit::Event,
};

/// A guess that was compared, and what is written of it if its attempt was there to be taken.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub verification: VerificationId,
    /// What the contact's guesses are counted by.
    pub usage_key: String,
    /// The contact's guesses of the day. None: they are not counted, or were before.
    pub limits: Option<UsageLimits>,
    /// The attempt was taken before.
    pub taken: bool,
    /// What a right guess is exchanged for. None: the guess is wrong.
    pub proof: Option<proof::Model>,
    /// Whom a right guess activates.
    pub activation: Option<Activation>,
    pub event: Event,
    /// What stands in the trail besides where a wrong guess was the last one.
    pub locked: Event,
}

/// An account that waits for its address to be proved. Its proof is spent by that.
#[derive(Clone, Debug)]
pub struct Activation {
    pub account: AccountId,
    pub email_key: String,
    pub status: AccountStatus,
}

impl Store {
    /// Judges a guess and says how its verification stands then. None: nothing was written, because it is over or
    /// because its contact's guesses of the day are used up.
    ///
    /// On PostgreSQL this is one statement where nothing has to be read in between: one round trip in place of six
    /// (`together`).
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn judge(&self, judgement: Judgement, now: Instant) -> Result<Option<Model>, Fault> {
        if let Backend::Postgres(db) = &self.backend
            && judgement.activation.is_none()
            && !judgement.taken
        {
            let statement = judgement.statement(now)?;
            let judged = self.within(async { Ok(db.query_one(&statement).await?) }).await.doing("judging a guess")?;
            return Ok(judged.map(|row| Model::from_query_result(&row, "")).transpose()?);
        }
        self.write(move |tx| {
            Box::pin(async move {
                Ok(match judgement.write(tx, now).await? {
                    Some(judged) => Ending::Commit(Some(judged)),
                    None => Ending::Rollback(None),
                })
            })
        })
        .await
    }
}

/// The verification, locked, if it can be guessed at.
const OPEN: &str = "open";
/// There only if the guess was counted.
const COUNTED: &str = "counted";
/// How the verification stands after it.
const JUDGED: &str = "judged";

impl Judgement {
    fn statement(self, now: Instant) -> Result<SelectStatement, Fault> {
        let open = Query::select()
            .column(Column::Id)
            .from(Entity)
            .cond_where(verification::open(&self.verification, now))
            .lock(LockType::NoKeyUpdate)
            .to_owned();
        let mut parts = WithClause::new().cte(part(OPEN, open)).to_owned();
        let follows = match self.limits {
            Some(limits) => {
                parts.cte(part(COUNTED, contact_usage::count_guess_if(OPEN, &self.usage_key, limits)?));
                COUNTED
            }
            None => OPEN,
        };
        let right = self.proof.is_some();
        let judging = verification::in_sequence(verification::judging(&self.verification, right, now), now);
        let judging = judging
            .into_query()
            .and_where(Expr::exists(Query::select().expr(Expr::val(1)).from(follows).to_owned()))
            .returning(Query::returning().columns(Column::iter()))
            .to_owned();
        parts.cte(part(JUDGED, judging)).cte(part("noted", if_judged::<audit::Entity>(entry(&self.event))?));
        match self.proof {
            Some(proof) => parts.cte(part("proved", if_judged::<proof::Entity>(proof.into_active_model())?)),
            None => {
                let locked = Expr::col((JUDGED, Column::Status)).eq(Status::Locked);
                let noted = insert_for_each::<audit::Entity>(JUDGED, locked, entry(&self.locked))?;
                parts.cte(part("noted_locked", noted))
            }
        };
        Ok(Query::select().with_cte(parts).columns(Column::iter()).from(JUDGED).to_owned())
    }

    async fn write(self, tx: &Tx, now: Instant) -> Result<Option<Model>, Fault> {
        let right = self.proof.is_some();
        let judged = match self.taken {
            true => tx.judge_taken_attempt(&self.verification, right, now).await?,
            false => tx.judge_attempt(&self.verification, right, now).await?,
        };
        let Some(judged) = judged else { return Ok(None) };
        if let Some(limits) = self.limits
            && tx.reserve_guess(&self.usage_key, limits).await? == Reserved::Refused
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
                tx.insert_proof(proof::Model { spent_at: activated.then_some(now), ..proof }).await?;
            }
            None if judged.status == Status::Locked => tx.insert_audit(&self.locked).await?,
            None => {}
        }
        Ok(Some(judged))
    }
}

fn if_judged<E: EntityTrait>(row: E::ActiveModel) -> Result<InsertStatement, Fault> {
    insert_for_each::<E>(JUDGED, Condition::all(), row)
}
