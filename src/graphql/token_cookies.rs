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
//! `__Secure-`. The names of the other setting are read as well, so that changing it signs nobody out.
//!
//! # Late answers
//!
//! A browser keeps whatever `Set-Cookie` it reads last, also that of an answer that was overtaken on its way. Where a copy
//! of an answer with an older token may still be under way, the newer token therefore gets a cookie of its own: its name
//! ends in the token's slot (`…-refresh-1`, `…-refresh-2`), which grows within a session. Of several slots the highest one
//! counts, and what else was sent is removed with the answer. A store never loses its newest token this way, and a thief
//! who has only an older one gains nothing.

use std::time::Duration;

use async_graphql::Context;

use super::{context::Asking, cookies::Cookies};
use crate::{
    secret::Secret,
    session::{Opaque, Sent},
};

const REFRESH: &str = "countersign-refresh";
const DEVICE: &str = "countersign-device";
const HOST: &str = "__Host-";
const SECURE: &str = "__Secure-";
/// The path that cookies of earlier versions have. Their names are those of [`SECURE`]; they are read for one release.
const EARLIER_PATH: &str = "/graphql";

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

    /// The refresh token of a request that may act upon it. Two cookies of one name are refused: one of them was set by
    /// somebody else, and nothing tells which.
    pub fn refresh_token(&self) -> Sent {
        if !self.cookies.protected() {
            return Sent::Nothing;
        }
        let found: Vec<_> = self.found().filter(|found| !found.value.expose().is_empty()).collect();
        let Some(newest) = found.iter().max_by_key(|found| (found.current, found.slot)) else {
            return Sent::Nothing;
        };
        if found.iter().filter(|found| found.name == newest.name).count() > 1 {
            return Sent::Ambiguous;
        }
        Opaque::parse(newest.value.expose()).map_or(Sent::Nothing, Sent::Token)
    }

    /// The slot for the first token of a new session: it takes the place of what the browser has.
    pub fn slot(&self) -> i32 {
        self.found().filter(|found| found.current).map(|found| found.slot).max().unwrap_or(0)
    }

    /// What the device is known by.
    pub fn device_token(&self) -> Option<Opaque> {
        let sent = [self.prefix(), self.other_prefix()].into_iter().find_map(|prefix| {
            let mut values = self.cookies.sent().filter(|(name, _)| name.strip_prefix(prefix) == Some(DEVICE));
            let first = values.next()?;
            values.next().is_none().then_some(first.1)
        })?;
        Opaque::parse(sent.expose())
    }

    /// Has the browser keep a refresh token, and forget the ones before it.
    pub fn keep_refresh_token(&self, token: &Secret, slot: i32, life: Duration) {
        let name = self.refresh_name(slot);
        self.set(&name, token.expose(), self.path(), life);
        self.forget_all_but(&name);
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
        self.forget_all_but(&name);
    }

    fn forget_all_but(&self, kept: &str) {
        let prefix = self.prefix();
        let mut names: Vec<_> = self.found().map(|found| found.name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            match name.starts_with(prefix) {
                true if name != kept => self.set(name, "", self.path(), Duration::ZERO),
                true => {}
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

/// The slot that the end of a name says: none, or a hyphen and a number as we write it.
fn slot_of(suffix: &str) -> Option<i32> {
    if suffix.is_empty() {
        return Some(0);
    }
    let digits = suffix.strip_prefix('-').filter(|digits| !digits.starts_with(['0', '+', '-']))?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Entropy;

    fn jar(pairs: &[(&str, &Secret)], protected: bool) -> Cookies {
        Cookies::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())), protected)
    }

    fn by_default(cookies: &Cookies) -> TokenCookies<'_> {
        TokenCookies { cookies, path: None }
    }

    fn sent(cookies: &TokenCookies<'_>) -> Option<String> {
        match cookies.refresh_token() {
            Sent::Token(token) => Some(token.expose().to_owned()),
            Sent::Nothing => None,
            Sent::Ambiguous => Some("ambiguous".to_owned()),
        }
    }

    fn set(cookies: &Cookies) -> Vec<String> {
        cookies.take_set().iter().map(|cookie| cookie.expose().to_owned()).collect()
    }

    fn tokens() -> [Secret; 3] {
        let entropy = Entropy::seeded(1);
        [(), (), ()].map(|()| Opaque::new(&entropy).secret().clone())
    }

    #[test]
    fn tk_12_a_cookie_counts_only_with_the_header_that_no_other_site_can_send() {
        let [token, ..] = tokens();
        let pairs = [("__Host-countersign-refresh", &token)];
        assert_eq!(sent(&by_default(&jar(&pairs, false))), None);
        assert_eq!(sent(&by_default(&jar(&pairs, true))).unwrap(), token.expose());
        assert_eq!(sent(&by_default(&Cookies::none())), None);
    }

    #[test]
    fn tk_12_a_cookie_has_every_attribute_that_keeps_it_in() {
        let cookies = jar(&[], true);
        let (token, life) = (Secret::new("abc"), Duration::from_secs(60));
        by_default(&cookies).keep_refresh_token(&token, 0, life);
        let attributes = "Max-Age=60; HttpOnly; Secure; SameSite=Strict";
        assert_eq!(set(&cookies), [format!("__Host-countersign-refresh=abc; Path=/; {attributes}")]);
        TokenCookies { cookies: &cookies, path: Some("/id/graphql") }.keep_refresh_token(&token, 2, life);
        assert_eq!(set(&cookies), [format!("__Secure-countersign-refresh-2=abc; Path=/id/graphql; {attributes}")]);
    }

    #[test]
    fn the_highest_slot_counts_and_two_of_one_name_do_not() {
        let [old, new, other] = tokens();
        let plain = "__Host-countersign-refresh";
        let pairs = [("__Host-countersign-refresh-2", &new), (plain, &old), ("__Host-countersign-refresh-1", &other)];
        let cookies = jar(&pairs, true);
        assert_eq!(sent(&by_default(&cookies)).unwrap(), new.expose());
        assert_eq!(by_default(&cookies).slot(), 2);
        by_default(&cookies).keep_refresh_token(&Secret::new("abc"), 2, Duration::from_secs(60));
        let names: Vec<_> = set(&cookies).iter().map(|cookie| cookie.split("; ").next().unwrap().to_owned()).collect();
        assert_eq!(
            names,
            ["__Host-countersign-refresh-2=abc", "__Host-countersign-refresh=", "__Host-countersign-refresh-1="]
        );
        assert_eq!(sent(&by_default(&jar(&[(plain, &old), (plain, &new)], true))).unwrap(), "ambiguous");
        assert_eq!(sent(&by_default(&jar(&[(plain, &old), (plain, &old)], true))).unwrap(), "ambiguous");
        for foreign in ["__Host-countersign-refresh-01", "__Host-countersign-refresher", "x__Host-countersign-refresh"]
        {
            assert_eq!(sent(&by_default(&jar(&[(foreign, &old)], true))), None, "{foreign}");
        }
    }

    #[test]
    fn cookies_of_an_earlier_version_are_read_and_replaced() {
        let [old, new, device] = tokens();
        let earlier = "__Secure-countersign-refresh";
        let cookies = jar(&[(earlier, &old), ("__Secure-countersign-device", &device)], true);
        let read = by_default(&cookies);
        assert_eq!(sent(&read).unwrap(), old.expose());
        assert_eq!(read.device_token().unwrap().expose(), device.expose());
        read.keep_refresh_token(&new, 0, Duration::from_secs(1));
        read.keep_device_token(&device, Duration::from_secs(1));
        let set = set(&cookies);
        assert!(set[1].starts_with("__Secure-countersign-refresh=; Path=/graphql; Max-Age=0;"), "{set:?}");
        assert!(set[3].starts_with("__Secure-countersign-device=; Path=/graphql; Max-Age=0;"), "{set:?}");
        let both = jar(&[(earlier, &old), ("__Host-countersign-refresh", &new)], true);
        assert_eq!(sent(&by_default(&both)).unwrap(), new.expose());
        // Behind a path of its own, the name is the earlier one and the path tells them apart.
        TokenCookies { cookies: &cookies, path: Some("/id") }.drop_refresh_token();
        assert_eq!(cookies.take_set().len(), 2);
    }

    #[test]
    fn two_device_cookies_name_no_device() {
        let [one, two, _] = tokens();
        let name = "__Host-countersign-device";
        assert!(by_default(&jar(&[(name, &one), (name, &two)], true)).device_token().is_none());
        assert_eq!(by_default(&jar(&[(name, &two)], true)).device_token().unwrap().expose(), two.expose());
    }
}
