//! Problems of signing in and staying so.

use std::time::Duration;

use async_graphql::{Context, SimpleObject};

use super::ProblemCode;
use crate::{
    clock::Timestamp,
    graphql::{context::Asking, enums::RejectionReason, scalars::DateTime},
    session,
    texts::Arg,
};

/// Too many wrong passwords in a row. A device that signed in before is counted by itself: what others enter does not
/// lock it. A new password unlocks the account. Where resetPassword sets it, it needs a code, and a code may be refused
/// with QuotaExceeded.
#[derive(SimpleObject)]
pub struct AccountLocked {
    /// ACCOUNT_LOCKED.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// When it unlocks by itself. Null where only an administrator or a new password unlocks it.
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

/// The refresh token is not honoured; the person has to sign in again.
#[derive(SimpleObject)]
pub struct RefreshRejected {
    /// REFRESH_REJECTED.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// Why.
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
