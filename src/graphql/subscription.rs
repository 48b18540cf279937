//! Subscriptions.

use crate::graphql::faults::{ResolverError, Result};
use async_graphql::{Context, ID, Subscription as GraphqlSubscription};
use futures_util::{Stream, StreamExt};

use super::{context::Asking, types::Verification};
use domain::ids::VerificationId;

pub struct Subscription;

/// All subscriptions.
#[GraphqlSubscription]
impl Subscription {
    /// The verification in its current state, then again after every change of its status, delivery or attempts. The
    /// stream completes when the verification is over (VERIFIED, EXPIRED, LOCKED or CANCELED). Every event contains the
    /// complete verification, so a client that reconnects or skips an event misses nothing. An unknown id results in an
    /// error with the code NOT_FOUND.
    async fn verification_status<'c>(
        &self,
        ctx: &Context<'c>,
        #[graphql(desc = "Id of the verification.")] id: ID,
    ) -> Result<impl Stream<Item = Result<Verification>> + use<'c>> {
        let stream = match VerificationId::parse(&id) {
            // Both futures are boxed: the library reserves space for the opening future as long as the stream lives, in
            // addition to the stream. Opening reads the database, which takes several KiB.
            Some(id) => Box::pin(ctx.rooms().verifications.watch(&id)).await?,
            None => None,
        };
        let stream = stream.ok_or_else(|| ResolverError::new("NOT_FOUND", ctx.say("error-not-found", &[])))?;
        Ok(stream.map(|shown| Ok(Verification(shown?))).boxed())
    }
}
