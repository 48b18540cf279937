//! Accounts: who stands behind a contact, and what a proof does for them.

mod create;
mod notices;
mod reset;
pub mod rules;
mod send;

use std::sync::Arc;

pub use self::{
    create::{Created, NewUser},
    reset::{Claim, Identity, Reset},
    send::{Request, Sent},
};
use crate::{
    clock::{Clock, Entropy},
    config,
    delivery::Outbox,
    events::Events,
    password::{Description, Hasher, Policy},
    quota::Quotas,
    store::Store,
    verification::Verifications,
};

/// The room. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Parts>);

/// What the room is made of.
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub settings: config::Account,
    pub verifications: Verifications,
    pub quotas: Quotas,
    pub outbox: Outbox,
    pub events: Events,
    pub hasher: Hasher,
    pub policy: Policy,
}

impl Accounts {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What a new password has to be.
    pub fn password_policy(&self) -> Description {
        self.0.policy.describe()
    }
}
