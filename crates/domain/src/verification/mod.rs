//! Verifications.

pub mod rules;

use crate::{
    Timestamp,
    channel::Channel,
    contact::{Contact, ContactKind},
    ids::{AccountId, DeliveryId, VerificationId},
    notice::Notice,
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

/// The recipient, and the kind of message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// The code. `to` is the contact as stored with the account, if it has one: the entered contact may differ in case,
    /// and then be another person's mailbox.
    Code { account: Option<AccountId>, to: Option<Contact> },
    /// Nothing is sent, and the response looks like any other.
    Decoy,
    /// The contact gets a message that it has no account, in place of a code; the response looks like any other.
    NotifyUnknown,
    /// The account's owner gets a notice in place of a code, at this contact; the response looks like any other.
    NotifyOwner { account: AccountId, to: Option<Contact>, notice: Notice },
}

impl Recipient {
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Recipient::Code { account, .. } => account.as_ref(),
            Recipient::NotifyOwner { account, .. } => Some(account),
            Recipient::Decoy | Recipient::NotifyUnknown => None,
        }
    }
}
