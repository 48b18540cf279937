//! The heart: a code is sent, watched, confirmed, and ends in a proof.
//!
//! One file per act. Each asks its quotas, decides by `rules`, and makes its change in one transaction; what changed is
//! published after the commit.

mod attestation;
mod cancel;
mod confirm;
mod proof;
mod resend;
pub mod rules;
mod start;
mod view;
mod watch;

use std::sync::Arc;

pub use self::{
    attestation::{Attestation, Attestor},
    cancel::Canceled,
    confirm::{Confirmation, Proof},
    proof::{ProofToken, Rejection},
    resend::Resent,
    rules::Standing,
    start::{Audience, Judge, Recipient, Start, Started},
    view::{Delivery, Verification, snapshot},
};
use crate::{
    clock::{Clock, Entropy, Instant},
    config,
    contact::Contact,
    delivery::Outbox,
    events::Events,
    fault::Fault,
    ids::VerificationId,
    keys::ServerKeys,
    quota::{Quotas, rules::Day},
    store::{Store, UsageLimits, entity},
};

/// The room. Cheap to clone.
#[derive(Clone)]
pub struct Verifications(Arc<Parts>);

/// What the room is made of.
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub keys: ServerKeys,
    pub settings: config::Verification,
    pub test_contacts: config::TestContacts,
    pub quotas: Quotas,
    pub events: Events,
    pub outbox: Outbox,
    pub attestor: Attestor,
    /// Whether answers may tell an unknown account from a known one.
    pub accounts_disclosed: bool,
}

impl Verifications {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The verification with this id, as it stands now.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn get(&self, id: &VerificationId) -> Result<Option<Verification>, Fault> {
        Ok(self.0.store.verification(id).await?.map(|row| self.0.view(row)))
    }

    /// Messages that the contact of this verification can still get today; none: as many as it likes.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sends_remaining(&self, verification: &Verification) -> Result<Option<u32>, Fault> {
        let row = verification.row();
        let Some(daily) = self.0.settings.daily_sends.filter(|_| row.scenario.is_none()) else { return Ok(None) };
        let today = self.0.today(self.0.clock.now());
        let usage = self.0.store.contact_usage(&row.contact_key).await?;
        let used = usage.filter(|usage| usage.day >= today.number).map_or(0, |usage| usage.sends.unsigned_abs());
        Ok(Some(daily.saturating_sub(used)))
    }
}

impl Parts {
    fn view(&self, row: entity::verification::Model) -> Verification {
        Verification::new(row, self.settings.resend_cooldown, &self.clock)
    }

    fn today(&self, now: Instant) -> Day {
        self.quotas.day(now)
    }

    /// The bounds that a send to any contact is judged by.
    fn send_limits(&self, now: Instant) -> UsageLimits {
        UsageLimits {
            day: self.today(now).number,
            daily: self.settings.daily_sends,
            cooled_down_since: Some(now - self.settings.resend_cooldown),
        }
    }

    /// The code that a test contact always gets, and the play that goes with it.
    fn test_contact(&self, contact: &Contact) -> Option<&config::TestContact> {
        self.test_contacts.get(contact.key())
    }

    /// Tells whoever watches how a verification stands after a commit.
    fn published(&self, row: entity::verification::Model) -> Verification {
        self.events.publish(snapshot(&row));
        self.view(row)
    }
}
