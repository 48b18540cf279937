//! Accounts.

use std::time::Duration;

use crate::config::{Env, Setting};

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
        "CONTACT_UNDO",
        "72h",
        "How long a change of phone or e-mail can be taken back with the token that the old contact is told: 1h to 30d.",
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
    pub contact_undo: Duration,
}

impl Account {
    pub fn from_env(env: &Env) -> Self {
        let hour = Duration::from_secs(60 * 60);
        Self {
            activation_by_email: env.choice("ACTIVATION", &[("proof", false), ("email", true)]),
            approval: env.choice("APPROVAL", &[("none", false), ("admin", true)]),
            disclosed: env.choice("ACCOUNT_DISCLOSURE", &[("uniform", false), ("explicit", true)]),
            contact_undo: env.duration("CONTACT_UNDO", hour..=hour * 24 * 30),
        }
    }
}
