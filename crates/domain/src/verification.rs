//! Verifications.

use crate::{
    Timestamp,
    channel::Channel,
    contact::ContactKind,
    ids::{AccountId, DeliveryId, VerificationId},
    purpose::Purpose,
    status::{CodeFormat, DeliveryFailure, DeliveryStatus, Status},
};

/// One attempt to prove control of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    pub id: VerificationId,
    pub purpose: Purpose,
    pub contact_kind: ContactKind,
    pub contact: String,
    pub contact_key: String,
    /// The account that requested it, or, for a request without a session, the account with the contact.
    pub account_id: Option<AccountId>,
    /// Looks like any other but sends nothing: from its start, or since it was closed.
    pub decoy: bool,
    /// The simulated result of a test contact.
    pub scenario: Option<String>,
    /// The stored status; a pending one may have expired.
    pub status: Status,
    /// Attempts used.
    pub attempts: i32,
    pub max_attempts: i32,
    /// The server key that its code is derived from.
    pub key_id: String,
    pub generation: i32,
    pub code_length: i32,
    pub code_format: CodeFormat,
    pub locale: String,
    /// The newest message.
    pub delivery_id: DeliveryId,
    pub delivery_channel: Channel,
    pub delivery_status: DeliveryStatus,
    /// Why the message failed. None if it has not, and for a message whose final status is not shown.
    pub delivery_failure: Option<DeliveryFailure>,
    pub delivery_updated_at: Timestamp,
    /// The number of messages so far.
    pub sends: i32,
    pub last_sent_at: Timestamp,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// When it was verified, locked or canceled.
    pub ended_at: Option<Timestamp>,
    /// Increases with every change.
    pub sequence: i64,
    /// When it last changed. None: no process of this version has changed it.
    pub updated_at: Option<Timestamp>,
    /// Hash of the client's key with contact and purpose.
    pub idempotency_key: Option<String>,
    /// The source of the code: a provider that generates and checks codes, or `countersign`. None: no message was sent
    /// yet. All messages of a verification carry one code, so the first provider decides.
    pub code_by: Option<String>,
    /// The provider's id for the verification.
    pub code_ref: Option<String>,
    /// Its code is for a phone, and was also sent to the e-mail address of the account.
    pub via_account_email: bool,
    /// The number of codes submitted after it was verified.
    pub repeats: i32,
    /// When it was closed while pending, by an operation that revokes access to the account.
    pub closed_at: Option<Timestamp>,
}
