//! The outbox: messages to send, and the wake-up of the dispatcher.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

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
    /// The row of the message, due immediately.
    pub fn into_row(self, now: Timestamp) -> Delivery {
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

/// Wakes up the dispatcher. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    wakeups: mpsc::Sender<DeliveryId>,
}

impl Outbox {
    /// The outbox, and the receiver for the dispatcher.
    pub fn new() -> (Self, mpsc::Receiver<DeliveryId>) {
        let (wakeups, receiver) = mpsc::channel(QUEUE);
        (Self { wakeups }, receiver)
    }

    /// Wakes up the dispatcher for a committed message. Never waits: if the queue is full, the message stays in the
    /// table, where the next sweep of the dispatcher finds it.
    pub fn dispatch(&self, id: DeliveryId) {
        let _ = self.wakeups.try_send(id);
    }
}
