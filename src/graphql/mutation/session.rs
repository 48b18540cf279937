//! Signing in, staying so, signing out.

use std::time::Duration;

use async_graphql::{Context, ErrorExtensions, InputObject, Object, Result, SimpleObject, Union};

use super::trail;
use crate::{
    graphql::{
        context::Asking,
        input::Fields,
        problems::{
            AccountLocked, AccountNotActive, CredentialsRejected, InvalidInput, ProofRejected, QuotaExceeded,
            RefreshRejected, SessionNotFound,
        },
        token_cookies::TokenCookies,
        types::{Carrier, Session, TokenPair, User, device_token},
    },
    secret::Secret,
    session::{Offer, Opaque, Refreshed, Revoked, Sent, SignIn},
    telemetry::audit::Act,
    verification::ProofToken,
};
use domain::ids::SessionId;

#[derive(Default)]
pub struct SessionMutation;

/// Who signs in, and how they show it.
#[derive(InputObject)]
pub struct SignInInput {
    /// Username, e-mail address or phone number.
    pub identifier: String,
    /// The password.
    #[graphql(secret)]
    pub password: String,
    /// What the person calls this device, for their own list of devices.
    pub device_name: Option<String>,
    /// What an earlier sign-in called this device by.
    #[graphql(secret)]
    pub device_token: Option<String>,
}

/// Who signs in, by a code in place of a password.
#[derive(InputObject)]
pub struct SignInWithProofInput {
    /// Of a SIGN_IN verification.
    #[graphql(secret)]
    pub proof_token: String,
    /// What the person calls this device, for their own list of devices.
    pub device_name: Option<String>,
    /// What an earlier sign-in called this device by.
    #[graphql(secret)]
    pub device_token: Option<String>,
}

/// The session to be kept.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// Left out in cookie mode, where the browser sends it in a cookie.
    #[graphql(secret)]
    pub refresh_token: Option<String>,
}

/// The device that signs out everywhere.
#[derive(InputObject)]
pub struct SignOutEverywhereInput {
    /// What an earlier sign-in called this device by. Left out in cookie mode.
    #[graphql(secret)]
    pub device_token: Option<String>,
}

/// The session to be ended.
#[derive(InputObject)]
pub struct RevokeSessionInput {
    /// Its id, out of User.sessions.
    pub session_id: async_graphql::ID,
}

#[Object]
impl SessionMutation {
    /// Signs in with a password.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who signs in.")] input: SignInInput,
    ) -> Result<SignInResult> {
        Carrier::require(ctx)?;
        let mut fields = Fields::new(ctx);
        for (path, text) in [("identifier", input.identifier.trim()), ("password", input.password.as_str())] {
            if text.is_empty() {
                fields.refuse(path, "empty");
            }
        }
        let device = fields.device(input.device_name, input.device_token.as_deref());
        if let Some(invalid) = trail::finish(ctx, Act::SignIn, fields).await {
            return Ok(invalid.into());
        }
        let password = Secret::new(input.password);
        let outcome = ctx.rooms().sessions.sign_in(ctx.caller(), &input.identifier, &password, device).await?;
        Ok(SignInResult::of(ctx, outcome))
    }

    /// Signs in with a code in place of a password. Takes a SIGN_IN proof; makes no account.
    async fn sign_in_with_proof(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who signs in.")] input: SignInWithProofInput,
    ) -> Result<SignInResult> {
        Carrier::require(ctx)?;
        let mut fields = Fields::new(ctx);
        let device = fields.device(input.device_name, input.device_token.as_deref());
        if let Some(invalid) = trail::finish(ctx, Act::SignInWithProof, fields).await {
            return Ok(invalid.into());
        }
        let proof = ProofToken::parse(&input.proof_token);
        let outcome = ctx.rooms().sessions.sign_in_with_proof(ctx.caller(), proof, device).await?;
        Ok(SignInResult::of(ctx, outcome))
    }

    /// Exchanges a refresh token for new tokens. A token is good for one exchange. Presented again within REFRESH_GRACE
    /// from the same client network, it is answered with the same successor; from another network, with the error
    /// UNAVAILABLE until the grace is over. After that it is answered with a new successor where the one before was never
    /// used, and ends the session (REUSED) where it was: then there is a second copy of the session's tokens.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session to be kept.")] input: RefreshSessionInput,
    ) -> Result<RefreshSessionResult> {
        // It is answered the way that it came.
        let (sent, carrier) = match input.refresh_token {
            Some(text) => {
                let offer = Opaque::parse(&text).map(Offer::of);
                (offer.map_or(Sent::Nothing, Sent::Offer), Carrier::Body)
            }
            None if ctx.rooms().sessions.use_cookie() => {
                Carrier::require(ctx)?;
                (TokenCookies::of(ctx).refresh_tokens(), Carrier::Cookie)
            }
            None => (Sent::Nothing, Carrier::Body),
        };
        Ok(match ctx.rooms().sessions.refresh(ctx.caller(), sent).await? {
            Refreshed::Refreshed(tokens) => {
                RefreshSessionPayload { tokens: TokenPair::new(ctx, &tokens, carrier) }.into()
            }
            Refreshed::Rejected(reason) => RefreshRejected::new(ctx, reason).into(),
            Refreshed::Wait(retry_after) => return Err(ask_again(ctx, retry_after)),
            Refreshed::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        })
    }

    /// Ends the session that asks: its refresh token at once, its access tokens within seconds, everywhere.
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        let signed_in = trail::signed_in(ctx, Act::SignOut).await?;
        let ended = ctx.rooms().sessions.sign_out(ctx.caller(), signed_in).await?;
        Ok(SignOutPayload::new(ctx, ended))
    }

    /// Ends every session of the account, the one that asks too, with the codes and proofs of before, and forgets the
    /// devices that signed in before. Refused with BAD_REQUEST in cookie mode on a connection that can't set cookies.
    async fn sign_out_everywhere(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The device that asks.")] input: Option<SignOutEverywhereInput>,
    ) -> Result<SignOutPayload> {
        let signed_in = trail::signed_in(ctx, Act::SignOutEverywhere).await?;
        Carrier::require(ctx)?;
        let sent = input.and_then(|input| input.device_token);
        let device = Fields::new(ctx).device(None, sent.as_deref()).token;
        let ended = ctx.rooms().sessions.sign_out_everywhere(ctx.caller(), signed_in, device).await?;
        let ended = ended.ok_or_else(|| ctx.unauthenticated())?;
        let device_token = device_token(ctx, ended.device.as_ref());
        Ok(SignOutPayload { device_token, ..SignOutPayload::new(ctx, ended.sessions_ended) })
    }

    /// Ends one session of the account, and forgets the device that it was on.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which session.")] input: RevokeSessionInput,
    ) -> Result<RevokeSessionResult> {
        let signed_in = trail::signed_in(ctx, Act::RevokeSession).await?;
        let id = SessionId::parse(&input.session_id);
        Ok(match ctx.rooms().sessions.revoke(ctx.caller(), signed_in, id).await? {
            Revoked::Revoked(session) => {
                RevokeSessionPayload { session: Session::new(*session, Some(&signed_in.session)) }.into()
            }
            Revoked::NotFound => SessionNotFound::new(ctx).into(),
            Revoked::Gone => return Err(ctx.unauthenticated()),
        })
    }
}

/// The refresh token was presented from another network just after it was exchanged: nothing is decided yet.
fn ask_again(ctx: &Context<'_>, retry_after: Duration) -> async_graphql::Error {
    let seconds = i32::try_from(retry_after.as_secs()).unwrap_or(i32::MAX).saturating_add(1);
    async_graphql::Error::new(ctx.say("error-refresh-later", &[])).extend_with(|_, extensions| {
        extensions.set("code", "UNAVAILABLE");
        extensions.set("retryAfterSeconds", seconds);
    })
}

/// Somebody is signed in.
#[derive(SimpleObject)]
pub struct SignInPayload {
    /// Who.
    user: User,
    /// What they go on with.
    tokens: TokenPair,
    /// Keep it on the device and send it with the next sign-in: a device that signed in before is not locked out by
    /// strangers who guess, and its sign-ins are no news. Null in cookie mode.
    device_token: Option<String>,
}

/// What became of a sign-in.
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
    fn of(ctx: &Context<'_>, outcome: SignIn) -> Self {
        match outcome {
            SignIn::SignedIn { account, tokens } => SignInPayload {
                user: User::new(*account, Some(tokens.session.clone())),
                device_token: device_token(ctx, tokens.device.as_ref()),
                tokens: TokenPair::new(ctx, &tokens, Carrier::usual(ctx)),
            }
            .into(),
            SignIn::CredentialsRejected => CredentialsRejected::new(ctx).into(),
            SignIn::AccountNotActive(status) => AccountNotActive::new(ctx, status).into(),
            SignIn::AccountLocked { unlocks_at } => AccountLocked::new(ctx, unlocks_at).into(),
            SignIn::ProofRejected(reason) => ProofRejected::new(ctx, reason).into(),
            SignIn::Quota(refused) => QuotaExceeded::new(ctx, refused).into(),
        }
    }
}

/// The session goes on.
#[derive(SimpleObject)]
pub struct RefreshSessionPayload {
    /// What to go on with.
    tokens: TokenPair,
}

/// What became of a refresh.
#[derive(Union)]
pub enum RefreshSessionResult {
    Payload(RefreshSessionPayload),
    RefreshRejected(RefreshRejected),
    QuotaExceeded(QuotaExceeded),
}

/// Signed out.
#[derive(SimpleObject)]
pub struct SignOutPayload {
    /// Sessions that were ended by it.
    sessions_ended: i32,
    /// After signOutEverywhere: what the device that asked is known by from now on, in place of the token that it had.
    /// Null after signOut, in cookie mode, and where no device token was sent and the authentication is not recent.
    device_token: Option<String>,
}

impl SignOutPayload {
    fn new(ctx: &Context<'_>, ended: usize) -> Self {
        if ctx.rooms().sessions.use_cookie() {
            TokenCookies::of(ctx).drop_refresh_token();
        }
        Self { sessions_ended: i32::try_from(ended).unwrap_or(i32::MAX), device_token: None }
    }
}

/// The session is ended.
#[derive(SimpleObject)]
pub struct RevokeSessionPayload {
    /// As it was.
    session: Session,
}

/// What became of ending it.
#[derive(Union)]
pub enum RevokeSessionResult {
    Payload(RevokeSessionPayload),
    SessionNotFound(SessionNotFound),
}
