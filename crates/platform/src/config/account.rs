//! Settings of accounts.

use std::time::Duration;

use crate::config::{Env, Setting};
use domain::contact::ContactKind;

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "ACTIVATION",
        "proof",
        "proof: sign-up requires a proof of a contact. email: sign-up without a proof creates an inactive account, which is activated by a code sent to its e-mail address.",
    ),
    Setting::new(
        "APPROVAL",
        "none",
        "none: an account can be used once its contact is verified. admin: an administrator must approve it first.",
    ),
    Setting::new(
        "ACCOUNT_DISCLOSURE",
        "uniform",
        "uniform: responses are the same whether or not an account exists. explicit: responses may say that there is no account, or that a contact is taken.",
    ),
    Setting::new(
        "TELL_UNKNOWN_CONTACTS",
        "email",
        "off, email, or all (text messages cost money): which contacts without an account get a message that there is no \
         account and how to sign up, when a sign-in or a password reset is requested for them. For \
         ACCOUNT_DISCLOSURE=uniform; the response is the same in any case.",
    ),
    Setting::new(
        "CONTACT_UNDO",
        "72h",
        "How long a change of phone or e-mail can be undone with the token that is sent to the old contact: 1h to 30d.",
    ),
];

/// Settings of accounts.
#[derive(Clone, Debug)]
pub struct Account {
    /// Whether sign-up without a proof is possible, with activation by e-mail.
    pub activation_by_email: bool,
    /// Whether an administrator must approve new accounts.
    pub approval: bool,
    /// Whether responses may reveal whether an account exists.
    pub discloses_accounts: bool,
    pub notify_unknown: NotifyUnknown,
    pub contact_undo: Duration,
}

/// Which contacts without an account get a message that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyUnknown {
    Off,
    Email,
    All,
}

impl NotifyUnknown {
    /// Whether contacts of this kind get the message.
    pub fn includes(self, kind: ContactKind) -> bool {
        match self {
            NotifyUnknown::Off => false,
            NotifyUnknown::Email => kind == ContactKind::Email,
            NotifyUnknown::All => true,
        }
    }
}

impl Account {
    pub fn from_env(env: &Env) -> Self {
        let hour = Duration::from_secs(60 * 60);
        Self {
            activation_by_email: env.choice("ACTIVATION", &[("proof", false), ("email", true)]),
            approval: env.choice("APPROVAL", &[("none", false), ("admin", true)]),
            discloses_accounts: env.choice("ACCOUNT_DISCLOSURE", &[("uniform", false), ("explicit", true)]),
            notify_unknown: env.choice(
                "TELL_UNKNOWN_CONTACTS",
                &[("off", NotifyUnknown::Off), ("email", NotifyUnknown::Email), ("all", NotifyUnknown::All)],
            ),
            contact_undo: env.duration("CONTACT_UNDO", hour..=hour * 24 * 30),
        }
    }
}
