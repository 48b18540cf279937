//! Who did what, when, and how it ended. Only ever added to.

use sea_orm::entity::prelude::*;

use crate::{clock::Timestamp, ids::AccountId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub at: Timestamp,
    pub act: String,
    pub outcome: String,
    /// Whom it was about.
    pub account_id: Option<AccountId>,
    /// The administrator who did it to them.
    pub actor_id: Option<AccountId>,
    /// Masked.
    pub contact: Option<String>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: String,
}

impl ActiveModelBehavior for ActiveModel {}
