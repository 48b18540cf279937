//! Taking a verification back.

use super::{Verification, Verifications};
use crate::{fault::Fault, ids::VerificationId, store::Ending};

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
    pub async fn cancel(&self, id: &VerificationId) -> Result<Canceled, Fault> {
        let parts = &self.0;
        let now = parts.clock.now();
        let canceled = {
            let id = id.clone();
            parts
                .store
                .write(move |tx| Box::pin(async move { Ok(Ending::Commit(tx.cancel_verification(&id, now).await?)) }))
        };
        match canceled.await? {
            Some(row) => {
                parts.withdraw(&row);
                Ok(Canceled::Canceled(parts.published(row)))
            }
            None => Ok(self.get(id).await?.map_or(Canceled::NotFound, Canceled::NotPending)),
        }
    }
}
