//! One provider's attempt to deliver a message: its id for the message, and the status it reported.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::text::Text;
use domain::{
    Timestamp,
    delivery::DeliveryAttempt,
    ids::DeliveryId,
    status::{DeliveryFailure, DeliveryStatus},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_attempt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery_id: Text<DeliveryId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    pub provider_message_id: Option<String>,
    pub status: Text<DeliveryStatus>,
    pub code: Option<String>,
    pub failure: Option<Text<DeliveryFailure>>,
    pub accepted_at: Timestamp,
    #[sea_orm(column_name = "told_at")]
    pub reported_at: Option<Timestamp>,
    pub polls: i32,
    pub poll_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => DeliveryAttempt {
    delivery_id, provider, provider_message_id, status, code, failure, accepted_at, reported_at, polls, poll_at,
});
