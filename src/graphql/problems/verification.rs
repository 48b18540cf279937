//! Problems of verifications and proofs.

use async_graphql::{Context, SimpleObject};

use super::ProblemCode;
use crate::{
    graphql::{context::Asking, enums::RejectionReason, types::Verification},
    texts::Arg,
    verification::{self, Standing},
};

/// The code is not the one that was sent.
#[derive(SimpleObject)]
pub struct CodeMismatch {
    /// CODE_MISMATCH.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// Attempts that are left; with none left the verification is locked.
    attempts_remaining: i32,
}

impl CodeMismatch {
    pub fn new(ctx: &Context<'_>, attempts_remaining: i32) -> Self {
        let attempts = Arg::Number(u64::try_from(attempts_remaining).unwrap_or_default());
        Self {
            code: ProblemCode::CodeMismatch.noted(ctx),
            message: ctx.say("problem-code-mismatch", &[("attempts", attempts)]),
            attempts_remaining,
        }
    }
}

/// There is no verification with this id.
#[derive(SimpleObject)]
pub struct VerificationNotFound {
    /// VERIFICATION_NOT_FOUND.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
}

impl VerificationNotFound {
    pub fn new(ctx: &Context<'_>) -> Self {
        Self {
            code: ProblemCode::VerificationNotFound.noted(ctx),
            message: ctx.say("problem-verification-not-found", &[]),
        }
    }
}

/// The verification is over; its status says how it ended.
#[derive(SimpleObject)]
pub struct VerificationNotPending {
    /// VERIFICATION_NOT_PENDING.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// As it stands.
    verification: Verification,
}

impl VerificationNotPending {
    pub fn new(ctx: &Context<'_>, verification: verification::Verification) -> Self {
        let id = match verification.standing() {
            // It was over a moment ago, or it would not be refused; whoever reads this may try again.
            Standing::Pending => "problem-other",
            Standing::Verified => "problem-verification-not-pending-verified",
            Standing::Expired => "problem-verification-not-pending-expired",
            Standing::Locked => "problem-verification-not-pending-locked",
            Standing::Canceled => "problem-verification-not-pending-canceled",
        };
        Self {
            code: ProblemCode::VerificationNotPending.noted(ctx),
            message: ctx.say(id, &[]),
            verification: Verification(verification),
        }
    }
}

/// A contact of the account that was not changed has to confirm the undo: a code is on its way to it. Confirm it, and
/// send undoContactChange again with the same token and the proof.
#[derive(SimpleObject)]
pub struct UndoConfirmationRequired {
    /// UNDO_CONFIRMATION_REQUIRED.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// A CONTACT_UNDO verification of that contact.
    verification: Verification,
}

impl UndoConfirmationRequired {
    pub fn new(ctx: &Context<'_>, verification: verification::Verification) -> Self {
        Self {
            code: ProblemCode::UndoConfirmationRequired.noted(ctx),
            message: ctx.say("problem-undo-confirmation-required", &[]),
            verification: Verification(verification),
        }
    }
}

/// The provider refused at once: a number that can't get messages, a blocked destination.
#[derive(SimpleObject)]
pub struct DeliveryRefused {
    /// DELIVERY_REFUSED.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// The provider's own code, where it gave one.
    provider_code: Option<String>,
}

impl DeliveryRefused {
    pub fn new(ctx: &Context<'_>, provider_code: Option<String>) -> Self {
        Self {
            code: ProblemCode::DeliveryRefused.noted(ctx),
            message: ctx.say("problem-delivery-refused", &[]),
            provider_code,
        }
    }
}

/// The proof can't be spent.
#[derive(SimpleObject)]
pub struct ProofRejected {
    /// PROOF_REJECTED.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// Why.
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
        Self::saying(ctx, id, reason)
    }

    /// The token of a change of contact, in words of its own: nobody verified anything.
    pub fn of_undo(ctx: &Context<'_>, reason: verification::Rejection) -> Self {
        use verification::Rejection;
        let id = match reason {
            Rejection::Unknown | Rejection::WrongPurpose => "problem-undo-rejected-unknown",
            Rejection::Expired => "problem-undo-rejected-expired",
            Rejection::Spent => "problem-undo-rejected-spent",
        };
        Self::saying(ctx, id, reason)
    }

    fn saying(ctx: &Context<'_>, id: &str, reason: verification::Rejection) -> Self {
        Self { code: ProblemCode::ProofRejected.noted(ctx), message: ctx.say(id, &[]), reason: reason.into() }
    }
}
