//! Consecutive failed passwords.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::{FailedAttempts, text::Text};
use domain::{Timestamp, ids::AccountId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lockout")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    pub account_id: Option<Text<AccountId>>,
    pub failures: i32,
    pub last_failed_at: Timestamp,
    pub locked_until: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => FailedAttempts { subject, account_id, failures, last_failed_at, locked_until });
