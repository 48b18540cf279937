//! One refresh token of a session's family.

use sea_orm::entity::prelude::*;

use domain::{Timestamp, ids::SessionId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_token")]
pub struct Model {
    /// SHA-256 of the token, in hex.
    #[sea_orm(primary_key, auto_increment = false)]
    pub token_hash: String,
    pub session_id: SessionId,
    pub created_at: Timestamp,
    /// When it was exchanged for its current successor.
    pub used_at: Option<Timestamp>,
    /// Counts the tokens of a session in the order in which they were issued: 0 for the first, and for every token that
    /// an earlier version issued.
    pub generation: i32,
    /// The server key that it was derived with. None for the first token of a session, which is random, and for tokens
    /// of earlier versions.
    pub key_id: Option<String>,
    /// The token that it was exchanged for, or the newest replacement of that token. None for exchanges of earlier
    /// versions.
    pub successor_hash: Option<String>,
    /// The client network of the exchange.
    pub used_network: Option<String>,
    /// When it was replaced by another token before it was used.
    pub replaced_at: Option<Timestamp>,
    /// Whether it was returned more than once, so that a copy of the response may still arrive.
    pub repeated: bool,
    /// The number of its cookie name in cookie mode; see `graphql/token_cookies.rs`.
    pub cookie_slot: i32,
}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The first token of a session.
    pub fn first(token_hash: String, session_id: SessionId, created_at: Timestamp) -> Self {
        Self {
            token_hash,
            session_id,
            created_at,
            used_at: None,
            generation: 0,
            key_id: None,
            successor_hash: None,
            used_network: None,
            replaced_at: None,
            repeated: false,
            cookie_slot: 0,
        }
    }
}
