//! The heart: a code is sent, watched, confirmed, and ends in a proof.
//!
//! One file per act. Each asks its quotas, decides by `rules`, and makes its change in one transaction; what changed is
//! published after the commit.

mod attestation;
mod cancel;
mod checked;
mod confirm;
mod draft;
mod expiry;
mod number;
mod proof;
mod repeat;
mod resend;
pub mod rules;
mod start;
mod turns;
mod view;
mod watch;

use std::sync::Arc;

use chrono::Datelike;

pub use self::{
    attestation::{Attestation, Attestor},
    cancel::Canceled,
    confirm::{Confirmation, Proof},
    expiry::ExpiryCounter,
    proof::{ProofToken, Rejection, spent},
    resend::Resent,
    rules::Standing,
    start::{Audience, Judge, Recipient, Start, Started, Writing},
    turns::Turns,
    view::{Delivery, Verification},
};
use crate::{
    clock::{Clock, Entropy, Instant},
    config::{self, TellUnknown, quota::ContactQuotas},
    contact::Contact,
    delivery::{Channel, Outbox, Routes},
    events::{Events, Snapshot},
    fault::Fault,
    ids::{AccountId, VerificationId},
    keys::ServerKeys,
    purpose::Purpose,
    quota::{Quotas, rules::local_day},
    store::{
        Page, Slice, Store, UsageLimits,
        entity::{self, account::AccountStatus},
    },
    telemetry::metrics::{self, End},
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
    /// What one contact may use up.
    pub limits: ContactQuotas,
    pub test_contacts: config::TestContacts,
    /// Which channels anybody carries messages of.
    pub routes: Routes,
    pub quotas: Quotas,
    pub events: Events,
    pub outbox: Outbox,
    /// Who asks with one idempotency key at the same time.
    pub turns: Turns,
    pub attestor: Attestor,
    /// Whether answers may tell an unknown account from a known one.
    pub accounts_disclosed: bool,
    /// Which contacts without an account are told so in place of a code.
    pub tell_unknown: TellUnknown,
    /// What an account becomes that signed up with an address and confirms its code.
    pub activated: AccountStatus,
}

impl Verifications {
    /// How a proof stands that somebody wants to spend, without spending it: what it entitles to is judged before.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn look_at_proof(
        &self,
        token_hash: &str,
        purpose: Purpose,
    ) -> Result<Result<entity::proof::Model, Rejection>, Fault> {
        let found = self.0.store.proof(token_hash).await?;
        Ok(proof::look(found, purpose, self.0.clock.now()))
    }

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

    /// The verifications of an account, newest first. `by_holder`: its holder reads them; somebody else sees none that
    /// is pending.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn history(
        &self,
        account: &AccountId,
        by_holder: bool,
        slice: &Slice,
    ) -> Result<Page<Verification>, Fault> {
        let page = self.0.store.verifications_of(account, slice, by_holder, self.0.clock.now()).await?;
        Ok(Page { rows: page.rows.into_iter().map(|row| self.0.view(row)).collect(), more: page.more })
    }

    /// Whether anybody carries messages of this channel.
    pub fn reaches(&self, channel: Channel) -> bool {
        self.0.routes.leads(channel)
    }

    /// Whether a provider makes the codes for this contact, so that it matters whether the client is known.
    pub fn needs_known_client(&self, channel: Channel, to: &Contact) -> bool {
        self.0.code_maker(channel, to).is_some()
    }

    /// Whether a code by e-mail signs in (`SIGN_IN_BY_EMAIL_CODE`).
    pub fn sign_in_by_email_code(&self) -> bool {
        self.0.settings.sign_in_by_email_code
    }

    /// Messages that the contact of this verification can still get today; none: as many as it likes.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sends_remaining(&self, verification: &Verification) -> Result<Option<u32>, Fault> {
        let row = verification.row();
        let Some(daily) = self.0.limits.daily_sends.filter(|_| row.scenario.is_none()) else { return Ok(None) };
        let today = self.0.today(self.0.clock.now());
        let usage = self.0.store.contact_usage(&Parts::usage_key(row)).await?;
        let used = usage.filter(|usage| usage.day >= today).map_or(0, |usage| usage.sends.unsigned_abs());
        Ok(Some(daily.get().saturating_sub(used)))
    }
}

impl Parts {
    fn view(&self, row: entity::verification::Model) -> Verification {
        Verification::new(row, self.limits.resend_cooldown, &self.clock)
    }

    /// The day that counts belong to, in days of the Common Era.
    fn today(&self, now: Instant) -> i32 {
        local_day(now, self.limits.time_zone).num_days_from_ce()
    }

    /// The bounds that a send to any contact is judged by.
    fn send_limits(&self, now: Instant) -> UsageLimits {
        UsageLimits {
            day: self.today(now),
            daily: self.limits.daily_sends,
            cooled_down_since: Some(now - self.limits.resend_cooldown),
        }
    }

    /// The bounds that a guess at any contact's code is counted within.
    fn guess_limits(&self, now: Instant) -> UsageLimits {
        UsageLimits { day: self.today(now), daily: self.limits.daily_guesses, cooled_down_since: None }
    }

    /// What a verification's sends and guesses are counted by.
    fn usage_key(row: &entity::verification::Model) -> String {
        let contact = Contact::from_stored(row.contact_kind, &row.contact);
        contact.map_or_else(|| row.contact_key.clone(), |contact| row.purpose.usage_key(&contact))
    }

    /// The code that a test contact always gets, and the play that goes with it.
    fn test_contact(&self, contact: &Contact) -> Option<&config::TestContact> {
        self.test_contacts.get(contact.key())
    }

    /// Counts the end of a verification. A decoy is none: it would pass for somebody who did not come back.
    fn ended(row: &entity::verification::Model, end: End) {
        if !row.decoy {
            metrics::verification_ended(row.purpose, row.delivery_channel, end);
        }
    }

    /// Tells whoever watches how a verification stands after a commit.
    fn published(&self, row: entity::verification::Model) -> Verification {
        self.events.publish(Snapshot::of(&row));
        self.view(row)
    }
}
