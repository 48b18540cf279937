//! Authenticating again while signed in.

use async_graphql::{Context, Object, OneofObject, Result, SimpleObject, Union};

use super::trail;
use crate::{
    account::{Evidence, Reauthentication},
    graphql::{
        context::Asking,
        problems::{CredentialsRejected, ProofRejected, QuotaExceeded, ReauthenticationRequired},
        scalars::DateTime,
    },
    secret::Secret,
    session::Reauthenticated,
    telemetry::audit::Act,
    verification::ProofToken,
};

#[derive(Default)]
pub struct ReauthenticationMutation;

/// What somebody who is signed in authenticates again with: exactly one of these.
#[derive(OneofObject)]
pub enum ReauthenticateInput {
    /// The present password.
    #[graphql(secret)]
    Password(String),
    /// Of a STEP_UP verification of this account.
    #[graphql(secret)]
    ProofToken(String),
}

#[Object]
impl ReauthenticationMutation {
    /// Authenticates the person who is signed in again. Answers an access token that alone carries the new time of
    /// authentication: the session, its refresh token and what refreshSession answers keep the time of the sign-in.
    /// Acts that decide who owns the account, and those of administrators, need a recent authentication.
    async fn reauthenticate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password, or the proof of a code.")] input: ReauthenticateInput,
    ) -> Result<ReauthenticateResult> {
        let signed_in = trail::signed_in(ctx, Act::Reauthenticate).await?;
        let evidence = match input {
            ReauthenticateInput::Password(password) => Evidence::Password(Secret::new(password)),
            ReauthenticateInput::ProofToken(token) => Evidence::Proof(ProofToken::parse(&token)),
        };
        Ok(match ctx.rooms().accounts.reauthenticate(ctx.caller(), signed_in, evidence).await? {
            Reauthentication::Done(tokens) => ReauthenticatePayload::from(*tokens).into(),
            Reauthentication::CredentialsRejected => CredentialsRejected::new(ctx).into(),
            Reauthentication::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
            Reauthentication::Required(required) => ReauthenticationRequired::new(ctx, &required).into(),
            Reauthentication::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
            Reauthentication::Gone => return Err(ctx.unauthenticated()),
        })
    }
}

/// A recent authentication, carried by an access token. It has no id on purpose, so that a normalising cache keeps no
/// token.
#[derive(SimpleObject)]
pub struct ReauthenticatePayload {
    /// For the Authorization header: Bearer and this. Use it in place of the access token before; the refresh token
    /// stays.
    access_token: String,
    /// Seconds that the access token lives.
    expires_in: i32,
    /// Until when acts that need a recent authentication take this token.
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

/// The result of authenticating again. ReauthenticationRequired: what was given was right and does not count, because
/// the account did not have it before the oldest contact change that can still be undone.
#[derive(Union)]
pub enum ReauthenticateResult {
    Payload(ReauthenticatePayload),
    CredentialsRejected(CredentialsRejected),
    ProofRejected(ProofRejected),
    ReauthenticationRequired(ReauthenticationRequired),
    QuotaExceeded(QuotaExceeded),
}
