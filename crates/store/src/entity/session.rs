//! One signed-in device.

use sea_orm::entity::prelude::*;

use domain::{
    Timestamp,
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
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    /// When it expires unless it is used before. Each use extends it, up to the longest lifetime of a session.
    pub expires_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// When the user authenticated to start the session. None: the row was written by an earlier version, and the time
    /// is `created_at`.
    pub authenticated_at: Option<Timestamp>,
    /// The authentication methods, separated by spaces (`session::Method`). None: not known.
    pub authentication_methods: Option<String>,
    /// Whether the user authenticated with something that the account had before the oldest contact change that could
    /// be undone then.
    pub authentication_counts: bool,
    /// The generation of the refresh token issued last.
    pub refresh_generation: i32,
    /// The highest generation whose access token was used at this service; 0 if none was.
    pub seen_generation: i32,
    /// SHA-256 of the token of its device, in hex. None: the session was started before this column existed.
    pub device_hash: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
