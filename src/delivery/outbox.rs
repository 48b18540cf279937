//! The outbox: messages to send, and their hand-over to the dispatcher.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{dispatcher::DispatcherState, handover::Handover};
use crate::code::CodeSpec;
use domain::{
    Timestamp,
    channel::Channel,
    contact::Contact,
    delivery::Delivery,
    ids::{DeliveryId, VerificationId},
    locale::Locale,
    notice::Notice,
    status::DeliveryStatus,
};
use platform::telemetry::traces::Trace;
use store::Claim;

/// The capacity of the wake-up queue. Messages beyond it are found in the table by the next sweep.
const QUEUE: usize = 10_000;

/// The content of a message: everything that is needed to compose it at any time, and no secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Code(CodeSpec),
    Notice(Notice),
}

impl Content {
    /// The kind of content, for reports and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Content::Code(_) => "code",
            Content::Notice(notice) => notice.kind(),
        }
    }
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct OutgoingMessage {
    pub id: DeliveryId,
    /// None for a notice that belongs to no verification.
    pub verification: Option<VerificationId>,
    pub channel: Channel,
    pub to: Contact,
    pub locale: Locale,
    pub content: Content,
    /// Whether the delivery is simulated and nothing is sent.
    pub decoy: bool,
    /// Whether its status after it was sent is hidden from the client.
    pub discreet: bool,
    /// The scenario of a test contact.
    pub scenario: Option<String>,
    /// The message is not sent after this time.
    pub expires_at: Timestamp,
}

impl OutgoingMessage {
    /// The row of the message: with the claim of the process that sends it at once, or due immediately.
    pub fn into_row(self, now: Timestamp, claim: Option<Claim>) -> Delivery {
        let row = self.unclaimed(now);
        match claim {
            Some(claim) => claim.apply_to(row),
            None => row,
        }
    }

    fn unclaimed(self, now: Timestamp) -> Delivery {
        Delivery {
            id: self.id,
            verification_id: self.verification,
            kind: self.content.kind().to_owned(),
            channel: self.channel,
            contact_kind: self.to.kind(),
            contact: self.to.as_str().to_owned(),
            locale: self.locale.as_str().to_owned(),
            // Plain structs of strings and numbers always serialise.
            content: serde_json::to_string(&self.content).unwrap_or_default(),
            decoy: self.decoy,
            account_id: None,
            discreet: self.discreet,
            scenario: self.scenario,
            status: DeliveryStatus::Queued,
            tries: 0,
            provider: None,
            provider_message_id: None,
            reason: None,
            failure: None,
            maybe_sent: false,
            refused: false,
            due_at: Some(now),
            claimed_by: None,
            created_at: now,
            updated_at: now,
            expires_at: self.expires_at,
            trace: Trace::current().traceparent(),
        }
    }
}

/// Hands written messages to the dispatcher. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    wakeups: mpsc::Sender<DeliveryId>,
    /// Unset until the dispatcher is built.
    dispatcher: Arc<OnceLock<Arc<DispatcherState>>>,
}

impl Outbox {
    /// The outbox, and the receiver of wake-ups for the dispatcher.
    pub fn new() -> (Self, mpsc::Receiver<DeliveryId>) {
        let (wakeups, receiver) = mpsc::channel(QUEUE);
        (Self { wakeups, dispatcher: Arc::default() }, receiver)
    }

    pub(super) fn connect(&self, dispatcher: Arc<DispatcherState>) {
        // There is one dispatcher; a second one would only be woken up.
        let _ = self.dispatcher.set(dispatcher);
    }

    /// Prepares a message that is about to be written, so that this process can send it at once.
    pub fn prepare(&self, id: &DeliveryId, channel: Channel) -> Handover {
        Handover::new(self.dispatcher.get(), self.wakeups.clone(), id, channel)
    }

    /// Wakes up the dispatcher for a committed message that was written unclaimed. Never waits: if the queue is full, the
    /// message stays in the table, where the next sweep of the dispatcher finds it.
    pub fn dispatch(&self, id: DeliveryId) {
        let _ = self.wakeups.try_send(id);
    }
}
