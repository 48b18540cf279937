//! A verification as shown to the holder of its id.

use std::time::Duration;

use crate::events::Snapshot;
use domain::{
    Timestamp,
    channel::Channel,
    contact::Contact,
    ids::{AccountId, VerificationId},
    purpose::Purpose,
    status::{CodeFormat, DeliveryFailure, DeliveryStatus, Status},
    verification::{
        Verification,
        rules::{self, EffectiveStatus},
    },
};
use platform::clock::Clock;

/// The state of a verification at one time. It exposes neither the contact nor the code.
#[derive(Clone, Debug)]
pub struct VerificationView {
    row: Box<Verification>,
    cooldown: Duration,
    /// The time of the state.
    as_of: Timestamp,
}

/// Status of the newest message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryView {
    pub channel: Channel,
    pub status: DeliveryStatus,
    pub failure: Option<DeliveryFailure>,
    pub updated_at: Timestamp,
}

impl VerificationView {
    pub(super) fn new(row: Verification, cooldown: Duration, clock: &Clock) -> Self {
        Self { row: Box::new(row), cooldown, as_of: clock.now() }
    }

    pub fn id(&self) -> &VerificationId {
        &self.row.id
    }

    pub fn purpose(&self) -> Purpose {
        self.row.purpose
    }

    /// The account, if the verification belongs to one.
    pub fn account(&self) -> Option<&AccountId> {
        self.row.account_id.as_ref()
    }

    /// The contact of the code. For decisions only; it is not shown.
    pub fn contact(&self) -> Option<Contact> {
        Contact::from_stored(self.row.contact_kind, &self.row.contact)
    }

    /// The contact with its middle masked.
    pub fn masked_to(&self) -> String {
        self.contact().map_or_else(String::new, |to| to.masked())
    }

    pub fn effective_status(&self) -> EffectiveStatus {
        rules::effective_status(self.row.status, self.row.expires_at, self.as_of)
    }

    pub fn delivery(&self) -> DeliveryView {
        DeliveryView {
            channel: self.row.delivery_channel,
            status: self.row.delivery_status,
            failure: self.row.delivery_failure,
            updated_at: self.row.delivery_updated_at,
        }
    }

    pub fn attempts_remaining(&self) -> i32 {
        // The correct guess does not count as an attempt.
        let wrong = self.row.attempts - i32::from(self.row.status == Status::Verified);
        (self.row.max_attempts - wrong).max(0)
    }

    /// Number of characters.
    pub fn code_length(&self) -> i32 {
        self.row.code_length
    }

    pub fn code_format(&self) -> CodeFormat {
        self.row.code_format
    }

    pub fn created_at(&self) -> Timestamp {
        self.row.created_at
    }

    pub fn expires_at(&self) -> Timestamp {
        self.row.expires_at
    }

    /// The earliest time at which a resend is accepted. None: the verification is over.
    pub fn resend_available_at(&self) -> Option<Timestamp> {
        rules::resend_available_at(&self.row, self.cooldown, self.as_of)
    }

    /// Increases with every change. Expiry is not written to the database, so it is added here.
    pub fn sequence(&self) -> i64 {
        self.row.sequence + i64::from(self.effective_status() == EffectiveStatus::Expired)
    }

    /// When it last changed. Expiry is a change that is not stored. Processes of the previous version do not store the
    /// time of a change, so the other times of the row are considered too.
    pub fn updated_at(&self) -> Timestamp {
        let row = &self.row;
        let expired = (self.effective_status() == EffectiveStatus::Expired).then_some(row.expires_at);
        let later = [row.updated_at, Some(row.delivery_updated_at), row.ended_at, expired];
        later.into_iter().flatten().fold(row.created_at, Timestamp::max)
    }

    pub(super) fn row(&self) -> &Verification {
        &self.row
    }

    /// Updates the row and the time.
    pub(super) fn replace(&mut self, row: Verification, now: Timestamp) {
        *self.row = row;
        self.as_of = now;
    }

    /// Updates the time only.
    pub(super) fn advance_to(&mut self, now: Timestamp) {
        self.as_of = now;
    }

    /// Applies a published change. False: it is older than the known state.
    pub(super) fn apply(&mut self, change: &Snapshot, now: Timestamp) -> bool {
        if change.sequence <= self.row.sequence {
            return false;
        }
        self.row.sequence = change.sequence;
        self.row.status = change.status;
        self.row.attempts = change.attempts;
        self.row.delivery_channel = change.delivery_channel;
        self.row.delivery_status = change.delivery_status;
        self.row.delivery_failure = change.delivery_failure;
        self.row.delivery_updated_at = change.delivery_updated_at;
        self.row.last_sent_at = change.last_sent_at;
        self.row.expires_at = change.expires_at;
        self.row.updated_at = change.updated_at;
        self.as_of = now;
        true
    }
}
