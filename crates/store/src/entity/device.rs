//! A device that has signed in to an account before.

use sea_orm::entity::prelude::*;

use domain::{Timestamp, ids::AccountId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device")]
pub struct Model {
    /// SHA-256 of the token stored on the device, in hex.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: AccountId,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}
