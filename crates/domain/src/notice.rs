//! Notices to the contacts of an account in the form stored in the outbox, which contains no secrets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{contact::Contact, ids::ContactChangeId};

/// An event about which the owner of an account is notified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    PasswordChanged,
    /// A sign-up with this contact, or a contact change to it, was requested, but it already belongs to an account.
    AccountExists,
    /// A sign-in or password reset with this contact was requested, but it belongs to no account.
    NoAccount,
    /// A contact was changed. Sent to the old contact with an undo token, and to the other contacts without one.
    ContactChanged(ContactChanged),
    /// Contact changes were undone, and all devices were signed out.
    ContactChangeUndone,
    /// A sign-in on an unknown device.
    NewDevice {
        device: Option<String>,
    },
    /// There were too many wrong passwords.
    AccountLocked,
    /// The account was deleted by its owner. Sent although the account no longer exists.
    AccountDeleted,
    /// An administrator suspended the account.
    AccountSuspended,
    /// An administrator activated the account.
    AccountActivated,
    /// An administrator set the account back to awaiting approval.
    AccountAwaitsApproval,
    /// An administrator unlocked the account.
    AccountUnlocked,
    /// An administrator ended every session of the account.
    SessionsEnded,
    /// A refresh token was reused, and its session was ended.
    SessionEnded {
        device: Option<String>,
    },
}

/// A contact change, with the data from which its undo token is derived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactChanged {
    pub change: ContactChangeId,
    /// The id of the server key of the token.
    pub key_id: String,
    /// `phone` or `email`.
    pub kind: String,
    pub new: String,
    /// How long the change can be undone, as the message states it.
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

    /// The same notice for a contact that was not changed.
    #[must_use]
    pub fn without_undo(self) -> Self {
        Self { without_undo: true, ..self }
    }
}

/// The largest number of notices of one kind per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeLimit {
    pub max: i32,
    pub period: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Notice {
    /// The id of the server key from which a token in the message is derived.
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

    /// The kind of notice, for reports and metrics.
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

    /// The maximum number of such notices per account. None: unlimited.
    pub fn limit(&self) -> Option<NoticeLimit> {
        match self {
            // A possible account takeover must not be hidden by a flood of other notices. AccountExists and NoAccount
            // replace a code, and were counted as one.
            Notice::ContactChanged(_)
            | Notice::ContactChangeUndone
            | Notice::AccountDeleted
            | Notice::AccountExists
            | Notice::NoAccount => None,
            // Anyone who knows a username can trigger it.
            Notice::AccountLocked => Some(NoticeLimit { max: 1, period: DAY }),
            Notice::PasswordChanged
            | Notice::NewDevice { .. }
            | Notice::AccountSuspended
            | Notice::AccountActivated
            | Notice::AccountAwaitsApproval
            | Notice::AccountUnlocked
            | Notice::SessionsEnded
            | Notice::SessionEnded { .. } => Some(NoticeLimit { max: 10, period: DAY }),
        }
    }
}

/// The kind of the notice that is sent after its account was deleted.
pub const ACCOUNT_DELETED: &str = "account_deleted";
