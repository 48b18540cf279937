//! Verifications and proofs, as whoever holds their ids sees them.

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::{
    graphql::{
        context::Asking,
        enums::{Channel, CodeFormat, DeliveryFailure, DeliveryStatus, VerificationPurpose, VerificationStatus},
        scalars::DateTime,
    },
    verification,
};

pub struct Verification(pub verification::Verification);

/// One attempt to prove that somebody holds a contact, for one purpose.
#[Object]
impl Verification {
    /// The capability to watch, resend and confirm it. Keep it where the code is entered, and nowhere else.
    async fn id(&self) -> ID {
        self.0.id().as_str().into()
    }

    /// What the confirmed code entitles to.
    async fn purpose(&self) -> VerificationPurpose {
        self.0.purpose().into()
    }

    /// The contact with its middle hidden, e.g. +82 10-••••-5678 or h•••@example.com.
    async fn masked_to(&self) -> String {
        self.0.masked_to()
    }

    /// What became of it.
    async fn status(&self) -> VerificationStatus {
        self.0.standing().into()
    }

    /// The newest message; a resend starts a new one.
    async fn delivery(&self) -> Delivery {
        let delivery = self.0.delivery();
        Delivery {
            channel: delivery.channel.into(),
            status: delivery.status.into(),
            failure: delivery.failure.map(Into::into),
            updated_at: DateTime(delivery.updated_at),
        }
    }

    /// Guesses that are left.
    async fn attempts_remaining(&self) -> i32 {
        self.0.attempts_remaining()
    }

    /// Characters of the code.
    async fn code_length(&self) -> i32 {
        self.0.code_length()
    }

    /// What the code is made of.
    async fn code_format(&self) -> CodeFormat {
        self.0.code_format().into()
    }

    /// When it was started.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at())
    }

    /// When it changed last, in whatever field; the expiry counts as a change.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at())
    }

    /// When its code dies.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at())
    }

    /// When the cooldown between two sends is over; null where it never will be: the code dies before, or is dead. The
    /// day's sends may be used up all the same (sendsRemaining).
    async fn resend_available_at(&self) -> Option<DateTime> {
        self.0.resend_available_at().map(DateTime)
    }

    /// Sends left for this contact today, in the service's quota time zone. Null where they are not limited, as for test
    /// contacts.
    async fn sends_remaining(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<i32>> {
        let left = ctx.rooms().verifications.sends_remaining(&self.0).await?;
        Ok(left.map(|left| i32::try_from(left).unwrap_or(i32::MAX)))
    }

    /// Grows with every change: of two snapshots the one with the lower number is old.
    async fn sequence(&self) -> i32 {
        i32::try_from(self.0.sequence()).unwrap_or(i32::MAX)
    }
}

/// What became of a message. For SIGN_IN and PASSWORD_RESET the status shown stops at SENT unless accounts are
/// disclosed: an unknown account must look the same.
#[derive(SimpleObject)]
pub struct Delivery {
    /// How it travels.
    channel: Channel,
    /// How far it came.
    status: DeliveryStatus,
    /// Why it did not arrive. Null unless status is FAILED or UNDELIVERED.
    failure: Option<DeliveryFailure>,
    /// When that changed last.
    updated_at: DateTime,
}

/// A confirmed verification, to be spent once within its lifetime.
#[derive(SimpleObject)]
pub struct Proof {
    /// What it can be spent on.
    purpose: VerificationPurpose,
    /// 64 lower-case hexadecimal digits; single use.
    token: String,
    /// When it dies unspent.
    expires_at: DateTime,
    /// A signed JWT that any back end can check against /.well-known/jwks.json, without a call to this service.
    attestation: String,
}

impl From<verification::Proof> for Proof {
    fn from(proof: verification::Proof) -> Self {
        Self {
            purpose: proof.purpose.into(),
            token: proof.token.expose().to_owned(),
            expires_at: DateTime(proof.expires_at),
            attestation: proof.attestation.expose().to_owned(),
        }
    }
}
