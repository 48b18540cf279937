//! A message in the hands of one provider: what it calls the message, and what it told of it since.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::DeliveryId,
    status::{DeliveryFailure, DeliveryStatus},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery_attempt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub delivery_id: DeliveryId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    pub provider_message_id: Option<String>,
    /// `SENT`, `DELIVERED` or `UNDELIVERED`.
    pub status: DeliveryStatus,
    /// Why it was not delivered, in the provider's code.
    pub code: Option<String>,
    /// The same as a class. None: it has not failed.
    pub failure: Option<DeliveryFailure>,
    /// When the provider took it; or when its first receipt came, if that was sooner.
    pub accepted_at: Instant,
    /// When it last told anything.
    pub told_at: Option<Instant>,
    /// Times that it was asked.
    pub polls: i32,
    /// When it is to be asked next. None: it is not.
    pub poll_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
