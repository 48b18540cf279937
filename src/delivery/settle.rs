//! Writing what became of a message, on its own row and on the verification that waits for it, and telling who watches.

use std::time::Duration;

use super::{Routes, receipts::Receipt, rules};
use crate::{
    clock::{Clock, Instant},
    events::{Events, Snapshot},
    fault::Fault,
    ids::DeliveryId,
    status::{DeliveryStatus, Status},
    store::{
        Ending, Settlement, Store,
        entity::{delivery::Model, verification},
    },
};

/// How long writing a result is tried again while the database is away. Past the claim's lease somebody else decides.
const PATIENCE: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// Writes results. Cheap to clone.
#[derive(Clone)]
pub struct Settler {
    pub store: Store,
    pub clock: Clock,
    pub events: Events,
    /// Names this process in claims.
    pub process: String,
}

impl Settler {
    /// Writes what became of a claimed message. A database that is away is waited for: the provider has the message,
    /// and what it said must not get lost lightly.
    pub(super) async fn settle(&self, row: &Model, settlement: Settlement) {
        for _ in 0..PATIENCE {
            match self.try_settle(row, &self.process, settlement.clone()).await {
                Ok(()) => return,
                Err(fault) => fault.log(),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A message whose claim ran out: whoever held it died, before or after asking a provider. One that would arrive
    /// once however often it is sent is tried again; any other shows as what it is: unknown.
    pub(super) async fn abandoned(&self, row: Model, routes: &Routes, now: Instant) -> Result<(), Fault> {
        let Some(holder) = row.claimed_by.clone() else { return Ok(()) };
        let harmless = row.decoy || row.scenario.is_some() || routes.all_idempotent(row.channel);
        let settlement = if harmless && row.expires_at > now {
            Settlement::Again { due_at: now, provider: None, reason: None }
        } else {
            Settlement::Settled {
                status: DeliveryStatus::Unknown,
                provider: row.provider.clone(),
                provider_message_id: None,
                reason: Some("interrupted".to_owned()),
                refused: false,
            }
        };
        self.try_settle(&row, &holder, settlement).await
    }

    /// Whether anybody still waits for this message: its verification is pending, or it is a notice.
    pub(super) async fn is_still_wanted(&self, row: &Model) -> Result<bool, Fault> {
        let Some(id) = &row.verification_id else { return Ok(true) };
        let verification = self.store.verification(id).await?;
        Ok(verification.is_some_and(|verification| verification.status == Status::Pending))
    }

    /// Moves a message on, as a receipt says; one that comes late, twice or out of order changes nothing.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn receive(&self, id: &DeliveryId, status: DeliveryStatus, reason: Option<String>) -> Result<(), Fault> {
        let now = self.clock.now();
        let id = id.clone();
        let changed = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    let row = tx.advance_delivery(&id, rules::before(status), status, reason, now).await?;
                    let Some((row, waiting)) = row.and_then(|row| row.verification_id.clone().map(|id| (row, id)))
                    else {
                        return Ok(Ending::Commit(None));
                    };
                    let shown = if row.discreet { DeliveryStatus::Sent } else { status };
                    Ok(Ending::Commit(tx.show_delivery(&waiting, &row.id, shown, now).await?))
                })
            })
            .await?;
        self.publish(changed);
        Ok(())
    }

    /// Takes what a provider tells of a message. One that nobody here knows is none of ours, or came before we knew its
    /// name; the provider tells again.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn take_receipt(&self, receipt: Receipt) -> Result<(), Fault> {
        let Receipt { provider, provider_message_id, delivery, status, code } = receipt;
        let id = match delivery {
            Some(id) => Some(id),
            None => self.store.delivery_of_provider(provider, &provider_message_id).await?,
        };
        match id {
            Some(id) => self.receive(&id, status.into(), code).await,
            None => Ok(()),
        }
    }

    fn publish(&self, changed: Option<verification::Model>) {
        if let Some(changed) = changed {
            self.events.publish(Snapshot::of(&changed));
        }
    }

    async fn try_settle(&self, row: &Model, holder: &str, settlement: Settlement) -> Result<(), Fault> {
        let now = self.clock.now();
        let shown = shown(row, &settlement);
        let (row, holder) = (row.clone(), holder.to_owned());
        let changed = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    if !tx.settle_delivery(&row.id, &holder, settlement, now).await? {
                        return Ok(Ending::Rollback(None));
                    }
                    match (&row.verification_id, shown) {
                        (Some(id), Some(status)) => {
                            Ok(Ending::Commit(tx.show_delivery(id, &row.id, status, now).await?))
                        }
                        _ => Ok(Ending::Commit(None)),
                    }
                })
            })
            .await?;
        self.publish(changed);
        Ok(())
    }
}

/// What the page is shown of a settlement. A discreet message shows that it left and nothing more: whether it could
/// leave or arrive would tell whether there is an account.
fn shown(row: &Model, settlement: &Settlement) -> Option<DeliveryStatus> {
    match settlement {
        _ if row.discreet => Some(DeliveryStatus::Sent),
        Settlement::Settled { status, .. } => Some(*status),
        Settlement::Again { .. } => None,
    }
}
