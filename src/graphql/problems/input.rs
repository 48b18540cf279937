//! Problems that any operation can have.

use std::time::Duration;

use async_graphql::{Context, SimpleObject};

use super::ProblemCode;
use crate::{
    graphql::{context::Asking, enums::Quota, scalars::DateTime},
    quota::{self, Refused},
};

/// One or more fields can't be taken as they are.
#[derive(SimpleObject)]
pub struct InvalidInput {
    /// INVALID_INPUT.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown. With one field wrong, what is wrong with it.
    pub(super) message: String,
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
        let message = match fields.as_slice() {
            [field] => field.message.clone(),
            _ => ctx.say("problem-invalid-input", &[]),
        };
        Self { code: ProblemCode::InvalidInput.noted(ctx), message, fields }
    }
}

/// A limit is used up. Limits of a contact count the requests of everybody, not of its owner alone.
#[derive(SimpleObject)]
pub struct QuotaExceeded {
    /// QUOTA_EXCEEDED.
    pub(super) code: ProblemCode,
    /// In the request's language, fit to be shown.
    pub(super) message: String,
    /// Which bound it was.
    quota: Quota,
    /// Seconds until it is worth trying again, rounded up.
    retry_after_seconds: i32,
    /// When it is worth trying again.
    retry_at: DateTime,
}

impl QuotaExceeded {
    pub fn new(ctx: &Context<'_>, refused: Refused) -> Self {
        let seconds = refused.retry_after_seconds(ctx.rooms().clock.now());
        let wait = Duration::from_secs(seconds.into());
        let id = match refused.quota {
            quota::Quota::ResendCooldown => "problem-quota-exceeded-resend-cooldown",
            quota::Quota::ContactDaily => "problem-quota-exceeded-contact-daily",
            quota::Quota::ContactHourly => "problem-quota-exceeded-contact-hourly",
            quota::Quota::ClientAddress => "problem-quota-exceeded-client-address",
            quota::Quota::DestinationPrefix => "problem-quota-exceeded-destination-prefix",
            quota::Quota::Account => "problem-quota-exceeded-account",
            quota::Quota::Service => "problem-quota-exceeded-service",
        };
        Self {
            code: ProblemCode::QuotaExceeded.noted(ctx),
            message: ctx.say(id, &[("wait", crate::texts::Arg::Wait(wait))]),
            quota: refused.quota.into(),
            retry_after_seconds: i32::try_from(seconds).unwrap_or(i32::MAX),
            retry_at: DateTime(refused.retry_at),
        }
    }
}
