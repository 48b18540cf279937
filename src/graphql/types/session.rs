//! Sessions and the tokens that they live by.

use async_graphql::{Context, ErrorExtensions, ID, SimpleObject};

use crate::{
    graphql::{context::Asking, scalars::DateTime, token_cookies::TokenCookies},
    secret::Secret,
    session::{Tokens, rules::coarse},
    store::entity::session,
};
use domain::ids::SessionId;

/// One signed-in device.
#[derive(SimpleObject)]
pub struct Session {
    /// Names it, for revokeSession.
    id: ID,
    /// Whether it is the one that asks.
    current: bool,
    /// As the device called itself at sign-in.
    device_name: Option<String>,
    /// The browser, as it names itself.
    user_agent: Option<String>,
    /// From where it was used last.
    ip_address: Option<String>,
    /// When it was signed in.
    created_at: DateTime,
    /// When it was used last, rounded down to five minutes.
    last_used_at: DateTime,
    /// When it ends if it is not used before, rounded down to five minutes.
    expires_at: DateTime,
}

impl Session {
    pub fn new(row: session::Model, current: Option<&SessionId>) -> Self {
        Self {
            id: row.id.as_str().into(),
            current: current == Some(&row.id),
            device_name: row.device_name,
            user_agent: row.user_agent,
            ip_address: row.ip_address,
            created_at: DateTime(row.created_at),
            last_used_at: DateTime(coarse(row.last_used_at)),
            expires_at: DateTime(coarse(row.expires_at)),
        }
    }
}

/// What a sign-in answers; it has no id on purpose, so that a normalising cache keeps no token. With cookie mode on,
/// refreshToken is null and travels in an HttpOnly cookie; a connection that can't set cookies (a WebSocket, an event
/// stream, a multipart response) is refused with the error BAD_REQUEST before anything is done.
#[derive(SimpleObject)]
pub struct TokenPair {
    /// For the Authorization header: Bearer and this.
    access_token: String,
    /// Seconds that the access token lives.
    expires_in: i32,
    /// For refreshSession, once.
    refresh_token: Option<String>,
    /// When the refresh token dies unused.
    refresh_expires_at: DateTime,
}

/// How a refresh token goes to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In the answer.
    Body,
    /// In a cookie.
    Cookie,
}

impl Carrier {
    /// As the service is set up.
    pub fn usual(ctx: &Context<'_>) -> Self {
        if ctx.rooms().sessions.use_cookie() { Carrier::Cookie } else { Carrier::Body }
    }

    /// Asked before a session is opened or refreshed, and before a device is given another token: tokens that belong into
    /// cookies are not issued where none can be set.
    ///
    /// # Errors
    /// `BAD_REQUEST` in cookie mode on a transport without cookies, and for pages of foreign origins.
    pub fn require(ctx: &Context<'_>) -> async_graphql::Result<()> {
        if Self::usual(ctx) == Carrier::Body || ctx.cookies().writable() {
            return Ok(());
        }
        let error = async_graphql::Error::new(ctx.say("error-needs-cookies", &[]));
        Err(error.extend_with(|_, extensions| extensions.set("code", "BAD_REQUEST")))
    }
}

impl TokenPair {
    pub fn new(ctx: &Context<'_>, tokens: &Tokens, carrier: Carrier) -> Self {
        let now = ctx.rooms().clock.now();
        let life = (tokens.refresh_expires_at - now).to_std().unwrap_or_default();
        if carrier == Carrier::Cookie {
            TokenCookies::of(ctx).keep_refresh_token(&tokens.refresh, tokens.cookie_slot, life);
        }
        Self {
            access_token: tokens.access.expose().to_owned(),
            expires_in: i32::try_from(tokens.expires_in.as_secs()).unwrap_or(i32::MAX),
            refresh_token: (carrier == Carrier::Body).then(|| tokens.refresh.expose().to_owned()),
            refresh_expires_at: DateTime(tokens.refresh_expires_at),
        }
    }
}

/// What the device is known by from now on: in a cookie where tokens travel in cookies, else for the answer.
pub fn device_token(ctx: &Context<'_>, token: Option<&Secret>) -> Option<String> {
    let sessions = &ctx.rooms().sessions;
    let token = token?;
    if sessions.use_cookie() {
        TokenCookies::of(ctx).keep_device_token(token, sessions.device_life());
        return None;
    }
    Some(token.expose().to_owned())
}
