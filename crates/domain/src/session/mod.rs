//! Sessions, their refresh tokens, and known devices.

pub mod rules;

use crate::{
    Timestamp,
    ids::{AccountId, SessionId},
};

/// One signed-in device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
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
    /// SHA-256 of the token of its device, in hex. None: the session was started by a version without devices.
    pub device_hash: Option<String>,
}

/// One refresh token of a session's family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// SHA-256 of the token, in hex.
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

impl RefreshToken {
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

/// A device that has signed in to an account before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// SHA-256 of the token stored on the device, in hex.
    pub token_hash: String,
    pub account_id: AccountId,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
}
