//! Refresh tokens in cookies (`REFRESH_COOKIE=on`), and what a device is known by beside them.
//!
//! A page can't read them (`HttpOnly`), no wire shows them (`Secure`), and no other site sends them along (`SameSite`). A
//! refresh token is taken out of its cookie only where the request carries a header that a page of another site can't
//! send; the transport has judged the origin by then.
//!
//! # Names
//!
//! By default the names begin with `__Host-`: browsers take such a cookie only from this very host, with `Path=/`. Behind
//! a proxy that serves other programs under other paths, `REFRESH_COOKIE_PATH` narrows the path, and the names begin with
//! `__Secure-`.
//!
//! Any host of the domain can set a cookie whose name begins with `__Secure-`. By default such a cookie could therefore be
//! an attacker's, who wants the browser to go on in their session (login CSRF). It is read only where there is no `__Host-`
//! cookie, and counts only as what it was before the upgrade: a token that an earlier version issued, in a session that an
//! earlier version began. With `REFRESH_COOKIE_PATH` the `__Host-` cookies are read as well, so that setting a path signs
//! nobody out.
//!
//! # Late answers
//!
//! A browser keeps whatever `Set-Cookie` it reads last, also that of an answer that was overtaken on its way. Where a copy
//! of an answer with an older token may still be under way, the newer token therefore gets a cookie of its own: its name
//! ends in the token's slot (`…-refresh-1`, `…-refresh-2`), which grows within a session. Of several slots the highest one
//! of a live session counts, and lower ones are removed with the answer. A store never loses its newest token this way, and
//! a thief who has only an older one gains nothing.
//!
//! The answer of a session that is over may come after the next sign-in. The sign-in takes a slot above those that such an
//! answer can have, and cookies of sessions that are over are passed over; see `session/offer.rs`. For the same reason an
//! answer removes no cookie in a higher slot than its own, and a refusal removes none at all: if it came late, it would
//! remove the cookie of a newer token.

use std::{collections::HashSet, time::Duration};

use async_graphql::Context;

use super::{context::Asking, cookies::Cookies};
use crate::{
    secret::Secret,
    session::{MAX_COOKIE_SLOT, Offer, Offered, Opaque, Sent},
};

const REFRESH: &str = "countersign-refresh";
const DEVICE: &str = "countersign-device";
const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";
/// The path that cookies of earlier versions have. Their names are those of [`SECURE`]; they are read for one release.
const EARLIER_PATH: &str = "/graphql";
/// How far above the sent slots a new session begins. Answers of the session before it that are still under way may take
/// the next slots: each that replaces a lost answer takes one.
const HEADROOM: i32 = 8;

/// The token cookies of a request.
pub struct TokenCookies<'a> {
    cookies: &'a Cookies,
    /// `REFRESH_COOKIE_PATH`.
    path: Option<&'a str>,
}

/// A refresh cookie that was sent.
struct Found<'a> {
    /// Its prefix is the one that is set today.
    current: bool,
    slot: i32,
    name: &'a str,
    value: &'a Secret,
}

impl<'a> TokenCookies<'a> {
    pub fn of(ctx: &'a Context<'_>) -> Self {
        Self { cookies: ctx.cookies(), path: ctx.rooms().sessions.cookie_path() }
    }

    /// The refresh tokens of a request that may act upon them, the newest by its name first. Two cookies of one name are
    /// refused: one of them was set by somebody else, and nothing tells which.
    pub fn refresh_tokens(&self) -> Sent {
        if !self.cookies.protected() {
            return Sent::Nothing;
        }
        let mut found: Vec<_> = self.found().filter(|found| !found.value.expose().is_empty()).collect();
        if self.path.is_none() && found.iter().any(|found| found.current) {
            found.retain(|found| found.current);
        }
        let mut names = HashSet::new();
        if !found.iter().all(|found| names.insert(found.name)) {
            return Sent::Ambiguous;
        }
        found.sort_by_key(|found| std::cmp::Reverse((found.current, found.slot)));
        let highest_slot = self.highest_slot().unwrap_or(0);
        let tokens: Vec<_> = found.iter().filter_map(|found| self.offered(found)).collect();
        match tokens.is_empty() {
            true => Sent::Nothing,
            false => Sent::Offer(Offer { tokens, highest_slot }),
        }
    }

    fn offered(&self, found: &Found<'_>) -> Option<Offered> {
        let token = Opaque::parse(found.value.expose())?;
        // Of a cookie under another name, the slot is no bound for the names that are set today.
        let slot = if found.current { found.slot } else { 0 };
        Some(Offered { token, slot, of_earlier_version: self.path.is_none() && !found.current })
    }

    /// The slot for the first token of a new session: it takes the place of what the browser has, and is above what an
    /// answer that is still under way may set.
    pub fn slot(&self) -> i32 {
        self.highest_slot().map_or(0, |slot| slot.saturating_add(HEADROOM).min(MAX_COOKIE_SLOT))
    }

    fn highest_slot(&self) -> Option<i32> {
        self.found().filter(|found| found.current).map(|found| found.slot).max()
    }

    /// What the device is known by, and whether another host of the domain may have set the cookie.
    pub fn device_token(&self) -> (Option<Opaque>, bool) {
        let sent = [self.prefix(), self.other_prefix()].into_iter().find_map(|prefix| {
            let mut values = self.cookies.sent().filter(|(name, _)| name.strip_prefix(prefix) == Some(DEVICE));
            let first = values.next()?;
            values.next().is_none().then_some((Opaque::parse(first.1.expose()), prefix == SECURE))
        });
        sent.unwrap_or_default()
    }

    /// Has the browser keep a refresh token, and forget the ones in lower slots.
    pub fn keep_refresh_token(&self, token: &Secret, slot: i32, life: Duration) {
        let name = self.refresh_name(slot);
        self.set(&name, token.expose(), self.path(), life);
        self.forget(|found| found.slot < slot);
    }

    /// Has the browser keep what the device is known by.
    pub fn keep_device_token(&self, token: &Secret, life: Duration) {
        self.set(&format!("{}{DEVICE}", self.prefix()), token.expose(), self.path(), life);
        self.forget_elsewhere(&format!("{}{DEVICE}", self.other_prefix()));
    }

    /// Has the browser forget its refresh tokens.
    pub fn drop_refresh_token(&self) {
        let name = self.refresh_name(0);
        self.set(&name, "", self.path(), Duration::ZERO);
        self.forget(|found| found.slot != 0);
    }

    /// Has the browser forget those of its refresh cookies, and all under the names of the other setting.
    fn forget(&self, is_meant: impl Fn(&Found<'_>) -> bool) {
        let mut names: Vec<_> = self
            .found()
            .filter(|found| !found.current || is_meant(found))
            .map(|found| (found.name, found.current))
            .collect();
        names.sort_unstable();
        names.dedup();
        for (name, current) in names {
            match current {
                true => self.set(name, "", self.path(), Duration::ZERO),
                false => self.forget_elsewhere(name),
            }
        }
        // The same name on the path of earlier versions is another cookie.
        if self.path.is_some_and(|path| path != EARLIER_PATH) {
            self.forget_elsewhere(&format!("{SECURE}{REFRESH}"));
        }
    }

    /// Has the browser forget a cookie that was sent and that the other setting, or an earlier version, had set.
    fn forget_elsewhere(&self, name: &str) {
        if self.cookies.named(name).next().is_some() {
            let path = if name.starts_with(HOST) { "/" } else { EARLIER_PATH };
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

/// The slot that the end of a name says: none, or a hyphen and a number as we write it, up to the highest slot.
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
