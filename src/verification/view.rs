//! A verification as whoever holds its id may see it.

use std::time::Duration;

use super::rules::{self, Standing};
use crate::{
    channel::Channel,
    clock::{Clock, Instant},
    contact::Contact,
    events::Snapshot,
    ids::{AccountId, VerificationId},
    purpose::Purpose,
    status::{CodeFormat, DeliveryFailure, DeliveryStatus, Status},
    store::entity::verification::Model,
};

/// A verification as it stood at one instant. It shows neither the contact nor the code.
#[derive(Clone, Debug)]
pub struct Verification {
    row: Box<Model>,
    cooldown: Duration,
    /// The instant that it is shown as of.
    as_of: Instant,
}

/// What became of its newest message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub channel: Channel,
    pub status: DeliveryStatus,
    pub failure: Option<DeliveryFailure>,
    pub updated_at: Instant,
}

impl Verification {
    pub(super) fn new(row: Model, cooldown: Duration, clock: &Clock) -> Self {
        Self { row: Box::new(row), cooldown, as_of: clock.now() }
    }

    pub fn id(&self) -> &VerificationId {
        &self.row.id
    }

    pub fn purpose(&self) -> Purpose {
        self.row.purpose
    }

    /// Whose it is, if it is an account's.
    pub fn account(&self) -> Option<&AccountId> {
        self.row.account_id.as_ref()
    }

    /// Where its code goes. For decisions: it is not shown.
    pub fn contact(&self) -> Option<Contact> {
        Contact::from_stored(self.row.contact_kind, &self.row.contact)
    }

    /// The contact with its middle hidden.
    pub fn masked_to(&self) -> String {
        self.contact().map_or_else(String::new, |to| to.masked())
    }

    pub fn standing(&self) -> Standing {
        rules::standing(self.row.status, self.row.expires_at, self.as_of)
    }

    pub fn delivery(&self) -> Delivery {
        Delivery {
            channel: self.row.delivery_channel,
            status: self.row.delivery_status,
            failure: self.row.delivery_failure,
            updated_at: self.row.delivery_updated_at,
        }
    }

    pub fn attempts_remaining(&self) -> i32 {
        // The right guess used none of them up.
        let wrong = self.row.attempts - i32::from(self.row.status == Status::Verified);
        (self.row.max_attempts - wrong).max(0)
    }

    /// Characters.
    pub fn code_length(&self) -> i32 {
        self.row.code_length
    }

    pub fn code_format(&self) -> CodeFormat {
        self.row.code_format
    }

    pub fn created_at(&self) -> Instant {
        self.row.created_at
    }

    pub fn expires_at(&self) -> Instant {
        self.row.expires_at
    }

    /// When a resend is accepted at the earliest; none once it is over.
    pub fn resend_available_at(&self) -> Option<Instant> {
        rules::resend_available_at(&self.row, self.cooldown, self.as_of)
    }

    /// Grows with every change. Expiry is one that nobody writes, so it is counted here.
    pub fn sequence(&self) -> i64 {
        self.row.sequence + i64::from(self.standing() == Standing::Expired)
    }

    /// When it changed last. Expiry is a change that nobody writes. A process of the version before writes no such time,
    /// so the other times of the row count too.
    pub fn updated_at(&self) -> Instant {
        let row = &self.row;
        let expired = (self.standing() == Standing::Expired).then_some(row.expires_at);
        let later = [row.updated_at, Some(row.delivery_updated_at), row.ended_at, expired];
        later.into_iter().flatten().fold(row.created_at, Instant::max)
    }

    pub(super) fn row(&self) -> &Model {
        &self.row
    }

    /// The same verification as its row and the clock now show it.
    pub(super) fn replace(&mut self, row: Model, now: Instant) {
        *self.row = row;
        self.as_of = now;
    }

    /// The same verification as the clock now shows it.
    pub(super) fn look(&mut self, now: Instant) {
        self.as_of = now;
    }

    /// The same verification after a change that was published. False: the change is older than what is known.
    pub(super) fn take(&mut self, change: &Snapshot, now: Instant) -> bool {
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
