//! What an account's contacts are told, as the outbox remembers it: no secret is in it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::store::NoticeLimit;
use domain::{contact::Contact, ids::ContactChangeId};

/// Something that happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    PasswordChanged,
    /// Somebody tried to sign up with this contact, or to move to it, and it has an account.
    AccountExists,
    /// Somebody tried to sign in or to reset a password with this contact, and it has no account.
    NoAccount,
    /// Another contact took the place of one; told to the old one, with the way back, and to the others without.
    ContactChanged(ContactChanged),
    /// Changes of contact were undone, and every device was signed out.
    ContactChangeUndone,
    /// Somebody signed in on a device that was not seen before.
    NewDevice {
        device: Option<String>,
    },
    /// There were too many wrong passwords.
    AccountLocked,
    /// The account was erased at its owner's wish. Sent although the account is gone.
    AccountDeleted,
    /// An administrator suspended the account.
    AccountSuspended,
    /// An administrator allowed the account to be used.
    AccountActivated,
    /// An administrator put the account back to waiting for approval.
    AccountAwaitsApproval,
    /// An administrator unlocked the account.
    AccountUnlocked,
    /// An administrator ended every session of the account.
    SessionsEnded,
    /// A refresh token was presented a second time, and its session was ended.
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
    /// The message carries no undo token: it goes to a contact that was not changed.
    #[serde(default)]
    pub without_undo: bool,
    /// No message of this change carries an undo token.
    #[serde(default)]
    pub final_change: bool,
}

impl ContactChanged {
    pub fn new(change: ContactChangeId, key_id: &str, new: &Contact, undo: Duration) -> Self {
        Self {
            change,
            key_id: key_id.to_owned(),
            kind: new.kind().as_str().to_owned(),
            new: new.as_str().to_owned(),
            undo_seconds: undo.as_secs(),
            without_undo: false,
            final_change: false,
        }
    }

    /// The same, for a contact that was not changed.
    #[must_use]
    pub fn without_undo(self) -> Self {
        Self { without_undo: true, ..self }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Notice {
    /// The server key that a token in the message is derived with.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Notice::ContactChanged(change) => Some(&change.key_id).filter(|_| !change.without_undo).map(String::as_str),
            Notice::PasswordChanged
            | Notice::AccountExists
            | Notice::NoAccount
            | Notice::ContactChangeUndone
            | Notice::NewDevice { .. }
            | Notice::AccountLocked
            | Notice::AccountDeleted
            | Notice::AccountSuspended
            | Notice::AccountActivated
            | Notice::AccountAwaitsApproval
            | Notice::AccountUnlocked
            | Notice::SessionsEnded
            | Notice::SessionEnded { .. } => None,
        }
    }

    /// What it is, for reports and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Notice::PasswordChanged => "password_changed",
            Notice::AccountExists => "account_exists",
            Notice::NoAccount => "no_account",
            Notice::ContactChanged(_) => "contact_changed",
            Notice::ContactChangeUndone => "contact_change_undone",
            Notice::NewDevice { .. } => "new_device",
            Notice::AccountLocked => "account_locked",
            Notice::AccountDeleted => ACCOUNT_DELETED,
            Notice::AccountSuspended => "account_suspended",
            Notice::AccountActivated => "account_activated",
            Notice::AccountAwaitsApproval => "account_awaits_approval",
            Notice::AccountUnlocked => "account_unlocked",
            Notice::SessionsEnded => "sessions_ended",
            Notice::SessionEnded { .. } => "session_ended",
        }
    }

    /// How many of them an account is sent at most. None: each one is sent.
    pub fn limit(&self) -> Option<NoticeLimit> {
        match self {
            // A change of who owns the account must not be hidden behind a flood of other notices. AccountExists and
            // NoAccount are sent in place of a code, and were counted as one.
            Notice::ContactChanged(_)
            | Notice::ContactChangeUndone
            | Notice::AccountDeleted
            | Notice::AccountExists
            | Notice::NoAccount => None,
            // Anybody who knows a username can cause it.
            Notice::AccountLocked => Some(NoticeLimit { most: 1, period: DAY }),
            Notice::PasswordChanged
            | Notice::NewDevice { .. }
            | Notice::AccountSuspended
            | Notice::AccountActivated
            | Notice::AccountAwaitsApproval
            | Notice::AccountUnlocked
            | Notice::SessionsEnded
            | Notice::SessionEnded { .. } => Some(NoticeLimit { most: 10, period: DAY }),
        }
    }
}

/// The kind of the notice that outlives its account.
pub const ACCOUNT_DELETED: &str = "account_deleted";
