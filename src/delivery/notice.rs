//! What an account's contacts are told, as the outbox remembers it: no secret is in it.

use serde::{Deserialize, Serialize};

/// Something that happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    PasswordChanged,
    /// Somebody tried to sign up with this contact, or to move to it, and it has an account.
    AccountExists,
}

impl Notice {
    /// What it is, for reports and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Notice::PasswordChanged => "password_changed",
            Notice::AccountExists => "account_exists",
        }
    }
}
