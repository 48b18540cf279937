//! Verifications and proofs, as shown to the holder of their ids.

use crate::graphql::errors::Result;
use async_graphql::{Context, ID, Object, SimpleObject};

use crate::{
    graphql::{
        context::RequestContext,
        enums::{Channel, CodeFormat, DeliveryFailure, DeliveryStatus, VerificationPurpose, VerificationStatus},
        scalars::DateTime,
    },
    verification,
};

pub struct Verification(pub verification::VerificationView);

/// One attempt to prove control of a contact, for one purpose.
#[Object]
impl Verification {
    /// Id of the verification. It is a capability: its holder can watch, resend, confirm and cancel the verification,
    /// so do not share it.
    async fn id(&self) -> ID {
        self.0.id().as_str().into()
    }

    /// Purpose that the confirmed code can be used for.
    async fn purpose(&self) -> VerificationPurpose {
        self.0.purpose().into()
    }

    /// The contact with its middle masked, e.g. +82 10-••••-5678 or h•••@example.com.
    async fn masked_to(&self) -> String {
        self.0.masked_to()
    }

    /// Status of the verification.
    async fn status(&self) -> VerificationStatus {
        self.0.effective_status().into()
    }

    /// Delivery of the newest message. A resend starts a new delivery.
    async fn delivery(&self) -> Delivery {
        let delivery = self.0.delivery();
        Delivery {
            channel: delivery.channel.into(),
            status: delivery.status.into(),
            failure: delivery.failure.map(Into::into),
            updated_at: DateTime(delivery.updated_at),
        }
    }

    /// Number of wrong codes that can still be entered before the verification is locked.
    async fn attempts_remaining(&self) -> i32 {
        self.0.attempts_remaining()
    }

    /// Length of the code in characters.
    async fn code_length(&self) -> i32 {
        self.0.code_length()
    }

    /// Character set of the code.
    async fn code_format(&self) -> CodeFormat {
        self.0.code_format().into()
    }

    /// When the verification was started.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at())
    }

    /// When it last changed, in any field; expiry counts as a change.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at())
    }

    /// When the code expires.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.0.expires_at())
    }

    /// When the resend cooldown ends. Null if no resend will be possible: the code expires before that, or the
    /// verification is over. The daily quota of the contact can still prevent a resend (see sendsRemaining).
    async fn resend_available_at(&self) -> Option<DateTime> {
        self.0.resend_available_at().map(DateTime)
    }

    /// Number of messages that can still be sent to this contact today, in the service's quota time zone. Null if the
    /// number is not limited, as for test contacts.
    async fn sends_remaining(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        let left = ctx.services().verifications.sends_remaining(&self.0).await?;
        Ok(left.map(|left| i32::try_from(left).unwrap_or(i32::MAX)))
    }

    /// Version of this snapshot. It increases with every change: of two snapshots, the one with the higher number is
    /// newer.
    async fn sequence(&self) -> i32 {
        i32::try_from(self.0.sequence()).unwrap_or(i32::MAX)
    }
}

/// Delivery of a message. For SIGN_IN and PASSWORD_RESET the status does not go beyond SENT unless account disclosure
/// is enabled, so that known and unknown accounts look the same.
#[derive(SimpleObject)]
pub struct Delivery {
    /// Channel of the message.
    channel: Channel,
    /// Status of the delivery.
    status: DeliveryStatus,
    /// Why it was not delivered. Null unless status is FAILED or UNDELIVERED.
    failure: Option<DeliveryFailure>,
    /// When the status last changed.
    updated_at: DateTime,
}

/// Result of a confirmed verification. It can be used once, within its lifetime.
#[derive(SimpleObject)]
pub struct Proof {
    /// Purpose that the proof can be used for.
    purpose: VerificationPurpose,
    /// Proof token: 64 lower-case hexadecimal digits, single use.
    token: String,
    /// When the proof expires if it is not used.
    expires_at: DateTime,
    /// The same fact as a signed JWT. Any back end can verify it with the keys at /.well-known/jwks.json, without
    /// calling this service.
    attestation: String,
}

impl From<verification::IssuedProof> for Proof {
    fn from(proof: verification::IssuedProof) -> Self {
        Self {
            purpose: proof.purpose.into(),
            token: proof.token.expose().to_owned(),
            expires_at: DateTime(proof.expires_at),
            attestation: proof.attestation.expose().to_owned(),
        }
    }
}
