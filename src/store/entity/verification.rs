//! One attempt to prove that somebody holds a contact.

use sea_orm::entity::prelude::*;

use crate::{
    channel::Channel,
    clock::Instant,
    contact::ContactKind,
    ids::{AccountId, DeliveryId, VerificationId},
    purpose::Purpose,
    status::{CodeFormat, DeliveryFailure, DeliveryStatus, Status},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "verification")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VerificationId,
    pub purpose: Purpose,
    pub contact_kind: ContactKind,
    pub contact: String,
    pub contact_key: String,
    /// Whose: the account that asked, or that an unknown person asked for.
    pub account_id: Option<AccountId>,
    /// Looks like any other and sends nothing: it was one from its start, or it was closed since.
    pub decoy: bool,
    /// What a test contact plays.
    pub scenario: Option<String>,
    /// As written; a pending one may have expired since.
    pub status: Status,
    /// Attempts used.
    pub attempts: i32,
    pub max_attempts: i32,
    /// The server key that its code is derived under.
    pub key_id: String,
    pub generation: i32,
    pub code_length: i32,
    pub code_format: CodeFormat,
    pub locale: String,
    /// The newest message.
    pub delivery_id: DeliveryId,
    pub delivery_channel: Channel,
    pub delivery_status: DeliveryStatus,
    /// Why it failed; none while it has not, and for a message whose end is not shown.
    pub delivery_failure: Option<DeliveryFailure>,
    pub delivery_updated_at: Instant,
    /// Messages so far.
    pub sends: i32,
    pub last_sent_at: Instant,
    pub created_at: Instant,
    pub expires_at: Instant,
    /// When it was verified, locked or canceled.
    pub ended_at: Option<Instant>,
    /// Grows with every change.
    pub sequence: i64,
    /// When it changed last. None: no process of this version has changed it.
    pub updated_at: Option<Instant>,
    /// Hash of the client's key with contact and purpose.
    pub idempotency_key: Option<String>,
    /// Whose code is on its way: a provider that makes and checks codes itself, or `countersign`. None: nobody's yet.
    /// All messages of a verification carry one code, so who carried the first decides.
    pub code_by: Option<String>,
    /// What that provider calls the verification.
    pub code_ref: Option<String>,
    /// Its code is for a phone, and went to the e-mail address of the account behind it as well.
    pub by_letter: bool,
    /// Codes that were tried after it was verified.
    pub repeats: i32,
    /// When an act that shuts others out of the account ended it while it was pending.
    pub closed_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
