//! Accounts.

use crate::config::{Env, Setting};

pub const SETTINGS: &[Setting] = &[Setting::new(
    "ACCOUNT_DISCLOSURE",
    "uniform",
    "uniform: an unknown account is answered like a known one. explicit: answers may say that there is none, or that a contact is taken.",
)];

/// How accounts behave.
#[derive(Clone, Debug)]
pub struct Account {
    /// Whether answers may tell an unknown account from a known one.
    pub disclosed: bool,
}

impl Account {
    pub fn from_env(env: &Env) -> Self {
        Self { disclosed: env.choice("ACCOUNT_DISCLOSURE", &[("uniform", false), ("explicit", true)]) }
    }
}
