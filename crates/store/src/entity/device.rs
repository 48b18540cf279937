//! A device that has signed in to an account before.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::text::Text;
use domain::{Timestamp, ids::AccountId, session::KnownDevice};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "device")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Text<AccountId>,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => KnownDevice { token_hash, account_id, created_at, last_used_at });
