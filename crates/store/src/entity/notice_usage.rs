//! Notices of one kind sent to an account in the current period.

use sea_orm::entity::prelude::*;

use crate::text::Text;
use domain::{Timestamp, ids::AccountId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice_usage")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Text<AccountId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    pub since: Timestamp,
    pub sent: i32,
}

impl ActiveModelBehavior for ActiveModel {}
