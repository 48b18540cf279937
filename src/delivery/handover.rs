//! Messages that are sent by the process that writes them, as soon as they are written.
//!
//! Such a message is written with a claim of this process, so that it need not be claimed in a transaction of its own. The
//! permits to send it are acquired before: a claimed message does not wait.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{channels::SendPermit, dispatcher::DispatcherState};
use domain::{channel::Channel, delivery::Delivery, ids::DeliveryId};
use store::Claim;

/// A message that is about to be written, and how it will be sent: by this process at once, or by the next process that
/// claims it.
#[must_use = "a written message has to be dispatched"]
pub struct Handover {
    reservation: Option<ReservedSend>,
    wakeups: mpsc::Sender<DeliveryId>,
}

/// The permits and the claim for one message.
struct ReservedSend {
    dispatcher: Arc<DispatcherState>,
    id: DeliveryId,
    claim: Claim,
    /// None after the message was handed over.
    permit: Option<SendPermit>,
    /// The shutdown waits for it.
    _token: TaskTrackerToken,
}

impl Handover {
    pub(super) fn new(
        dispatcher: Option<&Arc<DispatcherState>>,
        wakeups: mpsc::Sender<DeliveryId>,
        id: &DeliveryId,
        channel: Channel,
    ) -> Self {
        let reservation = dispatcher.and_then(|dispatcher| {
            let (permit, claim) = dispatcher.reserve(id, channel)?;
            Some(ReservedSend {
                id: id.clone(),
                claim,
                permit: Some(permit),
                _token: dispatcher.tasks.token(),
                dispatcher: Arc::clone(dispatcher),
            })
        });
        Self { reservation, wakeups }
    }

    /// The claim to write with the message. None: it is written unclaimed.
    pub fn claim(&self) -> Option<Claim> {
        self.reservation.as_ref().map(|reservation| reservation.claim.clone())
    }

    /// Sends a message that was committed with [`Self::claim`], or wakes up the dispatcher for it. Never waits: if the
    /// queue of wake-ups is full, the message stays in the table, where the next sweep of the dispatcher finds it.
    pub fn dispatch(self, row: Delivery) {
        match self.reservation {
            Some(mut reservation) => {
                if let Some(permit) = reservation.permit.take() {
                    reservation.dispatcher.spawn_delivery(row, permit);
                }
            }
            None => {
                let _ = self.wakeups.try_send(row.id);
            }
        }
    }
}

impl Drop for ReservedSend {
    /// A message that was not written is not in progress. If it was written and the response was lost, its claim expires,
    /// and a sweep requeues it.
    fn drop(&mut self) {
        if self.permit.is_some() {
            self.dispatcher.end(&self.id);
        }
    }
}
