//! One refresh token of a session's family.

use sea_orm::entity::prelude::*;

use crate::{clock::Instant, ids::SessionId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_token")]
pub struct Model {
    /// SHA-256 of the token, in hex.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    pub session_id: SessionId,
    pub created_at: Instant,
    /// When it was exchanged for its successor.
    pub used_at: Option<Instant>,
}

impl ActiveModelBehavior for ActiveModel {}
