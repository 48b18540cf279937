//! Problems that are shared by many operations.

use std::time::Duration;

use async_graphql::{Context, SimpleObject};

use super::ProblemCode;
use crate::graphql::{context::RequestContext, enums::Quota, scalars::DateTime};
use domain::quota::{self, Refused};

/// One or more fields are invalid.
#[derive(SimpleObject)]
pub struct InvalidInput {
    /// Always INVALID_INPUT.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request. If only one field is invalid, this is the message of
    /// that field.
    pub(super) message: String,
    /// The invalid fields.
    fields: Vec<FieldError>,
}

/// Error of one input field.
#[derive(SimpleObject)]
pub struct FieldError {
    /// Path of the field within the input, e.g. to.phone.
    pub path: String,
    /// Stable, machine-readable reason, e.g. not_a_mobile_number.
    pub reason: String,
    /// Message for the end user, in the language of the request, to be shown next to the field.
    pub message: String,
}

impl InvalidInput {
    pub fn new(ctx: &Context<'_>, fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [field] => field.message.clone(),
            _ => ctx.localize("problem-invalid-input", &[]),
        };
        Self { code: ProblemCode::InvalidInput.record(ctx), message, fields }
    }
}

/// A rate limit is exceeded. Limits of a contact count the requests of all clients, not only those of its owner.
#[derive(SimpleObject)]
pub struct QuotaExceeded {
    /// Always QUOTA_EXCEEDED.
    pub(super) code: ProblemCode,
    /// Message for the end user, in the language of the request.
    pub(super) message: String,
    /// The limit that was exceeded.
    quota: Quota,
    /// Seconds until the request can be repeated, rounded up.
    retry_after_seconds: i32,
    /// When the request can be repeated.
    retry_at: DateTime,
}

impl QuotaExceeded {
    pub fn new(ctx: &Context<'_>, refused: Refused) -> Self {
        let seconds = refused.retry_after_seconds(ctx.services().clock.now());
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
            code: ProblemCode::QuotaExceeded.record(ctx),
            message: ctx.localize(id, &[("wait", platform::texts::Arg::Wait(wait))]),
            quota: refused.quota.into(),
            retry_after_seconds: i32::try_from(seconds).unwrap_or(i32::MAX),
            retry_at: DateTime(refused.retry_at),
        }
    }
}
