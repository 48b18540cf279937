//! Guesses at a code that a provider made: counted here first, within our own bounds and expiry, then judged there.
//!
//! The provider is asked outside any transaction, so there are two: one takes the attempt, the other writes what the
//! provider said. A process that dies in between leaves an attempt that was taken and never judged: nobody gains by it.

use super::{
    Confirmation, Parts, ProofToken, Verifications,
    confirm::proof_row,
};
use crate::{
    clock::Instant,
    code,
    delivery::provider::{CheckOutcome, CodeChecker},
    fault::Fault,
    store::{Ending, Reserved, Tx, UsageLimits, entity::verification::Model},
    telemetry::metrics,
};

/// Who judges, and what they call the verification.
struct Judge<'a> {
    name: &'static str,
    checker: &'a dyn CodeChecker,
    reference: &'a str,
}

enum Attempt {
    Taken(Box<Model>),
    /// The contact's guesses of the day are used up.
    UsedUp,
    Over,
}

/// What a decoy is called when its checker is asked, so that a guess at it takes as long as any other.
const NOBODY: &str = "VE00000000000000000000000000000000";

impl Verifications {
    /// Judges a guess where a provider made the code. None: the code is ours.
    pub(super) async fn confirm_checked(
        &self,
        row: &Model,
        guess: &str,
        now: Instant,
    ) -> Result<Option<Confirmation>, Fault> {
        let parts = &self.0;
        let Some(judge) = parts.judge_of(row)? else { return Ok(None) };
        let taken = match parts.take_attempt(row, now).await? {
            Attempt::Taken(taken) => taken,
            Attempt::UsedUp => return Ok(Some(Confirmation::Quota(parts.day_used_up(now)))),
            Attempt::Over => return Ok(Some(self.why_over(row).await?)),
        };
        let outcome = judge.checker.check(judge.reference, &code::typed(guess)).await;
        metrics::checked(judge.name, outcome.name());
        // Nobody was sent the code of a decoy.
        let outcome = match outcome {
            CheckOutcome::Approved | CheckOutcome::Over | CheckOutcome::TooManyAttempts if row.decoy => {
                CheckOutcome::Wrong
            }
            outcome => outcome,
        };
        parts.judged(self, *taken, outcome, now).await.map(Some)
    }

    /// No attempt could be taken: it is over, or every attempt is in somebody's hands.
    async fn why_over(&self, row: &Model) -> Result<Confirmation, Fault> {
        Ok(match self.get(&row.id).await? {
            None => Confirmation::NotFound,
            Some(verification) if verification.standing().is_over() => Confirmation::NotPending(verification),
            Some(_) => Confirmation::Mismatch { attempts_remaining: 0 },
        })
    }
}

impl Parts {
    /// Who judges guesses at this verification's code. A decoy is judged by whoever would have made its code.
    fn judge_of<'a>(&'a self, row: &'a Model) -> Result<Option<Judge<'a>>, Fault> {
        let named = row.code_by.as_deref().and_then(|name| self.routes.named(name));
        let first = || self.routes.of(row.delivery_channel).first().filter(|_| row.decoy && row.scenario.is_none());
        let Some(provider) = named.or_else(first) else { return Ok(None) };
        let Some(checker) = provider.checker() else { return Ok(None) };
        let reference = if row.decoy { Some(NOBODY) } else { row.code_ref.as_deref() };
        // It was asked to send a code, and its answer was lost: there may be a code, and nobody can judge it.
        let reference = reference.ok_or_else(|| Fault::unavailable("the provider that made the code has not named it"))?;
        Ok(Some(Judge { name: provider.name(), checker, reference }))
    }

    async fn take_attempt(&self, row: &Model, now: Instant) -> Result<Attempt, Fault> {
        let limits = UsageLimits { day: self.today(now), daily: self.limits.daily_guesses, cooled_down_since: None };
        let (id, contact_key) = (row.id.clone(), row.contact_key.clone());
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    if tx.reserve_guess(&contact_key, limits).await? == Reserved::Refused {
                        return Ok(Ending::Rollback(Attempt::UsedUp));
                    }
                    Ok(match tx.take_attempt(&id, now).await? {
                        Some(taken) => Ending::Commit(Attempt::Taken(Box::new(taken))),
                        None => Ending::Rollback(Attempt::Over),
                    })
                })
            })
            .await
    }

    /// Writes what the provider said of a guess whose attempt was taken at `now`.
    async fn judged(
        &self,
        all: &Verifications,
        taken: Model,
        outcome: CheckOutcome,
        now: Instant,
    ) -> Result<Confirmation, Fault> {
        match outcome {
            CheckOutcome::Approved => self.right(all, &taken, now).await,
            CheckOutcome::Wrong => {
                let last = taken.attempts >= taken.max_attempts;
                let row = if last { self.change(&taken, Change::Lock, now).await? } else { None };
                let verification = self.published(row.unwrap_or(taken));
                Ok(Confirmation::Mismatch { attempts_remaining: verification.attempts_remaining() })
            }
            // There the code is dead: it is worth nothing here either.
            CheckOutcome::Over | CheckOutcome::TooManyAttempts => {
                let end = if outcome == CheckOutcome::Over { Change::Expire } else { Change::Lock };
                let row = self.change(&taken, end, now).await?;
                Ok(Confirmation::NotPending(self.published(row.unwrap_or(taken))))
            }
            CheckOutcome::Throttled { .. } => {
                let row = self.change(&taken, Change::ReturnAttempt, now).await?;
                self.published(row.unwrap_or(taken));
                Err(Fault::unavailable("the provider that checks codes is asked too often"))
            }
            CheckOutcome::Unavailable => {
                self.published(taken);
                Err(Fault::unavailable("the provider that checks codes does not answer"))
            }
        }
    }

    async fn right(&self, all: &Verifications, taken: &Model, now: Instant) -> Result<Confirmation, Fault> {
        let token = ProofToken::new(&self.entropy);
        let proof = proof_row(taken, token.hash(), now, now + self.settings.proof_ttl);
        let id = taken.id.clone();
        let verified = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let Some(row) = tx.verify_taken(&id, now).await? else { return Ok(Ending::Rollback(None)) };
                    tx.insert_proof(proof).await?;
                    Ok(Ending::Commit(Some(row)))
                })
            })
            .await?;
        match verified {
            Some(row) => self.confirmed(row, token, now).await,
            None => all.why_over(taken).await,
        }
    }

    async fn change(&self, taken: &Model, change: Change, now: Instant) -> Result<Option<Model>, Fault> {
        let id = taken.id.clone();
        let written = self.store.write(move |tx: &Tx| {
            Box::pin(async move {
                Ok(Ending::Commit(match change {
                    Change::Lock => tx.lock_verification(&id, now).await?,
                    Change::Expire => tx.expire_verification(&id, now).await?,
                    Change::ReturnAttempt => tx.return_attempt(&id, now).await?,
                }))
            })
        });
        let row = written.await?;
        if let (Some(row), Change::Lock) = (&row, change) {
            self.withdraw(row);
        }
        Ok(row)
    }

    /// Has the provider that made a code forget it: another verification of the same contact would be sent the same
    /// one otherwise. Nobody waits for it, and its failure costs nothing: the verification is over.
    pub(super) fn withdraw(&self, row: &Model) {
        let made_by = row.code_by.as_deref().and_then(|name| self.routes.named(name)).cloned();
        if let (Some(provider), Some(reference)) = (made_by, row.code_ref.clone()) {
            tokio::spawn(async move {
                if let Some(checker) = provider.checker() {
                    checker.cancel(&reference).await;
                }
            });
        }
    }
}

#[derive(Clone, Copy)]
enum Change {
    Lock,
    Expire,
    ReturnAttempt,
}
