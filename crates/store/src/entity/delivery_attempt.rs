//! One provider's attempt to deliver a message: its id for the message, and the status it reported.

use sea_orm::entity::prelude::*;

use domain::{
    Timestamp,
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
    /// The reason of a failure, in the provider's code.
    pub code: Option<String>,
    /// Why it was not delivered, as a class. None: it has not failed.
    pub failure: Option<DeliveryFailure>,
    /// When the provider accepted it, or when its first receipt arrived, if that was earlier.
    pub accepted_at: Timestamp,
    /// When it last reported a status.
    pub told_at: Option<Timestamp>,
    /// The number of polls.
    pub polls: i32,
    /// When to poll next. None: never.
    pub poll_at: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
