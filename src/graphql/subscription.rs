//! What is told as it happens.

use async_graphql::{Context, Error, ErrorExtensions, ID, Result, Subscription as GraphqlSubscription};
use futures_util::{Stream, StreamExt};

use super::{context::Asking, types::Verification};
use domain::ids::VerificationId;

pub struct Subscription;

/// What is told as it happens.
#[GraphqlSubscription]
impl Subscription {
    /// The verification as it stands, then again at every change of status, delivery or attempts, until it is over
    /// (VERIFIED, EXPIRED, LOCKED or CANCELED), when the stream completes. Each time the whole of it, never a difference:
    /// a client that reconnects or skips one has missed nothing. An unknown id ends in an error with code NOT_FOUND.
    async fn verification_status<'c>(
        &self,
        ctx: &Context<'c>,
        #[graphql(desc = "The verification's id.")] id: ID,
    ) -> Result<impl Stream<Item = Result<Verification>> + use<'c>> {
        let stream = match VerificationId::parse(&id) {
            // Both boxed: the library keeps room for the opening as long as the stream lives, and for the stream beside
            // it. The opening reads the database, which takes several KiB.
            Some(id) => Box::pin(ctx.rooms().verifications.watch(&id)).await?,
            None => None,
        };
        let stream = stream.ok_or_else(|| {
            Error::new(ctx.say("error-not-found", &[])).extend_with(|_, extensions| extensions.set("code", "NOT_FOUND"))
        })?;
        Ok(stream.map(|shown| Ok(Verification(shown?))).boxed())
    }
}
