//! One message in the outbox.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::text::Text;
use domain::{
    Timestamp,
    channel::Channel,
    contact::ContactKind,
    delivery::Delivery,
    ids::{AccountId, DeliveryId, VerificationId},
    status::{DeliveryFailure, DeliveryStatus},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Text<DeliveryId>,
    pub verification_id: Option<Text<VerificationId>>,
    pub kind: String,
    pub channel: Text<Channel>,
    pub contact_kind: Text<ContactKind>,
    pub contact: String,
    pub locale: String,
    pub content: String,
    pub decoy: bool,
    pub discreet: bool,
    pub scenario: Option<String>,
    pub status: Text<DeliveryStatus>,
    pub tries: i32,
    pub provider: Option<String>,
    pub provider_message_id: Option<String>,
    pub reason: Option<String>,
    pub failure: Option<Text<DeliveryFailure>>,
    #[sea_orm(column_name = "perhaps_sent")]
    pub maybe_sent: bool,
    pub refused: bool,
    pub due_at: Option<Timestamp>,
    pub claimed_by: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub expires_at: Timestamp,
    pub trace: Option<String>,
    pub account_id: Option<Text<AccountId>>,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => Delivery {
    id, verification_id, kind, channel, contact_kind, contact, locale, content, decoy, discreet, scenario, status,
    tries, provider, provider_message_id, reason, failure, maybe_sent, refused, due_at, claimed_by, created_at,
    updated_at, expires_at, trace, account_id,
});
