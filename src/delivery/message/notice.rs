//! Notices to the owner of an account.

use std::time::Duration;

use domain::contact::Contact;
use platform::config::Secret;

/// An event about which the owner of an account is notified.
#[derive(Clone, Debug)]
pub enum Notice {
    PasswordChanged,
    /// Sent to the old contact; `new` is shown masked. `undo` states how the owner can undo the change, if possible.
    ContactChanged {
        new: Contact,
        undo: UndoHint,
    },
    /// A sign-in on an unknown device.
    NewDevice {
        /// The name that the device reports, which the person who signs in can choose freely.
        device: Option<String>,
    },
    /// A session was ended because its refresh token was reused.
    SessionEnded {
        /// The name that the device of the session reported.
        device: Option<String>,
    },
    /// A sign-up with this contact, or a contact change to it, was requested, but it already belongs to an account.
    AccountExists,
    /// A sign-in or password reset with this contact was requested, but it belongs to no account.
    NoAccount,
    /// Contact changes were undone.
    ContactChangeUndone,
    /// There were too many wrong passwords.
    AccountLocked,
    /// The account was deleted.
    AccountDeleted,
    /// An administrator suspended the account.
    AccountSuspended,
    /// An administrator activated the account.
    AccountActivated,
    /// An administrator set the account back to awaiting approval.
    AccountAwaitsApproval,
    /// An administrator unlocked the account.
    AccountUnlocked,
    /// An administrator ended every session.
    SessionsEnded,
}

/// Where the owner finds the undo link of a contact change.
#[derive(Clone, Debug)]
pub enum UndoHint {
    /// In this message.
    ThisMessage(Undo),
    /// In a message to another contact of the account.
    OtherContact,
    /// In no message.
    NotPossible,
}

/// The undo token of a contact change.
#[derive(Clone, Debug)]
pub struct Undo {
    pub token: Secret,
    pub lifetime: Duration,
}

impl Notice {
    /// The part of the message ids: `sms-notice-password-changed`.
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
            Notice::ContactChanged { undo: UndoHint::ThisMessage(undo), .. } => Some(undo),
            _ => None,
        }
    }

    /// The end of the message id with advice for a change that this message can't undo.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            Notice::ContactChanged { undo: UndoHint::OtherContact, .. } => Some("changed-advice"),
            Notice::ContactChanged { undo: UndoHint::NotPossible, .. } => Some("changed-final-advice"),
            _ => None,
        }
    }
}

/// The maximum length of a displayed device name.
const MAX_DEVICE_NAME: usize = 40;

/// A device name without characters from which a mail program would make a link: an attacker can choose this text, and
/// the owner reads it in a message of this service. None if nothing is left.
pub(super) fn linkless_device_name(device: &str) -> Option<String> {
    let harmless = |character: char| {
        if character.is_alphanumeric() || matches!(character, '-' | '(' | ')') { character } else { ' ' }
    };
    let words: String = device.chars().map(harmless).collect();
    let name: String = words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_DEVICE_NAME).collect();
    let name = name.trim_end().to_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_name_cannot_contain_a_link() {
        let cases = [
            ("Chrome 126.0 on macOS", Some("Chrome 126 0 on macOS")),
            ("민지의 iPhone (15)", Some("민지의 iPhone (15)")),
            ("call https://evil.example/now\r\nBcc: x@y.example", Some("call https evil example now Bcc x y exam")),
            ("<b>x</b>", Some("b x b")),
            ("…/\u{202e}", None),
            ("", None),
        ];
        for (given, shown) in cases {
            assert_eq!(linkless_device_name(given).as_deref(), shown);
        }
    }
}
