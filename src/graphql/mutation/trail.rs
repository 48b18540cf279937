//! What is refused before any room is asked still stands in the audit trail, so that every mutation does.
//!
//! Nothing here costs a caller anything, so `store` keeps of a flood the first of each minute.

use async_graphql::{Context, Result};

use crate::{
    account::{Administrator, NotAdministrator},
    graphql::{context::Asking, input::Fields, problems::InvalidInput},
    session::gate::SignedIn,
    telemetry::audit::{Act, Event, FORBIDDEN, INVALID_INPUT, MALFORMED_ID, UNAUTHENTICATED},
};

/// Who is signed in, for an act of theirs.
///
/// # Errors
/// `UNAUTHENTICATED` where nobody is, or the token is no longer honoured.
pub async fn signed_in<'a>(ctx: &'a Context<'_>, act: Act) -> Result<&'a SignedIn> {
    match ctx.require_signed_in() {
        Ok(signed_in) => Ok(signed_in),
        Err(error) => {
            refused(ctx, act, UNAUTHENTICATED).await;
            Err(error)
        }
    }
}

/// The administrator who is signed in, for an act of theirs.
///
/// # Errors
/// `UNAUTHENTICATED` where nobody is signed in, or the account or its session is gone; `FORBIDDEN` where it is somebody
/// else.
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

/// What was wrong with the input of an act, if anything was.
pub async fn finish(ctx: &Context<'_>, act: Act, fields: Fields<'_>) -> Option<InvalidInput> {
    match fields.is_wrong() {
        true => Some(invalid(ctx, act, fields).await),
        false => None,
    }
}

/// The refusal of an input that was wrong.
pub async fn invalid(ctx: &Context<'_>, act: Act, fields: Fields<'_>) -> InvalidInput {
    refused(ctx, act, INVALID_INPUT).await;
    fields.into_invalid_input()
}

/// An id that this service cannot have given out: its client is answered what an unknown one is.
pub async fn malformed_id(ctx: &Context<'_>, act: Act) {
    refused(ctx, act, MALFORMED_ID).await;
}

async fn refused(ctx: &Context<'_>, act: Act, outcome: &'static str) {
    let event = Event::new(ctx.caller(), act, outcome, ctx.rooms().clock.now());
    let account = ctx.signed_in().map(|signed_in| signed_in.account.clone());
    ctx.rooms().trail.record(event.maybe_account(account)).await;
}
