//! One signed-in device.

use sea_orm::entity::prelude::*;

use crate::{
    clock::Instant,
    ids::{AccountId, SessionId},
};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub account_id: AccountId,
    pub device_name: Option<String>,
    pub user_agent: Option<String>,
    pub ip_address: Option<String>,
    pub created_at: Instant,
    pub last_used_at: Instant,
    /// When it ends if it is not used before. Each use moves it, never past the longest life of a session.
    pub expires_at: Instant,
    pub ended_at: Option<Instant>,
    /// When the person authenticated to begin the session. None: a process of an earlier version wrote the row, and it
    /// was at `created_at`.
    pub authenticated_at: Option<Instant>,
    /// By what, separated by spaces (`session::Method`). None: not known, as for every session of an earlier version.
    pub authentication_methods: Option<String>,
    /// Whether it was by something that the account had before the oldest contact change that could be undone then.
    pub authentication_counts: bool,
    /// The generation of the refresh token that was issued last.
    pub refresh_generation: i32,
    /// The highest generation whose access token was seen by this service; 0 where none was.
    pub seen_generation: i32,
    /// SHA-256 of the token of its device, in hex. None: it was begun before this was kept.
    pub device_hash: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
