//! Problems about verifications and proofs.

use async_graphql::{Context, SimpleObject};

use super::ProblemCode;
use crate::{
    graphql::{context::RequestContext, enums::RejectionReason, types::Verification},
    verification,
};
use domain::verification::rules::EffectiveStatus;
use platform::texts::Arg;

/// The code is wrong.
#[derive(SimpleObject)]
pub struct CodeMismatch {
    /// Always CODE_MISMATCH.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// Number of attempts left. If it is 0, the verification is locked.
    attempts_remaining: i32,
}

impl CodeMismatch {
    pub fn new(ctx: &Context<'_>, attempts_remaining: i32) -> Self {
        let attempts = Arg::Number(u64::try_from(attempts_remaining).unwrap_or_default());
        Self {
            code: ProblemCode::CodeMismatch.record(ctx),
            message: ctx.localize("problem-code-mismatch", &[("attempts", attempts)]),
            attempts_remaining,
        }
    }
}

/// There is no verification with this id.
#[derive(SimpleObject)]
pub struct VerificationNotFound {
    /// Always VERIFICATION_NOT_FOUND.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
}

impl VerificationNotFound {
    pub fn new(ctx: &Context<'_>) -> Self {
        Self {
            code: ProblemCode::VerificationNotFound.record(ctx),
            message: ctx.localize("problem-verification-not-found", &[]),
        }
    }
}

/// The verification is no longer pending; its status shows how it ended.
#[derive(SimpleObject)]
pub struct VerificationNotPending {
    /// Always VERIFICATION_NOT_PENDING.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// The verification with its current status.
    verification: Verification,
}

impl VerificationNotPending {
    pub fn new(ctx: &Context<'_>, verification: verification::VerificationView) -> Self {
        let id = match verification.effective_status() {
            // The verification was over when it was checked, so the client may try again.
            EffectiveStatus::Pending => "problem-other",
            EffectiveStatus::Verified => "problem-verification-not-pending-verified",
            EffectiveStatus::Expired => "problem-verification-not-pending-expired",
            EffectiveStatus::Locked => "problem-verification-not-pending-locked",
            EffectiveStatus::Canceled => "problem-verification-not-pending-canceled",
        };
        Self {
            code: ProblemCode::VerificationNotPending.record(ctx),
            message: ctx.localize(id, &[]),
            verification: Verification(verification),
        }
    }
}

/// The undo must be confirmed with a contact of the account that was not changed. A code has been sent to it. Confirm
/// the code, then call undoContactChange again with the same token and the proof.
#[derive(SimpleObject)]
pub struct UndoConfirmationRequired {
    /// Always UNDO_CONFIRMATION_REQUIRED.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// The CONTACT_UNDO verification for that contact.
    verification: Verification,
}

impl UndoConfirmationRequired {
    pub fn new(ctx: &Context<'_>, verification: verification::VerificationView) -> Self {
        Self {
            code: ProblemCode::UndoConfirmationRequired.record(ctx),
            message: ctx.localize("problem-undo-confirmation-required", &[]),
            verification: Verification(verification),
        }
    }
}

/// The provider refused the message at once, e.g. because the number can't receive messages or the destination is
/// blocked.
#[derive(SimpleObject)]
pub struct DeliveryRefused {
    /// Always DELIVERY_REFUSED.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// Error code of the provider. Null if the provider gave none.
    provider_code: Option<String>,
}

impl DeliveryRefused {
    pub fn new(ctx: &Context<'_>, provider_code: Option<String>) -> Self {
        Self {
            code: ProblemCode::DeliveryRefused.record(ctx),
            message: ctx.localize("problem-delivery-refused", &[]),
            provider_code,
        }
    }
}

/// The proof is not accepted.
#[derive(SimpleObject)]
pub struct ProofRejected {
    /// Always PROOF_REJECTED.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// Why the proof is rejected.
    reason: RejectionReason,
}

impl ProofRejected {
    pub fn new(ctx: &Context<'_>, reason: verification::Rejection) -> Self {
        use verification::Rejection;
        let id = match reason {
            Rejection::Unknown => "problem-proof-rejected-unknown",
            Rejection::Expired => "problem-proof-rejected-expired",
            Rejection::Spent => "problem-proof-rejected-spent",
            Rejection::WrongPurpose => "problem-proof-rejected-wrong-purpose",
        };
        Self::with_message(ctx, id, reason)
    }

    /// For the undo token of a contact change. It has its own messages, because the user did not verify anything.
    pub fn for_undo_token(ctx: &Context<'_>, reason: verification::Rejection) -> Self {
        use verification::Rejection;
        let id = match reason {
            Rejection::Unknown | Rejection::WrongPurpose => "problem-undo-rejected-unknown",
            Rejection::Expired => "problem-undo-rejected-expired",
            Rejection::Spent => "problem-undo-rejected-spent",
        };
        Self::with_message(ctx, id, reason)
    }

    fn with_message(ctx: &Context<'_>, id: &str, reason: verification::Rejection) -> Self {
        Self { code: ProblemCode::ProofRejected.record(ctx), message: ctx.localize(id, &[]), reason: reason.into() }
    }
}
