//! Signing in, refreshing sessions and signing out.

use crate::graphql::errors::{ResolverError, Result};
use std::time::Duration;

use async_graphql::{Context, InputObject, Object, SimpleObject, Union};

use super::audit;
use crate::{
    graphql::{
        context::RequestContext,
        input::Fields,
        problems::{
            AccountLocked, AccountNotActive, CredentialsRejected, InvalidInput, ProofRejected, QuotaExceeded,
            RefreshRejected, SessionNotFound,
        },
        token_cookies::TokenCookies,
        types::{Carrier, Session, TokenPair, User, device_token},
    },
    session::{EndSessionOutcome, OpaqueToken, PresentedTokens, RefreshInput, RefreshOutcome, SignInOutcome},
    verification::ProofToken,
};
use domain::ids::SessionId;
use platform::{secret::Secret, telemetry::audit::Act};

#[derive(Default)]
pub struct SessionMutation;

/// Input of `signIn`.
#[derive(InputObject)]
pub struct SignInInput {
    /// Username, e-mail address or phone number.
    pub identifier: String,
    /// Password.
    #[graphql(secret)]
    pub password: String,
    /// Name of this device for the user's list of sessions, at most 100 characters.
    pub device_name: Option<String>,
    /// Device token of an earlier sign-in on this device.
    #[graphql(secret)]
    pub device_token: Option<String>,
}

/// Input of `signInWithProof`.
#[derive(InputObject)]
pub struct SignInWithProofInput {
    /// Proof token of a SIGN_IN verification.
    #[graphql(secret)]
    pub proof_token: String,
    /// Name of this device for the user's list of sessions, at most 100 characters.
    pub device_name: Option<String>,
    /// Device token of an earlier sign-in on this device.
    #[graphql(secret)]
    pub device_token: Option<String>,
}

/// Input of `refreshSession`.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// Refresh token. Omit it in cookie mode, where the browser sends it in a cookie.
    #[graphql(secret)]
    pub refresh_token: Option<String>,
}

/// Input of `signOutEverywhere`.
#[derive(InputObject)]
pub struct SignOutEverywhereInput {
    /// Device token of an earlier sign-in on this device. Omit it in cookie mode.
    #[graphql(secret)]
    pub device_token: Option<String>,
}

/// Input of `revokeSession`.
#[derive(InputObject)]
pub struct RevokeSessionInput {
    /// Id of the session (see User.sessions).
    pub session_id: async_graphql::ID,
}

#[Object]
impl SessionMutation {
    /// Signs in with a password.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The identifier and the password.")] input: SignInInput,
    ) -> Result<SignInResult> {
        Carrier::require(ctx)?;
        let mut fields = Fields::new(ctx);
        for (path, text) in [("identifier", input.identifier.trim()), ("password", input.password.as_str())] {
            if text.is_empty() {
                fields.add_error(path, "empty");
            }
        }
        let device = fields.device(input.device_name, input.device_token.as_deref());
        if let Some(invalid) = audit::finish(ctx, Act::SignIn, fields).await {
            return Ok(invalid.into());
        }
        let password = Secret::new(input.password);
        let outcome = ctx.services().sessions.sign_in(ctx.caller(), &input.identifier, &password, device).await?;
        Ok(SignInResult::of(ctx, outcome))
    }

    /// Signs in with a code instead of a password. Requires a SIGN_IN proof. Does not create accounts.
    async fn sign_in_with_proof(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The proof.")] input: SignInWithProofInput,
    ) -> Result<SignInResult> {
        Carrier::require(ctx)?;
        let mut fields = Fields::new(ctx);
        let device = fields.device(input.device_name, input.device_token.as_deref());
        if let Some(invalid) = audit::finish(ctx, Act::SignInWithProof, fields).await {
            return Ok(invalid.into());
        }
        let proof = ProofToken::parse(&input.proof_token);
        let outcome = ctx.services().sessions.sign_in_with_proof(ctx.caller(), proof, device).await?;
        Ok(SignInResult::of(ctx, outcome))
    }

    /// Exchanges a refresh token for new tokens. A refresh token is valid for one exchange. If it is sent again within
    /// REFRESH_GRACE from the same client network, the same successor is returned; from another network, the error
    /// UNAVAILABLE is returned until the grace period is over. After the grace period a new successor is returned if
    /// the previous one was never used. Otherwise there is a second copy of the session's tokens, and the session is
    /// ended (REUSED).
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token.")] input: RefreshSessionInput,
    ) -> Result<RefreshSessionResult> {
        // The new token is returned the same way that the old one was sent.
        let (sent, carrier) = match input.refresh_token {
            Some(text) => {
                let offer = OpaqueToken::parse(&text).map(PresentedTokens::of);
                (offer.map_or(RefreshInput::Missing, RefreshInput::Tokens), Carrier::Body)
            }
            None if ctx.services().sessions.use_cookie() => {
                Carrier::require(ctx)?;
                (TokenCookies::of(ctx).refresh_tokens(), Carrier::Cookie)
            }
            None => (RefreshInput::Missing, Carrier::Body),
        };
        Ok(match ctx.services().sessions.refresh(ctx.caller(), sent).await? {
            RefreshOutcome::Refreshed(tokens) => {
                RefreshSessionPayload { tokens: TokenPair::new(ctx, &tokens, carrier) }.into()
            }
            RefreshOutcome::Rejected(reason) => RefreshRejected::new(ctx, reason).into(),
            RefreshOutcome::Wait(retry_after) => return Err(retry_later(ctx, retry_after)),
            RefreshOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }

    /// Ends the current session. Its refresh token is invalid at once, its access tokens within seconds on all servers.
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        let signed_in = audit::signed_in(ctx, Act::SignOut).await?;
        let ended = ctx.services().sessions.sign_out(ctx.caller(), signed_in).await?;
        Ok(SignOutPayload::new(ctx, ended))
    }

    /// Ends all sessions of the account, including the current one, invalidates its earlier codes and proofs, and
    /// removes its known devices. Fails with BAD_REQUEST in cookie mode on a connection that can't set cookies.
    async fn sign_out_everywhere(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The device of the request.")] input: Option<SignOutEverywhereInput>,
    ) -> Result<SignOutPayload> {
        let signed_in = audit::signed_in(ctx, Act::SignOutEverywhere).await?;
        Carrier::require(ctx)?;
        let sent = input.and_then(|input| input.device_token);
        let device = Fields::new(ctx).device(None, sent.as_deref()).token;
        let ended = ctx.services().sessions.sign_out_everywhere(ctx.caller(), signed_in, device).await?;
        let ended = ended.ok_or_else(|| ctx.unauthenticated())?;
        let device_token = device_token(ctx, ended.device.as_ref());
        Ok(SignOutPayload { device_token, ..SignOutPayload::new(ctx, ended.sessions_ended) })
    }

    /// Ends one session of the account, and removes its device from the known devices.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session to end.")] input: RevokeSessionInput,
    ) -> Result<RevokeSessionResult> {
        let signed_in = audit::signed_in(ctx, Act::RevokeSession).await?;
        let id = SessionId::parse(&input.session_id);
        Ok(match ctx.services().sessions.revoke(ctx.caller(), signed_in, id).await? {
            EndSessionOutcome::Revoked(session) => {
                RevokeSessionPayload { session: Session::new(*session, Some(&signed_in.session)) }.into()
            }
            EndSessionOutcome::NotFound => SessionNotFound::new(ctx).into(),
            EndSessionOutcome::Unauthenticated => return Err(ctx.unauthenticated()),
        })
    }
}

/// The error for a refresh token that was sent from another network just after its exchange. Nothing is decided yet.
fn retry_later(ctx: &Context<'_>, retry_after: Duration) -> ResolverError {
    let seconds = i32::try_from(retry_after.as_secs()).unwrap_or(i32::MAX).saturating_add(1);
    ResolverError::new("UNAVAILABLE", ctx.localize("error-refresh-later", &[])).retry_after(seconds)
}

/// The user is signed in.
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// The account that is signed in.
    user: User,
    /// Tokens of the new session.
    tokens: TokenPair,
    /// Device token. Store it on the device and send it with the next sign-in: a known device is not locked out by
    /// wrong passwords that are entered elsewhere, and its sign-ins are not notified. Null in cookie mode.
    device_token: Option<String>,
}

/// Result of `signIn` and `signInWithProof`.
#[derive(Union)]
pub enum SignInResult {
    Payload(SignInPayload),
    InvalidInput(InvalidInput),
    CredentialsRejected(CredentialsRejected),
    AccountNotActive(AccountNotActive),
    AccountLocked(AccountLocked),
    ProofRejected(ProofRejected),
    QuotaExceeded(QuotaExceeded),
}

impl SignInResult {
    fn of(ctx: &Context<'_>, outcome: SignInOutcome) -> Self {
        match outcome {
            SignInOutcome::SignedIn { account, tokens } => SignInPayload {
                user: User::new(*account, Some(tokens.session.clone())),
                device_token: device_token(ctx, tokens.device.as_ref()),
                tokens: TokenPair::new(ctx, &tokens, Carrier::configured(ctx)),
            }
            .into(),
            SignInOutcome::CredentialsRejected => CredentialsRejected::new(ctx).into(),
            SignInOutcome::AccountNotActive(status) => AccountNotActive::new(ctx, status).into(),
            SignInOutcome::AccountLocked { unlocks_at } => AccountLocked::new(ctx, unlocks_at).into(),
            SignInOutcome::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
            SignInOutcome::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        }
    }
}

/// The session has been refreshed.
#[derive(SimpleObject)]
pub struct RefreshSessionPayload {
    /// New tokens of the session.
    tokens: TokenPair,
}

/// Result of `refreshSession`.
#[derive(Union)]
pub enum RefreshSessionResult {
    Payload(RefreshSessionPayload),
    RefreshRejected(RefreshRejected),
    QuotaExceeded(QuotaExceeded),
}

/// The user is signed out.
#[derive(SimpleObject)]
pub struct SignOutPayload {
    /// Number of sessions that were ended.
    sessions_ended: i32,
    /// After signOutEverywhere: new device token of this device, which replaces its previous one. Null after signOut,
    /// in cookie mode, and if no device token was sent and the authentication is not recent.
    device_token: Option<String>,
}

impl SignOutPayload {
    fn new(ctx: &Context<'_>, ended: usize) -> Self {
        if ctx.services().sessions.use_cookie() {
            TokenCookies::of(ctx).clear_refresh_tokens();
        }
        Self { sessions_ended: i32::try_from(ended).unwrap_or(i32::MAX), device_token: None }
    }
}

/// The session has been ended.
#[derive(SimpleObject)]
pub struct RevokeSessionPayload {
    /// The session before it was ended.
    session: Session,
}

/// Result of `revokeSession`.
#[derive(Union)]
pub enum RevokeSessionResult {
    Payload(RevokeSessionPayload),
    SessionNotFound(SessionNotFound),
}
