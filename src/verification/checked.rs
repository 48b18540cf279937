//! Guesses at a code that a provider made: counted here first, within our own bounds and expiry, then judged there.
//!
//! The provider is asked outside any transaction, so there are two: one takes the attempt, the other writes what the
//! provider said. A process that dies in between leaves an attempt that was taken and never judged: nobody gains by it.

use super::{Confirmation, Parts, Verifications};
use crate::{
    clock::Instant,
    code,
    delivery::{
        OURS,
        provider::{CheckOutcome, CodeChecker},
    },
    fault::Fault,
    store::{Ending, Reserved, entity::verification::Model},
    telemetry::metrics::{self, End},
};

/// What is known of a guess before it is written down.
pub(super) enum Checked {
    /// No provider made the code: it is compared here.
    CodeIsOurs,
    /// Its attempt is counted.
    Judged { right: bool },
    /// Nothing is left to be judged.
    Over(Confirmation),
}

/// Who judges, and what they call the verification.
struct Judge<'a> {
    name: &'static str,
    checker: &'a dyn CodeChecker,
    reference: &'a str,
}

/// What a decoy is called when its checker is asked, so that a guess at it takes as long as any other.
const NOBODY: &str = "VE00000000000000000000000000000000";

#[derive(Clone, Copy)]
enum Change {
    Lock,
    Expire,
    ReturnAttempt,
}

enum Attempt {
    Taken(Box<Model>),
    /// The contact's guesses of the day are used up.
    UsedUp,
    None,
}

impl Verifications {
    /// Has a guess judged where a provider made the code.
    ///
    /// # Errors
    /// A fault of the store; or the provider does not answer.
    pub(super) async fn check_elsewhere(&self, row: &Model, guess: &str, now: Instant) -> Result<Checked, Fault> {
        let parts = &self.0;
        let Some(judge) = parts.judge_of(row)? else { return Ok(Checked::CodeIsOurs) };
        let taken = match parts.take_attempt(row, now).await? {
            Attempt::Taken(taken) => taken,
            Attempt::UsedUp => return Ok(Checked::Over(Confirmation::Quota(parts.guesses_used_up(now)))),
            Attempt::None => return Ok(Checked::Over(self.why_none(row).await?)),
        };
        let outcome = judge.checker.check(judge.reference, &code::typed(guess)).await;
        metrics::checked(judge.name, outcome.name());
        match outcome {
            CheckOutcome::Throttled { .. } => {
                parts.change(&taken, Change::ReturnAttempt, now).await?;
                Err(Fault::unavailable("the provider that checks codes is asked too often"))
            }
            CheckOutcome::Unavailable => {
                parts.published(*taken);
                Err(Fault::unavailable("the provider that checks codes does not answer"))
            }
            // Nobody was sent the code of a decoy, so every guess at it is wrong.
            _ if row.decoy => Ok(Checked::Judged { right: false }),
            CheckOutcome::Approved => Ok(Checked::Judged { right: true }),
            CheckOutcome::Wrong => Ok(Checked::Judged { right: false }),
            // A code that is dead there is worth nothing here either.
            CheckOutcome::Over => parts.change(&taken, Change::Expire, now).await.map(Checked::Over),
            CheckOutcome::TooManyAttempts => parts.change(&taken, Change::Lock, now).await.map(Checked::Over),
        }
    }

    /// No attempt could be taken: it is over, or every attempt is in somebody's hands.
    async fn why_none(&self, row: &Model) -> Result<Confirmation, Fault> {
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
        if row.code_by.as_deref() == Some(OURS) {
            return Ok(None);
        }
        let named = row.code_by.as_deref().and_then(|name| self.routes.named(name));
        let first = || self.routes.of(row.delivery_channel).first().filter(|_| row.decoy && row.scenario.is_none());
        let Some(provider) = named.or_else(first) else { return Ok(None) };
        let Some(checker) = provider.checker() else { return Ok(None) };
        let reference = if row.decoy { Some(NOBODY) } else { row.code_ref.as_deref() };
        // It was asked to send a code, and its answer was lost: there may be a code, and nobody can judge it.
        let reference = reference.ok_or_else(|| Fault::unavailable("the provider has not said what to check"))?;
        Ok(Some(Judge { name: provider.name(), checker, reference }))
    }

    async fn take_attempt(&self, row: &Model, now: Instant) -> Result<Attempt, Fault> {
        let limits = self.guess_limits(now);
        let (id, usage_key) = (row.id.clone(), Self::usage_key(row));
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let Some(taken) = tx.take_attempt(&id, now).await? else {
                        return Ok(Ending::Rollback(Attempt::None));
                    };
                    Ok(match tx.reserve_guess(&usage_key, limits).await? {
                        Reserved::Granted(_) => Ending::Commit(Attempt::Taken(Box::new(taken))),
                        Reserved::Refused => Ending::Rollback(Attempt::UsedUp),
                    })
                })
            })
            .await
    }

    /// Writes what the provider said in place of judging, unless the verification ended meanwhile.
    async fn change(&self, taken: &Model, change: Change, now: Instant) -> Result<Confirmation, Fault> {
        let id = taken.id.clone();
        let written = self.store.write(move |tx| {
            Box::pin(async move {
                Ok(Ending::Commit(match change {
                    Change::Lock => tx.lock_verification(&id, now).await?,
                    Change::Expire => tx.expire_verification(&id, now).await?,
                    Change::ReturnAttempt => tx.return_attempt(&id, now).await?,
                }))
            })
        });
        let row = match written.await? {
            Some(row) => {
                match change {
                    Change::Lock => Self::ended(&row, End::Locked),
                    Change::Expire => Self::ended(&row, End::Expired),
                    Change::ReturnAttempt => {}
                }
                row
            }
            None => taken.clone(),
        };
        Ok(Confirmation::NotPending(self.published(row)))
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
