//! What an account's contacts are told, as the outbox remembers it: no secret is in it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{contact::Contact, ids::ContactChangeId};

/// Something that happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    PasswordChanged,
    /// Somebody tried to sign up with this contact, or to move to it, and it has an account.
    AccountExists,
    /// Another contact took the place of one; told to the old one, with the way back.
    ContactChanged(ContactChanged),
    /// Somebody signed in on a device that was not seen before.
    NewDevice {
        device: Option<String>,
    },
    /// A session was ended because its refresh token was used in two places.
    SessionEnded {
        device: Option<String>,
    },
}

/// A change of contact, with what the token that takes it back is derived from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactChanged {
    pub change: ContactChangeId,
    /// The server key of the token.
    pub key_id: String,
    /// `phone` or `email`.
    pub kind: String,
    pub new: String,
    /// How long the change can be taken back, as the message says it.
    pub undo_seconds: u64,
}

impl ContactChanged {
    pub fn new(change: ContactChangeId, key_id: &str, new: &Contact, undo: Duration) -> Self {
        Self {
            change,
            key_id: key_id.to_owned(),
            kind: new.kind().as_str().to_owned(),
            new: new.as_str().to_owned(),
            undo_seconds: undo.as_secs(),
        }
    }
}

impl Notice {
    /// The server key that a token in the message is derived with.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Notice::ContactChanged(change) => Some(&change.key_id),
            Notice::PasswordChanged
            | Notice::AccountExists
            | Notice::NewDevice { .. }
            | Notice::SessionEnded { .. } => None,
        }
    }

    /// What it is, for reports and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Notice::PasswordChanged => "password_changed",
            Notice::AccountExists => "account_exists",
            Notice::ContactChanged(_) => "contact_changed",
            Notice::NewDevice { .. } => "new_device",
            Notice::SessionEnded { .. } => "session_ended",
        }
    }
}
