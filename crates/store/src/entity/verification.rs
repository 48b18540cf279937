//! One attempt to prove control of a contact.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::text::Text;
use domain::{
    Timestamp,
    channel::Channel,
    contact::ContactKind,
    ids::{AccountId, DeliveryId, VerificationId},
    purpose::Purpose,
    status::{CodeFormat, DeliveryFailure, DeliveryStatus, Status},
    verification::Verification,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "verification")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Text<VerificationId>,
    pub purpose: Text<Purpose>,
    pub contact_kind: Text<ContactKind>,
    pub contact: String,
    pub contact_key: String,
    pub account_id: Option<Text<AccountId>>,
    pub decoy: bool,
    pub scenario: Option<String>,
    pub status: Text<Status>,
    pub attempts: i32,
    pub max_attempts: i32,
    pub key_id: String,
    pub generation: i32,
    pub code_length: i32,
    pub code_format: Text<CodeFormat>,
    pub locale: String,
    pub delivery_id: Text<DeliveryId>,
    pub delivery_channel: Text<Channel>,
    pub delivery_status: Text<DeliveryStatus>,
    pub delivery_failure: Option<Text<DeliveryFailure>>,
    pub delivery_updated_at: Timestamp,
    pub sends: i32,
    pub last_sent_at: Timestamp,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub sequence: i64,
    pub updated_at: Option<Timestamp>,
    pub idempotency_key: Option<String>,
    pub code_by: Option<String>,
    pub code_ref: Option<String>,
    #[sea_orm(column_name = "by_letter")]
    pub via_account_email: bool,
    pub repeats: i32,
    pub closed_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => Verification {
    id, purpose, contact_kind, contact, contact_key, account_id, decoy, scenario, status, attempts, max_attempts,
    key_id, generation, code_length, code_format, locale, delivery_id, delivery_channel, delivery_status,
    delivery_failure, delivery_updated_at, sends, last_sent_at, created_at, expires_at, ended_at, sequence,
    updated_at, idempotency_key, code_by, code_ref, via_account_email, repeats, closed_at,
});
