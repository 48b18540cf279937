//! Canceling a verification.

use super::{Deps, VerificationView, Verifications};
use crate::quota::Operation;
use domain::{caller::RequestInfo, ids::VerificationId, verification::Verification};
use platform::{
    fault::Fault,
    telemetry::{
        audit::{self, Event},
        metrics::End,
    },
};
use store::TxOutcome;

/// Result of canceling.
pub enum CancelOutcome {
    Canceled(VerificationView),
    NotFound,
    /// It is already over.
    NotPending(VerificationView),
}

impl Verifications {
    /// Cancels a pending verification. Its code becomes invalid, and a message that is still queued is not sent.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn cancel(&self, caller: &RequestInfo, id: &VerificationId) -> Result<CancelOutcome, Fault> {
        let deps = &self.0;
        let now = deps.clock.now();
        let event = Event::new(caller, audit::Act::CancelVerification, audit::OK, now);
        let mut found = self.get(id).await?;
        // Unknown ids do not open a write transaction.
        if found.is_some() {
            if let Some(row) = self.write_cancel(id.clone(), event.clone()).await? {
                Deps::count_end(&row, End::Canceled);
                event.account_opt(row.account_id.clone()).log();
                deps.cancel_at_provider(&row);
                return Ok(CancelOutcome::Canceled(deps.publish(row)));
            }
            // Read again for the final state.
            found = self.get(id).await?;
        }
        // Over quota, the client still gets this response, but the audit entry has the quota as its outcome.
        let outcome = match deps.quotas.charge(Operation::Guess, caller).await {
            Err(_) => audit::QUOTA_EXCEEDED,
            Ok(()) if found.is_some() => "verification_not_pending",
            Ok(()) => "verification_not_found",
        };
        deps.store.record(event.outcome(outcome)).await;
        Ok(found.map_or(CancelOutcome::NotFound, CancelOutcome::NotPending))
    }

    async fn write_cancel(&self, id: VerificationId, entry: Event) -> Result<Option<Verification>, Fault> {
        let written = self.0.store.write(move |tx| {
            Box::pin(async move {
                let Some(row) = tx.cancel_verification(&id, entry.at).await? else {
                    return Ok(TxOutcome::Rollback(None));
                };
                tx.insert_audit(&entry.account_opt(row.account_id.clone())).await?;
                Ok(TxOutcome::Commit(Some(row)))
            })
        });
        written.await
    }
}
