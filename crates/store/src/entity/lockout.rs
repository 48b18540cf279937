//! Consecutive failed passwords.

use sea_orm::entity::prelude::*;

use domain::{Timestamp, ids::AccountId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lockout")]
pub struct Model {
    /// The key of the counter; a hash if it is a typed identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    pub account_id: Option<AccountId>,
    pub failures: i32,
    pub last_failed_at: Timestamp,
    pub locked_until: Option<Timestamp>,
}

impl ActiveModelBehavior for ActiveModel {}
