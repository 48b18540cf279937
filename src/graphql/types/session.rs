//! Sessions and the tokens that they live by.

use async_graphql::{Context, ID, SimpleObject};

use crate::{
    graphql::{context::Asking, scalars::DateTime, token_cookies},
    ids::SessionId,
    session::Tokens,
    store::entity::session,
};

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
    /// When it was used last.
    last_used_at: DateTime,
    /// When it ends if it is not used before.
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
            last_used_at: DateTime(row.last_used_at),
            expires_at: DateTime(row.expires_at),
        }
    }
}

/// What a sign-in answers; it has no id on purpose, so that a normalising cache keeps no token. With cookie mode on,
/// refreshToken is null and travels in an HttpOnly cookie.
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
    /// In a cookie, where the transport has any.
    Cookie,
}

impl Carrier {
    /// As the service is set up.
    pub fn usual(ctx: &Context<'_>) -> Self {
        if ctx.rooms().sessions.use_cookie() { Carrier::Cookie } else { Carrier::Body }
    }
}

impl TokenPair {
    pub fn new(ctx: &Context<'_>, tokens: &Tokens, carrier: Carrier) -> Self {
        let now = ctx.rooms().clock.now();
        let life = (tokens.refresh_expires_at - now).to_std().unwrap_or_default();
        let in_cookie =
            carrier == Carrier::Cookie && token_cookies::keep_refresh_token(ctx.cookies(), &tokens.refresh, life);
        Self {
            access_token: tokens.access.expose().to_owned(),
            expires_in: i32::try_from(tokens.expires_in.as_secs()).unwrap_or(i32::MAX),
            refresh_token: (!in_cookie).then(|| tokens.refresh.expose().to_owned()),
            refresh_expires_at: DateTime(tokens.refresh_expires_at),
        }
    }
}

/// What the device is known by from now on: in a cookie where tokens travel in cookies, else for the answer.
pub fn device_token(ctx: &Context<'_>, tokens: &Tokens) -> Option<String> {
    let sessions = &ctx.rooms().sessions;
    let token = tokens.device.as_ref()?;
    let in_cookie =
        sessions.use_cookie() && token_cookies::keep_device_token(ctx.cookies(), token, sessions.device_life());
    (!in_cookie).then(|| token.expose().to_owned())
}
