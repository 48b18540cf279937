//! Confirming with the correct code again, after the response with the proof was lost.
//!
//! If the connection broke, or the response was UNAVAILABLE although the transaction was committed, the user enters the
//! same code again and gets the same proof, within [`rules::REPEATABLE`] and while it is unspent. Every attempt is
//! counted before the comparison, so that a verification that is over can be guessed at no more often than a pending
//! one. A wrong code gets the same response as for any verification that is over.

use super::{ConfirmOutcome, Deps, ProofToken, Verifications};
use domain::{
    Timestamp,
    verification::{Verification, rules},
};
use platform::{fault::Fault, telemetry::audit::Event};
use store::RepeatedCode;

/// Audit outcome of a proof that was returned again.
const REPEATED: &str = "proof_repeated";

impl Verifications {
    /// Returns the proof of a verified verification again if `token`, which was derived from the guess, is its token.
    ///
    /// # Errors
    /// A fault of the store.
    pub(super) async fn repeat(
        &self,
        row: Verification,
        token: ProofToken,
        event: Event,
        now: Timestamp,
    ) -> Result<ConfirmOutcome, Fault> {
        let deps = &self.0;
        let repeat = RepeatedCode {
            verification: row.id.clone(),
            since: now - rules::REPEATABLE,
            usage_key: Deps::usage_key(&row),
            limits: row.scenario.is_none().then(|| deps.guess_limits(now)),
        };
        let proof = deps.store.repeat_proof(repeat, now).await?;
        if let Some(proof) = proof.filter(|proof| proof.token_hash == token.hash()) {
            deps.store.record(event.account_opt(row.account_id.clone()).outcome(REPEATED)).await;
            let proof = deps.proof(&row, token, proof.created_at, proof.expires_at)?;
            return Ok(ConfirmOutcome::Repeated { verification: deps.view(row), proof: Box::new(proof) });
        }
        Ok(self.get(&row.id).await?.map_or(ConfirmOutcome::NotFound, ConfirmOutcome::NotPending))
    }
}
