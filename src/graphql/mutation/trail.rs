//! Audit entries of mutations that are refused before a service is called, so that every mutation is in the trail.
//!
//! These refusals cost the caller nothing. To limit a flood of them, the store keeps only the first of each minute.

use crate::graphql::faults::Result;
use async_graphql::Context;

use crate::{
    account::{Administrator, NotAdministrator},
    graphql::{context::Asking, input::Fields, problems::InvalidInput},
    session::gate::SignedIn,
};
use platform::telemetry::audit::{Act, Event, FORBIDDEN, INVALID_INPUT, MALFORMED_ID, UNAUTHENTICATED};

/// Requires a signed-in user, and records the refusal in the audit trail.
///
/// # Errors
/// `UNAUTHENTICATED` if there is no access token, or if it is no longer valid.
pub async fn signed_in<'a>(ctx: &'a Context<'_>, act: Act) -> Result<&'a SignedIn> {
    match ctx.require_signed_in() {
        Ok(signed_in) => Ok(signed_in),
        Err(error) => {
            record_refusal(ctx, act, UNAUTHENTICATED).await;
            Err(error)
        }
    }
}

/// Requires a signed-in administrator, and records the refusal in the audit trail.
///
/// # Errors
/// `UNAUTHENTICATED` without a valid access token, or if the account or its session no longer exists; `FORBIDDEN` if
/// the account is not an administrator.
pub async fn admin(ctx: &Context<'_>, act: Act) -> Result<Administrator> {
    let signed_in = signed_in(ctx, act).await?;
    let (outcome, error) = match ctx.rooms().accounts.administrator(signed_in).await? {
        Ok(administrator) => return Ok(administrator),
        Err(NotAdministrator::Unauthenticated) => (UNAUTHENTICATED, ctx.unauthenticated()),
        Err(NotAdministrator::Forbidden) => (FORBIDDEN, ctx.forbidden()),
    };
    let event = Event::new(ctx.caller(), act, outcome, ctx.rooms().clock.now());
    ctx.rooms().trail.record(event.actor(signed_in.account.clone())).await;
    Err(error)
}

/// Converts the field errors into `InvalidInput`, if there are any, and records the refusal.
pub async fn finish(ctx: &Context<'_>, act: Act, fields: Fields<'_>) -> Option<InvalidInput> {
    match fields.is_wrong() {
        true => Some(invalid(ctx, act, fields).await),
        false => None,
    }
}

/// Converts the field errors into `InvalidInput`, and records the refusal.
pub async fn invalid(ctx: &Context<'_>, act: Act, fields: Fields<'_>) -> InvalidInput {
    record_refusal(ctx, act, INVALID_INPUT).await;
    fields.into_invalid_input()
}

/// Records an id that this service can't have issued. The response is the same as for an unknown id.
pub async fn malformed_id(ctx: &Context<'_>, act: Act) {
    record_refusal(ctx, act, MALFORMED_ID).await;
}

async fn record_refusal(ctx: &Context<'_>, act: Act, outcome: &'static str) {
    let event = Event::new(ctx.caller(), act, outcome, ctx.rooms().clock.now());
    let account = ctx.signed_in().map(|signed_in| signed_in.account.clone());
    ctx.rooms().trail.record(event.maybe_account(account)).await;
}
