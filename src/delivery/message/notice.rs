//! What an account's owner is told.

use std::time::Duration;

use domain::contact::Contact;
use platform::config::Secret;

/// Something that happened to an account.
#[derive(Clone, Debug)]
pub enum Notice {
    PasswordChanged,
    /// Told to the old contact; `new` is shown with its middle hidden. `undo` is the owner's way back, where there is
    /// one.
    ContactChanged {
        new: Contact,
        undo: UndoHint,
    },
    /// Somebody signed in on a device that was not seen before.
    NewDevice {
        /// What the device calls itself. Whoever signed in chose these words.
        device: Option<String>,
    },
    /// A session was ended because its refresh token was used in two places.
    SessionEnded {
        /// What the device of the session calls itself.
        device: Option<String>,
    },
    /// Somebody tried to sign up with this contact, or to move an account to it, and it has an account.
    AccountExists,
    /// Somebody tried to sign in or to reset a password with this contact, and it has no account.
    NoAccount,
    /// Changes of contact were undone.
    ContactChangeUndone,
    /// There were too many wrong passwords.
    AccountLocked,
    /// The account was erased.
    AccountDeleted,
    /// An administrator suspended the account.
    AccountSuspended,
    /// An administrator allowed the account to be used.
    AccountActivated,
    /// An administrator put the account back to waiting for approval.
    AccountAwaitsApproval,
    /// An administrator unlocked the account.
    AccountUnlocked,
    /// An administrator ended every session.
    SessionsEnded,
}

/// Where the owner finds the way back from a change of contact.
#[derive(Clone, Debug)]
pub enum UndoHint {
    /// In this message.
    Here(Undo),
    /// In a message to another contact of the account.
    OtherContact,
    /// In no message.
    Nowhere,
}

/// The way back from a change of contact.
#[derive(Clone, Debug)]
pub struct Undo {
    pub token: Secret,
    pub lifetime: Duration,
}

impl Notice {
    /// As message names have it: `sms-notice-password-changed`.
    pub fn slug(&self) -> &'static str {
        match self {
            Notice::PasswordChanged => "password-changed",
            Notice::ContactChanged { new: Contact::Phone(_), .. } => "phone-changed",
            Notice::ContactChanged { new: Contact::Email(_), .. } => "email-changed",
            Notice::NewDevice { .. } => "new-device",
            Notice::SessionEnded { .. } => "session-ended",
            Notice::AccountExists => "account-exists",
            Notice::NoAccount => "no-account",
            Notice::ContactChangeUndone => "contact-change-undone",
            Notice::AccountLocked => "account-locked",
            Notice::AccountDeleted => "account-deleted",
            Notice::AccountSuspended => "account-suspended",
            Notice::AccountActivated => "account-activated",
            Notice::AccountAwaitsApproval => "account-awaits-approval",
            Notice::AccountUnlocked => "account-unlocked",
            Notice::SessionsEnded => "sessions-ended",
        }
    }

    pub(super) fn undo(&self) -> Option<&Undo> {
        match self {
            Notice::ContactChanged { undo: UndoHint::Here(undo), .. } => Some(undo),
            _ => None,
        }
    }

    /// The end of the message id that says what to do about a change that this message can't undo.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            Notice::ContactChanged { undo: UndoHint::OtherContact, .. } => Some("changed-advice"),
            Notice::ContactChanged { undo: UndoHint::Nowhere, .. } => Some("changed-final-advice"),
            _ => None,
        }
    }
}

/// Longest name of a device that is shown.
const DEVICE: usize = 40;

/// A device's name without anything that a mail program would make a link of: a thief chooses this text, and its owner
/// reads it in a message that is ours. None where nothing is left.
pub(super) fn device_name(device: &str) -> Option<String> {
    let harmless = |character: char| {
        if character.is_alphanumeric() || matches!(character, '-' | '(' | ')') { character } else { ' ' }
    };
    let words: String = device.chars().map(harmless).collect();
    let name: String = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(DEVICE).collect();
    let name = name.trim_end().to_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_can_not_smuggle_a_link() {
        let cases = [
            ("Chrome 126.0 on macOS", Some("Chrome 126 0 on macOS")),
            ("민지의 iPhone (15)", Some("민지의 iPhone (15)")),
            ("call https://evil.example/now\r\nBcc: x@y.example", Some("call https evil example now Bcc x y exam")),
            ("<b>x</b>", Some("b x b")),
            ("…/\u{202e}", None),
            ("", None),
        ];
        for (given, shown) in cases {
            assert_eq!(device_name(given).as_deref(), shown);
        }
    }
}
