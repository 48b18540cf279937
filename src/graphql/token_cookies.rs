//! Refresh tokens in cookies (`REFRESH_COOKIE=on`), and device tokens next to them.
//!
//! Pages can't read these cookies (`HttpOnly`), they are only sent over TLS (`Secure`), and not from other sites
//! (`SameSite`). A refresh token is read from its cookie only if the request has a header that pages of other sites
//! can't send; the transport has checked the origin before that.
//!
//! # Names
//!
//! By default the names have the prefix `__Host-`: browsers accept such a cookie only from this host, with `Path=/`.
//! Behind a proxy that serves other applications under other paths, `REFRESH_COOKIE_PATH` restricts the path, and the
//! names have the prefix `__Secure-`.
//!
//! Any host of the domain can set a cookie whose name begins with `__Secure-`. By default such a cookie could therefore
//! come from an attacker who wants the browser to use their session (login CSRF). It is read only if there is no
//! `__Host-` cookie, and accepted only as what it was before the upgrade: a token that an earlier version issued, in a
//! session that an earlier version created. With `REFRESH_COOKIE_PATH` the `__Host-` cookies are read as well, so that
//! setting a path does not sign users out.
//!
//! # Late responses
//!
//! A browser keeps the last `Set-Cookie` that it reads, even if that response was overtaken by a later one. If a copy
//! of a response with an older token may still be in flight, the newer token therefore gets its own cookie: its name
//! ends in the token's slot (`…-refresh-1`, `…-refresh-2`), which increases within a session. Of several slots the
//! highest one of a live session is used, and lower ones are removed in the response. So a browser never loses its
//! newest token, and an attacker who only has an older one gains nothing.
//!
//! The response of a session that is over may arrive after the next sign-in. The sign-in uses a slot above those that
//! such a response sets or removes (a sign-out leaves a cookie without a token that marks the slot), and cookies of
//! sessions that are over are skipped; see `session/presented_tokens.rs`. For the same reason a response removes no cookie in a
//! higher slot than its own, and a refusal removes none at all: a late refusal would remove the cookie of a newer
//! token.

use std::{collections::HashSet, time::Duration};

use async_graphql::Context;

use super::{context::RequestContext, cookies::Cookies};
use crate::session::{MAX_COOKIE_SLOT, OpaqueToken, PresentedToken, PresentedTokens, RefreshInput};
use platform::secret::Secret;

const REFRESH: &str = "countersign-refresh";
const DEVICE: &str = "countersign-device";
const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";
/// The path of the cookies of earlier versions. Their names have the prefix [`SECURE`]; they are read for one release.
const LEGACY_PATH: &str = "/graphql";
/// Distance between the slots of a request and the first slot of a new session. Responses of the previous session that
/// are still in flight may use the next slots: one for each response that replaces a lost one.
const HEADROOM: i32 = 8;
/// Value of a refresh cookie after a sign-out: no token. Its name marks the slot of the next session.
const SIGNED_OUT: &str = "signed-out";
/// How long a response may be in flight.
const IN_FLIGHT: Duration = Duration::from_secs(10 * 60);

/// The token cookies of a request.
pub struct TokenCookies<'a> {
    cookies: &'a Cookies,
    /// `REFRESH_COOKIE_PATH`.
    path: Option<&'a str>,
}

/// A refresh cookie of the request.
struct Found<'a> {
    /// Whether its prefix is the configured one.
    current: bool,
    slot: i32,
    name: &'a str,
    value: &'a Secret,
}

impl<'a> TokenCookies<'a> {
    pub fn of(ctx: &'a Context<'_>) -> Self {
        Self { cookies: ctx.cookies(), path: ctx.services().sessions.cookie_path() }
    }

    /// The refresh tokens of a request that is allowed to use them, the newest by its name first. Two cookies with the
    /// same name are rejected: another host set one of them, and they can't be distinguished.
    pub fn refresh_tokens(&self) -> RefreshInput {
        if !self.cookies.protected() {
            return RefreshInput::Missing;
        }
        let mut found: Vec<_> = self.found().filter(|found| !found.value.expose().is_empty()).collect();
        if self.path.is_none() && found.iter().any(|found| found.current) {
            found.retain(|found| found.current);
        }
        let mut names = HashSet::new();
        if !found.iter().all(|found| names.insert(found.name)) {
            return RefreshInput::Ambiguous;
        }
        found.sort_by_key(|found| std::cmp::Reverse((found.current, found.slot)));
        let highest_slot = self.highest_slot().unwrap_or(0);
        let tokens: Vec<_> = found.iter().filter_map(|found| self.parse_offer(found)).collect();
        match tokens.is_empty() {
            true => RefreshInput::Missing,
            false => RefreshInput::Tokens(PresentedTokens { tokens, highest_slot }),
        }
    }

    fn parse_offer(&self, found: &Found<'_>) -> Option<PresentedToken> {
        let token = OpaqueToken::parse(found.value.expose())?;
        // A cookie with another prefix does not limit the slots of the configured names.
        let slot = if found.current { found.slot } else { 0 };
        Some(PresentedToken { token, slot, is_legacy: self.path.is_none() && !found.current })
    }

    /// The slot for the first token of a new session. It replaces the browser's cookies, and is above the slots that a
    /// response in flight may set.
    pub fn slot(&self) -> i32 {
        self.highest_slot().map_or(0, next_session_slot)
    }

    fn highest_slot(&self) -> Option<i32> {
        self.found().filter(|found| found.current).map(|found| found.slot).max()
    }

    /// The device token, and whether another host of the domain may have set its cookie.
    pub fn device_token(&self) -> (Option<OpaqueToken>, bool) {
        let sent = [self.prefix(), self.other_prefix()].into_iter().find_map(|prefix| {
            let mut values = self.cookies.sent().filter(|(name, _)| name.strip_prefix(prefix) == Some(DEVICE));
            let first = values.next()?;
            values.next().is_none().then_some((OpaqueToken::parse(first.1.expose()), prefix == SECURE))
        });
        sent.unwrap_or_default()
    }

    /// Sets the cookie of a refresh token, and removes those in lower slots.
    pub fn set_refresh_token(&self, token: &Secret, slot: i32, life: Duration) {
        let name = self.refresh_name(slot);
        self.set(&name, token.expose(), self.path(), life);
        self.remove_where(|found| found.slot < slot);
    }

    /// Sets the cookie of the device token.
    pub fn set_device_token(&self, token: &Secret, life: Duration) {
        self.set(&format!("{}{DEVICE}", self.prefix()), token.expose(), self.path(), life);
        self.remove_stale(&format!("{}{DEVICE}", self.other_prefix()));
    }

    /// Removes the refresh tokens from the browser. If it had any, a marker keeps the slot of the next session for a
    /// while: a response that is still in flight sets and removes the names of this session.
    pub fn clear_refresh_tokens(&self) {
        let Some(highest) = self.highest_slot() else {
            self.set(&self.refresh_name(0), "", self.path(), Duration::ZERO);
            return self.remove_where(|_| true);
        };
        let next = next_session_slot(highest);
        self.set(&self.refresh_name(next), SIGNED_OUT, self.path(), IN_FLIGHT);
        self.remove_where(|found| found.slot != next);
    }

    /// Removes the refresh cookies that `is_meant` selects, and all with the other prefix.
    fn remove_where(&self, selects: impl Fn(&Found<'_>) -> bool) {
        let mut names: Vec<_> = self
            .found()
            .filter(|found| !found.current || selects(found))
            .map(|found| (found.name, found.current))
            .collect();
        names.sort_unstable();
        names.dedup();
        for (name, current) in names {
            match current {
                true => self.set(name, "", self.path(), Duration::ZERO),
                false => self.remove_stale(name),
            }
        }
        // The same name on the path of earlier versions is another cookie.
        if self.path.is_some_and(|path| path != LEGACY_PATH) {
            self.remove_stale(&format!("{SECURE}{REFRESH}"));
        }
    }

    /// Removes a cookie of the request that was set with the other prefix or by an earlier version.
    fn remove_stale(&self, name: &str) {
        if self.cookies.named(name).next().is_some() {
            let path = if name.starts_with(HOST) { "/" } else { LEGACY_PATH };
            self.set(name, "", path, Duration::ZERO);
        }
    }

    fn found(&self) -> impl Iterator<Item = Found<'a>> {
        let prefixes = [(self.prefix(), true), (self.other_prefix(), false)];
        self.cookies.sent().filter_map(move |(name, value)| {
            let (rest, current) =
                prefixes.iter().find_map(|(prefix, current)| Some((name.strip_prefix(prefix)?, *current)))?;
            Some(Found { current, slot: slot_of(rest.strip_prefix(REFRESH)?)?, name, value })
        })
    }

    fn set(&self, name: &str, value: &str, path: &str, life: Duration) {
        let seconds = life.as_secs();
        self.cookies.set(format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict"));
    }

    fn refresh_name(&self, slot: i32) -> String {
        match slot {
            ..=0 => format!("{}{REFRESH}", self.prefix()),
            slot => format!("{}{REFRESH}-{slot}", self.prefix()),
        }
    }

    fn path(&self) -> &'a str {
        self.path.unwrap_or("/")
    }

    fn prefix(&self) -> &'static str {
        if self.path.is_none() { HOST } else { SECURE }
    }

    fn other_prefix(&self) -> &'static str {
        if self.path.is_none() { SECURE } else { HOST }
    }
}

/// The first slot of the session that follows one with this slot.
fn next_session_slot(slot: i32) -> i32 {
    slot.saturating_add(HEADROOM).min(MAX_COOKIE_SLOT)
}

/// The slot in the suffix of a name: empty, or a hyphen and a number in canonical form, up to the highest slot.
fn slot_of(suffix: &str) -> Option<i32> {
    if suffix.is_empty() {
        return Some(0);
    }
    let digits = suffix.strip_prefix('-').filter(|digits| !digits.starts_with(['0', '+', '-']))?;
    digits.parse().ok().filter(|slot| *slot <= MAX_COOKIE_SLOT)
}

#[cfg(test)]
#[path = "token_cookies_tests.rs"]
mod tests;
