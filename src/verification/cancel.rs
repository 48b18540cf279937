//! Taking a verification back.

use super::{Parts, Verification, Verifications};
use crate::{
    fault::Fault,
    quota::Act,
    store::{Ending, entity::verification::Model},
    telemetry::{
        audit::{self, Event},
        metrics::End,
    },
};
use domain::{caller::Caller, ids::VerificationId};

/// What became of it.
pub enum Canceled {
    Canceled(Verification),
    NotFound,
    /// It is over already.
    NotPending(Verification),
}

impl Verifications {
    /// Cancels a pending verification; its code is worth nothing from then on, and a message not yet sent stays unsent.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn cancel(&self, caller: &Caller, id: &VerificationId) -> Result<Canceled, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let event = Event::new(caller, audit::Act::CancelVerification, audit::OK, now);
        let mut found = self.get(id).await?;
        // Ids that nobody was given are many: they don't get as far as the one who writes.
        if found.is_some() {
            if let Some(row) = self.take_back(id.clone(), event.clone()).await? {
                Parts::ended(&row, End::Canceled);
                event.maybe_account(row.account_id.clone()).log();
                parts.withdraw(&row);
                return Ok(Canceled::Canceled(parts.published(row)));
            }
            // As it ended.
            found = self.get(id).await?;
        }
        // The answer is the same for whoever asks too often; the trail is not theirs to fill.
        let outcome = match parts.quotas.charge(Act::Guess, caller).await {
            Err(_) => audit::QUOTA_EXCEEDED,
            Ok(()) if found.is_some() => "verification_not_pending",
            Ok(()) => "verification_not_found",
        };
        parts.store.record(event.outcome(outcome)).await;
        Ok(found.map_or(Canceled::NotFound, Canceled::NotPending))
    }

    async fn take_back(&self, id: VerificationId, entry: Event) -> Result<Option<Model>, Fault> {
        let canceling = self.0.store.write(move |tx| {
            Box::pin(async move {
                let Some(row) = tx.cancel_verification(&id, entry.at).await? else {
                    return Ok(Ending::Rollback(None));
                };
                tx.insert_audit(&entry.maybe_account(row.account_id.clone())).await?;
                Ok(Ending::Commit(Some(row)))
            })
        });
        canceling.await
    }
}
