//! Sessions and their tokens.

use crate::graphql::errors::{ResolverError, Result};
use async_graphql::{Context, ID, SimpleObject};

use crate::{
    graphql::{context::RequestContext, scalars::DateTime, token_cookies::TokenCookies},
    session::Tokens,
};
use domain::{
    ids::SessionId,
    session::{self, rules::round_down},
};
use platform::secret::Secret;

/// A session: one signed-in device.
#[derive(SimpleObject)]
pub struct Session {
    /// Id of the session, for revokeSession.
    id: ID,
    /// Whether this is the session of the current request.
    current: bool,
    /// Device name that the client gave at sign-in. Null if it gave none.
    device_name: Option<String>,
    /// User-Agent header of the client. Null if the client sent none.
    user_agent: Option<String>,
    /// Client address of the last use. Null if it is unknown.
    ip_address: Option<String>,
    /// When the session was created (sign-in).
    created_at: DateTime,
    /// When the session was last used, rounded down to five minutes.
    last_used_at: DateTime,
    /// When the session expires if it is not used before, rounded down to five minutes.
    expires_at: DateTime,
}

impl Session {
    pub fn new(row: session::Session, current: Option<&SessionId>) -> Self {
        Self {
            id: row.id.as_str().into(),
            current: current == Some(&row.id),
            device_name: row.device_name,
            user_agent: row.user_agent,
            ip_address: row.ip_address,
            created_at: DateTime(row.created_at),
            last_used_at: DateTime(round_down(row.last_used_at)),
            expires_at: DateTime(round_down(row.expires_at)),
        }
    }
}

/// Tokens of a session. The type has no id, so that normalising client caches do not store tokens. In cookie mode
/// refreshToken is null and the token is set as an HttpOnly cookie; on a transport that can't set cookies (WebSocket,
/// event stream, multipart response) the request fails with BAD_REQUEST before anything is done.
#[derive(SimpleObject)]
pub struct TokenPair {
    /// Access token. Send it as `Authorization: Bearer <token>`.
    access_token: String,
    /// Lifetime of the access token in seconds.
    expires_in: i32,
    /// Refresh token for refreshSession, single use. Null in cookie mode.
    refresh_token: Option<String>,
    /// When the refresh token expires if it is not used.
    refresh_expires_at: DateTime,
}

/// How a refresh token is sent to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In the response body.
    Body,
    /// In a cookie.
    Cookie,
}

impl Carrier {
    /// The configured carrier.
    pub fn configured(ctx: &Context<'_>) -> Self {
        if ctx.services().sessions.use_cookie() { Carrier::Cookie } else { Carrier::Body }
    }

    /// Call this before a session is created or refreshed, and before a device gets a new token: tokens that belong in
    /// cookies are not issued on transports that can't set them.
    ///
    /// # Errors
    /// `BAD_REQUEST` in cookie mode on a transport without cookies, and for pages of foreign origins.
    pub fn require(ctx: &Context<'_>) -> Result<()> {
        if Self::configured(ctx) == Carrier::Body || ctx.cookies().writable() {
            return Ok(());
        }
        Err(ResolverError::new("BAD_REQUEST", ctx.localize("error-needs-cookies", &[])))
    }
}

impl TokenPair {
    pub fn new(ctx: &Context<'_>, tokens: &Tokens, carrier: Carrier) -> Self {
        let now = ctx.services().clock.now();
        let life = (tokens.refresh_expires_at - now).to_std().unwrap_or_default();
        if carrier == Carrier::Cookie {
            TokenCookies::of(ctx).set_refresh_token(&tokens.refresh, tokens.cookie_slot, life);
        }
        Self {
            access_token: tokens.access.expose().to_owned(),
            expires_in: i32::try_from(tokens.expires_in.as_secs()).unwrap_or(i32::MAX),
            refresh_token: (carrier == Carrier::Body).then(|| tokens.refresh.expose().to_owned()),
            refresh_expires_at: DateTime(tokens.refresh_expires_at),
        }
    }
}

/// Stores a new device token in a cookie in cookie mode; otherwise returns it for the response.
pub fn device_token(ctx: &Context<'_>, token: Option<&Secret>) -> Option<String> {
    let sessions = &ctx.services().sessions;
    let token = token?;
    if sessions.use_cookie() {
        TokenCookies::of(ctx).set_device_token(token, sessions.device_life());
        return None;
    }
    Some(token.expose().to_owned())
}
