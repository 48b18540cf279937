//! One message in the outbox.

use sea_orm::entity::prelude::*;

use crate::{
    channel::Channel,
    clock::Instant,
    contact::ContactKind,
    ids::{AccountId, DeliveryId, VerificationId},
    status::{DeliveryFailure, DeliveryStatus},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DeliveryId,
    /// None: a notice.
    pub verification_id: Option<VerificationId>,
    /// `code`, or the notice's name.
    pub kind: String,
    pub channel: Channel,
    pub contact_kind: ContactKind,
    pub contact: String,
    pub locale: String,
    /// What the text is made from, as JSON; never a secret.
    pub content: String,
    /// Goes through the motions and sends nothing.
    pub decoy: bool,
    /// What becomes of it after it left is kept from the page.
    pub discreet: bool,
    /// What a test contact plays.
    pub scenario: Option<String>,
    pub status: DeliveryStatus,
    /// Times that a provider was asked to carry it, or may have been.
    pub tries: i32,
    /// Who was asked last; who took it, once somebody did.
    pub provider: Option<String>,
    pub provider_message_id: Option<String>,
    /// Why it failed, in the provider's code.
    pub reason: Option<String>,
    /// The same as a class. While the message waits it is why the last try failed.
    pub failure: Option<DeliveryFailure>,
    /// A provider got it and gave no answer, so that only that provider may be asked again.
    pub perhaps_sent: bool,
    /// A provider refused this recipient or this text: no other one would fare better.
    pub refused: bool,
    /// When it is next to be looked at: the next try, or the end of the wait for a receipt, while unclaimed; the end of
    /// the lease while claimed. None: nothing more is to be done.
    pub due_at: Option<Instant>,
    /// The process that is sending it.
    pub claimed_by: Option<String>,
    pub created_at: Instant,
    pub updated_at: Instant,
    /// Not sent after this.
    pub expires_at: Instant,
    /// The `traceparent` of what it was owed in.
    pub trace: Option<String>,
    /// Whose account a notice is about, so that it is erased with the account. None: a message with a code.
    pub account_id: Option<AccountId>,
}

impl ActiveModelBehavior for ActiveModel {}
