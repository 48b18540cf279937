//! Accounts.

use std::time::Duration;

use crate::config::{Env, Setting};
use domain::contact::ContactKind;

pub const SETTINGS: &[Setting] = &[
    Setting::new(
        "ACTIVATION",
        "proof",
        "proof: whoever signs up has proved a contact before. email: signing up without a proof makes an account that a code sent to its address activates.",
    ),
    Setting::new(
        "APPROVAL",
        "none",
        "none: an account can be used once its contact is proved. admin: an administrator approves it first.",
    ),
    Setting::new(
        "ACCOUNT_DISCLOSURE",
        "uniform",
        "uniform: an unknown account is answered like a known one. explicit: answers may say that there is none, or that a contact is taken.",
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

/// How accounts behave.
#[derive(Clone, Debug)]
pub struct Account {
    /// Whether somebody may sign up with an address that is yet to be proved.
    pub activation_by_email: bool,
    /// Whether an administrator has to approve of new accounts.
    pub approval: bool,
    /// Whether answers may tell an unknown account from a known one.
    pub disclosed: bool,
    pub tell_unknown: TellUnknown,
    pub contact_undo: Duration,
}

/// Which contacts without an account are told so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TellUnknown {
    Off,
    Email,
    All,
}

impl TellUnknown {
    /// Whether contacts of this kind are told.
    pub fn includes(self, kind: ContactKind) -> bool {
        match self {
            TellUnknown::Off => false,
            TellUnknown::Email => kind == ContactKind::Email,
            TellUnknown::All => true,
        }
    }
}

impl Account {
    pub fn from_env(env: &Env) -> Self {
        let hour = Duration::from_secs(60 * 60);
        Self {
            activation_by_email: env.choice("ACTIVATION", &[("proof", false), ("email", true)]),
            approval: env.choice("APPROVAL", &[("none", false), ("admin", true)]),
            disclosed: env.choice("ACCOUNT_DISCLOSURE", &[("uniform", false), ("explicit", true)]),
            tell_unknown: env.choice(
                "TELL_UNKNOWN_CONTACTS",
                &[("off", TellUnknown::Off), ("email", TellUnknown::Email), ("all", TellUnknown::All)],
            ),
            contact_undo: env.duration("CONTACT_UNDO", hour..=hour * 24 * 30),
        }
    }
}
