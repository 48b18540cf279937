//! Authenticating again while signed in.

use crate::graphql::errors::Result;
use async_graphql::{Context, Object, OneofObject, SimpleObject, Union};

use super::audit;
use crate::{
    account::{Evidence, ReauthenticateOutcome},
    graphql::{
        context::RequestContext,
        problems::{CredentialsRejected, ProofRejected, QuotaExceeded, ReauthenticationRequired},
        scalars::DateTime,
    },
    session::Reauthenticated,
    verification::ProofToken,
};
use platform::{secret::Secret, telemetry::audit::Act};

#[derive(Default)]
pub struct ReauthenticationMutation;

/// Input of `reauthenticate`. Exactly one field must be set.
#[derive(OneofObject)]
pub enum ReauthenticateInput {
    /// Current password.
    #[graphql(secret)]
    Password(String),
    /// Proof token of a STEP_UP verification of this account.
    #[graphql(secret)]
    ProofToken(String),
}

#[Object]
impl ReauthenticationMutation {
    /// Authenticates the signed-in user again. Returns an access token with the new time of authentication. Only this
    /// token has it: the session, its refresh token and the tokens of refreshSession keep the time of the sign-in.
    /// Operations that change who controls the account, and administrative operations, require a recent authentication.
    async fn reauthenticate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password, or the proof of a confirmed code.")] input: ReauthenticateInput,
    ) -> Result<ReauthenticateResult> {
        let signed_in = audit::signed_in(ctx, Act::Reauthenticate).await?;
        let evidence = match input {
            ReauthenticateInput::Password(password) => Evidence::Password(Secret::new(password)),
            ReauthenticateInput::ProofToken(token) => Evidence::Proof(ProofToken::parse(&token)),
        };
        Ok(match ctx.services().accounts.reauthenticate(ctx.caller(), signed_in, evidence).await? {
            ReauthenticateOutcome::Done(tokens) => ReauthenticatePayload::from(*tokens).into(),
            ReauthenticateOutcome::CredentialsRejected => CredentialsRejected::new(ctx).into(),
            ReauthenticateOutcome::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
            ReauthenticateOutcome::Required(required) => ReauthenticationRequired::new(ctx, &required).into(),
            ReauthenticateOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
            ReauthenticateOutcome::SignedOut => return Err(ctx.unauthenticated()),
        })
    }
}

/// An access token that carries a recent authentication. The type has no id, so that normalising client caches do not
/// store the token.
#[derive(SimpleObject)]
pub struct ReauthenticatePayload {
    /// Access token. Send it as `Authorization: Bearer <token>`. It replaces the previous access token; the refresh
    /// token does not change.
    access_token: String,
    /// Lifetime of the access token in seconds.
    expires_in: i32,
    /// Until when this token is accepted by operations that require a recent authentication.
    fresh_until: DateTime,
}

impl From<Reauthenticated> for ReauthenticatePayload {
    fn from(tokens: Reauthenticated) -> Self {
        Self {
            access_token: tokens.access.expose().to_owned(),
            expires_in: i32::try_from(tokens.expires_in.as_secs()).unwrap_or(i32::MAX),
            fresh_until: DateTime(tokens.fresh_until),
        }
    }
}

/// Result of `reauthenticate`. ReauthenticationRequired means that the credential was correct but is not sufficient,
/// because the account did not have it before the oldest contact change that can still be undone.
#[derive(Union)]
pub enum ReauthenticateResult {
    Payload(ReauthenticatePayload),
    CredentialsRejected(CredentialsRejected),
    ProofRejected(ProofRejected),
    ReauthenticationRequired(ReauthenticationRequired),
    QuotaExceeded(QuotaExceeded),
}
