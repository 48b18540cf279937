//! The outbox: what is owed to whom, and the nudge that gets it on its way at once.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::notice::Notice;
use crate::{
    channel::Channel,
    clock::Instant,
    code::CodeSpec,
    contact::Contact,
    ids::{DeliveryId, VerificationId},
    status::DeliveryStatus,
    store::entity::delivery::Model,
    telemetry::traces::Trace,
    texts::Locale,
};

/// Messages that may wait for the dispatcher in this process; what does not fit is found in the table a moment later.
const QUEUE: usize = 10_000;

/// What a message says: enough to write it at any time, and nothing that is secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Code(CodeSpec),
    Notice(Notice),
}

impl Content {
    /// What it is, for reports and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Content::Code(_) => "code",
            Content::Notice(notice) => notice.kind(),
        }
    }
}

/// One message that is owed.
#[derive(Clone, Debug)]
pub struct Order {
    pub id: DeliveryId,
    /// None: a notice that no verification waits for.
    pub verification: Option<VerificationId>,
    pub channel: Channel,
    pub to: Contact,
    pub locale: Locale,
    pub content: Content,
    /// Goes through the motions and sends nothing.
    pub decoy: bool,
    /// What becomes of it after it left is kept from the page.
    pub discreet: bool,
    /// What a test contact plays.
    pub scenario: Option<String>,
    /// Not sent after this.
    pub expires_at: Instant,
}

impl Order {
    /// The row that owes it, due at once.
    pub fn into_row(self, now: Instant) -> Model {
        Model {
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
            perhaps_sent: false,
            refused: false,
            due_at: Some(now),
            claimed_by: None,
            created_at: now,
            updated_at: now,
            expires_at: self.expires_at,
            trace: Trace::current().parent(),
        }
    }
}

/// The rooms' end of the dispatcher. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    nudges: mpsc::Sender<DeliveryId>,
}

impl Outbox {
    /// The outbox, and what the dispatcher listens to.
    pub fn new() -> (Self, mpsc::Receiver<DeliveryId>) {
        let (nudges, nudged) = mpsc::channel(QUEUE);
        (Self { nudges }, nudged)
    }

    /// Gets a message that was committed on its way. Never waits: with a full queue the message stays in the table,
    /// where the dispatcher's next sweep finds it.
    pub fn dispatch(&self, id: DeliveryId) {
        let _ = self.nudges.try_send(id);
    }
}
