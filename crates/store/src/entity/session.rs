//! One signed-in device.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::text::Text;
use domain::{
    Timestamp,
    ids::{AccountId, SessionId},
    session::Session,
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Text<SessionId>,
    pub account_id: Text<AccountId>,
    pub device_name: Option<String>,
    pub user_agent: Option<String>,
    pub ip_address: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub authenticated_at: Option<Timestamp>,
    pub authentication_methods: Option<String>,
    pub authentication_counts: bool,
    pub refresh_generation: i32,
    pub seen_generation: i32,
    pub device_hash: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => Session {
    id, account_id, device_name, user_agent, ip_address, created_at, last_used_at, expires_at, ended_at,
    authenticated_at, authentication_methods, authentication_counts, refresh_generation, seen_generation, device_hash,
});
