//! Verifications: sending a code, watching its status, confirming it and issuing a proof.
//!
//! One file per operation. Each charges its quotas, decides by the rules of `domain`, and makes its change in one transaction.
//! Changes are published after the commit.

mod attestation;
mod cancel;
mod checked;
mod code_settings;
mod confirm;
mod draft;
mod expiry;
mod idempotency_locks;
mod proof;
mod repeat;
mod resend;
mod slot;
mod start;
mod view;
mod watch;

use std::sync::Arc;

use chrono::Datelike;

pub use self::{
    attestation::{Attestation, Attestor},
    cancel::CancelOutcome,
    confirm::{ConfirmOutcome, IssuedProof},
    expiry::ExpiryCounter,
    idempotency_locks::IdempotencyLocks,
    proof::{ProofToken, Rejection, spent_proof},
    resend::ResendResult,
    start::{RecipientSource, ResolveInTx, ResolveRecipient, Start, StartOutcome},
    view::{DeliveryView, VerificationView},
};
use crate::{
    delivery::{Outbox, Routes},
    events::{Events, Snapshot},
    quota::Quotas,
};
use domain::{
    Timestamp,
    account::AccountStatus,
    channel::Channel,
    contact::Contact,
    ids::{AccountId, VerificationId},
    proof::Proof,
    purpose::Purpose,
    quota::rules::local_day,
    verification::Verification,
};
use platform::{
    clock::{Clock, Entropy},
    config::{self, NotifyUnknown, quota::ContactQuotas},
    fault::Fault,
    keys::ServerKeys,
    telemetry::metrics::{self, End},
};
use store::{Page, PageRequest, Store, UsageLimits};

/// The verification use cases. Cheap to clone.
#[derive(Clone)]
pub struct Verifications(Arc<Deps>);

/// Dependencies of [`Verifications`].
pub struct Deps {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub keys: ServerKeys,
    pub settings: config::Verification,
    /// Limits per contact.
    pub limits: ContactQuotas,
    pub test_contacts: config::TestContacts,
    /// The providers of each channel.
    pub routes: Routes,
    pub quotas: Quotas,
    pub events: Events,
    pub outbox: Outbox,
    /// Serializes concurrent requests with the same idempotency key.
    pub idempotency_locks: IdempotencyLocks,
    pub attestor: Attestor,
    /// Whether responses may distinguish unknown accounts from known ones.
    pub accounts_disclosed: bool,
    /// Which contacts without an account get a message about that in place of a code.
    pub notify_unknown: NotifyUnknown,
    /// The status of an account after it confirmed the code of its sign-up.
    pub activated_status: AccountStatus,
}

impl Verifications {
    /// Checks a proof without spending it, so that other input can be validated first.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn check_proof(&self, token_hash: &str, purpose: Purpose) -> Result<Result<Proof, Rejection>, Fault> {
        let found = self.0.store.proof(token_hash).await?;
        Ok(proof::check(found, purpose, self.0.clock.now()))
    }

    pub fn new(deps: Deps) -> Self {
        Self(Arc::new(deps))
    }

    /// The verification with this id, in its current state.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn get(&self, id: &VerificationId) -> Result<Option<VerificationView>, Fault> {
        Ok(self.0.store.verification(id).await?.map(|row| self.0.view(row)))
    }

    /// The verifications of an account, newest first. `by_owner`: read by the account itself; other readers do not see
    /// pending ones.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn history(
        &self,
        account: &AccountId,
        by_owner: bool,
        page: &PageRequest,
    ) -> Result<Page<VerificationView>, Fault> {
        let page = self.0.store.verifications_of(account, page, by_owner, self.0.clock.now()).await?;
        Ok(Page { rows: page.rows.into_iter().map(|row| self.0.view(row)).collect(), more: page.more })
    }

    /// Whether a provider is configured for this channel.
    pub fn has_provider_for(&self, channel: Channel) -> bool {
        self.0.routes.has_provider(channel)
    }

    /// Whether a provider generates the codes for this contact, so that known clients have precedence.
    pub fn needs_known_client(&self, channel: Channel, to: &Contact) -> bool {
        self.0.code_generator(channel, to).is_some()
    }

    /// Whether codes sent by e-mail can be used to sign in (`SIGN_IN_BY_EMAIL_CODE`).
    pub fn sign_in_by_email_code(&self) -> bool {
        self.0.settings.sign_in_by_email_code
    }

    /// The number of messages that can still be sent to the contact today. None: unlimited.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn sends_remaining(&self, verification: &VerificationView) -> Result<Option<u32>, Fault> {
        let row = verification.row();
        let Some(daily) = self.0.limits.daily_sends.filter(|_| row.scenario.is_none()) else { return Ok(None) };
        let today = self.0.today(self.0.clock.now());
        let usage = self.0.store.contact_usage(&Deps::usage_key(row)).await?;
        let used = usage.filter(|usage| usage.day >= today).map_or(0, |usage| usage.sends.unsigned_abs());
        Ok(Some(daily.get().saturating_sub(used)))
    }
}

impl Deps {
    fn view(&self, row: Verification) -> VerificationView {
        VerificationView::new(row, self.limits.resend_cooldown, &self.clock)
    }

    /// The day for daily quotas, as days of the Common Era.
    fn today(&self, now: Timestamp) -> i32 {
        local_day(now, self.limits.time_zone).num_days_from_ce()
    }

    /// The limits of sends per contact.
    fn send_limits(&self, now: Timestamp) -> UsageLimits {
        UsageLimits {
            day: self.today(now),
            daily: self.limits.daily_sends,
            last_send_before: Some(now - self.limits.resend_cooldown),
        }
    }

    /// The limits of guesses per contact.
    fn guess_limits(&self, now: Timestamp) -> UsageLimits {
        UsageLimits { day: self.today(now), daily: self.limits.daily_guesses, last_send_before: None }
    }

    /// The key that a verification's sends and guesses are counted by.
    fn usage_key(row: &Verification) -> String {
        let contact = Contact::from_stored(row.contact_kind, &row.contact);
        contact.map_or_else(|| row.contact_key.clone(), |contact| row.purpose.usage_key(&contact))
    }

    /// The test contact's configuration: its fixed code and scenario.
    fn test_contact(&self, contact: &Contact) -> Option<&config::TestContact> {
        self.test_contacts.get(contact.key())
    }

    /// Counts the end of a verification in the metrics. Decoys are not counted.
    fn count_end(row: &Verification, end: End) {
        if !row.decoy {
            metrics::verification_ended(row.purpose, row.delivery_channel, end);
        }
    }

    /// Publishes the state of a verification to its watchers after a commit.
    fn publish(&self, row: Verification) -> VerificationView {
        self.events.publish(Snapshot::of(&row));
        self.view(row)
    }
}
