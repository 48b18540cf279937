//! Canceling a verification.

use super::{Parts, Verification, Verifications};
use crate::{
    quota::Act,
    store::{Ending, entity::verification::Model},
};
use domain::{caller::Caller, ids::VerificationId};
use platform::{
    fault::Fault,
    telemetry::{
        audit::{self, Event},
        metrics::End,
    },
};

/// Result of canceling.
pub enum Canceled {
    Canceled(Verification),
    NotFound,
    /// It is already over.
    NotPending(Verification),
}

impl Verifications {
    /// Cancels a pending verification. Its code becomes invalid, and a message that is still queued is not sent.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn cancel(&self, caller: &Caller, id: &VerificationId) -> Result<Canceled, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let event = Event::new(caller, audit::Act::CancelVerification, audit::OK, now);
        let mut found = self.get(id).await?;
        // Unknown ids do not open a write transaction.
        if found.is_some() {
            if let Some(row) = self.write_cancel(id.clone(), event.clone()).await? {
                Parts::ended(&row, End::Canceled);
                event.maybe_account(row.account_id.clone()).log();
                parts.withdraw(&row);
                return Ok(Canceled::Canceled(parts.published(row)));
            }
            // Read again for the final state.
            found = self.get(id).await?;
        }
        // Over quota, the client still gets this answer, but the audit entry says so.
        let outcome = match parts.quotas.charge(Act::Guess, caller).await {
            Err(_) => audit::QUOTA_EXCEEDED,
            Ok(()) if found.is_some() => "verification_not_pending",
            Ok(()) => "verification_not_found",
        };
        parts.store.record(event.outcome(outcome)).await;
        Ok(found.map_or(Canceled::NotFound, Canceled::NotPending))
    }

    async fn write_cancel(&self, id: VerificationId, entry: Event) -> Result<Option<Model>, Fault> {
        let written = self.0.store.write(move |tx| {
            Box::pin(async move {
                let Some(row) = tx.cancel_verification(&id, entry.at).await? else {
                    return Ok(Ending::Rollback(None));
                };
                tx.insert_audit(&entry.maybe_account(row.account_id.clone())).await?;
                Ok(Ending::Commit(Some(row)))
            })
        });
        written.await
    }
}
