//! Messages and the attempts to deliver them.

use crate::{
    Timestamp,
    channel::Channel,
    contact::ContactKind,
    ids::{AccountId, DeliveryId, VerificationId},
    status::{DeliveryFailure, DeliveryStatus},
};

/// One message in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub id: DeliveryId,
    /// None: a notice.
    pub verification_id: Option<VerificationId>,
    /// `code`, or the notice's name.
    pub kind: String,
    pub channel: Channel,
    pub contact_kind: ContactKind,
    pub contact: String,
    pub locale: String,
    /// The data for rendering the text, as JSON; never a secret.
    pub content: String,
    /// It is processed like others but not sent.
    pub decoy: bool,
    /// The verification does not show its status after it was sent.
    pub discreet: bool,
    /// The simulated result of a test contact.
    pub scenario: Option<String>,
    pub status: DeliveryStatus,
    /// The number of calls, or possible calls, of a provider.
    pub tries: i32,
    /// The provider called last, or the one that accepted it.
    pub provider: Option<String>,
    pub provider_message_id: Option<String>,
    /// The reason of a failure, in the provider's code.
    pub reason: Option<String>,
    /// Why it failed, as a class. While the message waits, the reason of the last attempt.
    pub failure: Option<DeliveryFailure>,
    /// A provider received it and its response was lost, so that only that provider may be called again.
    pub maybe_sent: bool,
    /// A provider rejected the recipient or the text: another provider would not accept it either.
    pub refused: bool,
    /// When it is to be processed next: the next attempt, or the end of the wait for a receipt, while unclaimed; the
    /// expiry of the lease while claimed. None: nothing more is to be done.
    pub due_at: Option<Timestamp>,
    /// The process that is sending it.
    pub claimed_by: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// It is not sent after this.
    pub expires_at: Timestamp,
    /// The `traceparent` of the request that created it.
    pub trace: Option<String>,
    /// The account of a notice, so that it is deleted with the account. None: a message with a code.
    pub account_id: Option<AccountId>,
}

/// One provider's attempt to deliver a message: its id for the message, and the status it reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryAttempt {
    pub delivery_id: DeliveryId,
    pub provider: String,
    pub provider_message_id: Option<String>,
    /// `SENT`, `DELIVERED` or `UNDELIVERED`.
    pub status: DeliveryStatus,
    /// The reason of a failure, in the provider's code.
    pub code: Option<String>,
    /// Why it was not delivered, as a class. None: it has not failed.
    pub failure: Option<DeliveryFailure>,
    /// When the provider accepted it, or when its first receipt arrived, if that was earlier.
    pub accepted_at: Timestamp,
    /// When it last reported a status.
    pub reported_at: Option<Timestamp>,
    /// The number of polls.
    pub polls: i32,
    /// When to poll next. None: never.
    pub poll_at: Option<Timestamp>,
}
