//! Problems about sign-in and sessions.

use std::time::Duration;

use async_graphql::{Context, SimpleObject};

use super::ProblemCode;
use crate::{
    graphql::{context::Asking, enums::RejectionReason, scalars::DateTime},
    session,
};
use domain::Timestamp;
use platform::texts::Arg;

/// The account is locked after too many consecutive wrong passwords. Devices that have signed in before have their own
/// counter, so wrong passwords entered on other devices do not lock them out. Setting a new password unlocks the
/// account. resetPassword needs a code for that, and sending the code can fail with QuotaExceeded.
#[derive(SimpleObject)]
pub struct AccountLocked {
    /// Always ACCOUNT_LOCKED.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// When the lock ends. Null if only an administrator or a new password ends it.
    unlocks_at: Option<DateTime>,
}

impl AccountLocked {
    pub fn new(ctx: &Context<'_>, unlocks_at: Timestamp) -> Self {
        let wait = (unlocks_at - ctx.rooms().clock.now()).to_std().unwrap_or(Duration::ZERO);
        Self {
            code: ProblemCode::AccountLocked.noted(ctx),
            message: ctx.say("problem-account-locked-until", &[("wait", Arg::Wait(wait))]),
            unlocks_at: Some(DateTime(unlocks_at)),
        }
    }
}

/// The refresh token is not accepted; the user must sign in again.
#[derive(SimpleObject)]
pub struct RefreshRejected {
    /// Always REFRESH_REJECTED.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// Why the refresh token is rejected.
    reason: RejectionReason,
}

impl RefreshRejected {
    pub fn new(ctx: &Context<'_>, reason: session::RefreshRejection) -> Self {
        let id = match reason {
            session::RefreshRejection::Unknown => "problem-refresh-rejected-unknown",
            session::RefreshRejection::Expired => "problem-refresh-rejected-expired",
            session::RefreshRejection::Revoked => "problem-refresh-rejected-revoked",
            session::RefreshRejection::Reused => "problem-refresh-rejected-reused",
            session::RefreshRejection::Ambiguous => "problem-refresh-rejected-ambiguous",
        };
        Self { code: ProblemCode::RefreshRejected.noted(ctx), message: ctx.say(id, &[]), reason: reason.into() }
    }
}
