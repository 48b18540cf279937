//! One refresh token of a session's family.

use sea_orm::entity::prelude::*;

use super::map_row;
use crate::text::Text;
use domain::{Timestamp, ids::SessionId, session::RefreshToken};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_token")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    pub session_id: Text<SessionId>,
    pub created_at: Timestamp,
    pub used_at: Option<Timestamp>,
    pub generation: i32,
    pub key_id: Option<String>,
    pub successor_hash: Option<String>,
    pub used_network: Option<String>,
    pub replaced_at: Option<Timestamp>,
    pub repeated: bool,
    pub cookie_slot: i32,
}

impl ActiveModelBehavior for ActiveModel {}

map_row!(Model => RefreshToken {
    token_hash, session_id, created_at, used_at, generation, key_id, successor_hash, used_network, replaced_at,
    repeated, cookie_slot,
});
