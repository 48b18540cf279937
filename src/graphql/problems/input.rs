//! Problems that any operation can have.

use std::time::Duration;

use async_graphql::{Context, SimpleObject};

use super::ProblemCode;
use crate::{
    graphql::{context::Asking, enums::Quota, scalars::DateTime},
    quota::{self, Refusal},
};

/// One or more fields can't be taken as they are.
#[derive(SimpleObject)]
pub struct InvalidInput {
    /// INVALID_INPUT.
    code: ProblemCode,
    /// In the request's language, fit to be shown.
    message: String,
    /// Every field that was wrong.
    fields: Vec<FieldError>,
}

/// What was wrong with one field.
#[derive(SimpleObject)]
pub struct FieldError {
    /// The field's path within the input, e.g. to.phone.
    pub path: String,
    /// Stable and machine-readable, e.g. not_a_mobile_number.
    pub reason: String,
    /// In the request's language, fit to be shown beside the field.
    pub message: String,
}

impl InvalidInput {
    pub fn new(ctx: &Context<'_>, fields: Vec<FieldError>) -> Self {
        Self { code: ProblemCode::InvalidInput, message: ctx.say("problem-invalid-input", &[]), fields }
    }
}

/// Too often, too soon.
#[derive(SimpleObject)]
pub struct QuotaExceeded {
    /// QUOTA_EXCEEDED.
    code: ProblemCode,
    /// In the request's language, fit to be shown.
    message: String,
    /// Which bound it was.
    quota: Quota,
    /// Seconds until it is worth trying again, rounded up.
    retry_after_seconds: i32,
    /// When it is worth trying again.
    retry_at: DateTime,
}

impl QuotaExceeded {
    pub fn new(ctx: &Context<'_>, refusal: &Refusal) -> Self {
        let wait = (refusal.retry_at - ctx.rooms().clock.now()).to_std().unwrap_or(Duration::ZERO);
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        let id = match refusal.quota {
            quota::Quota::ResendCooldown => "problem-quota-exceeded-resend-cooldown",
            quota::Quota::ContactDaily => "problem-quota-exceeded-contact-daily",
            quota::Quota::ContactHourly => "problem-quota-exceeded-contact-hourly",
            quota::Quota::ClientAddress => "problem-quota-exceeded-client-address",
            quota::Quota::DestinationPrefix => "problem-quota-exceeded-destination-prefix",
            quota::Quota::Account => "problem-quota-exceeded-account",
            quota::Quota::Service => "problem-quota-exceeded-service",
        };
        Self {
            code: ProblemCode::QuotaExceeded,
            message: ctx.say(id, &[("wait", crate::texts::Arg::Wait(wait))]),
            quota: refusal.quota.into(),
            retry_after_seconds: i32::try_from(seconds).unwrap_or(i32::MAX),
            retry_at: DateTime(refusal.retry_at),
        }
    }
}
