//! The audit trail: actor, operation, time and outcome. Append-only.

use sea_orm::entity::prelude::*;

use crate::text::Text;
use domain::{Timestamp, ids::AccountId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub at: Timestamp,
    pub act: String,
    pub outcome: String,
    /// The account concerned.
    pub account_id: Option<Text<AccountId>>,
    /// The administrator who acted on the account.
    pub actor_id: Option<Text<AccountId>>,
    /// Masked.
    pub contact: Option<String>,
    pub address: Option<String>,
    pub user_agent: Option<String>,
    pub request_id: String,
}

impl ActiveModelBehavior for ActiveModel {}
