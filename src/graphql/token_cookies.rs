//! Refresh tokens in cookies (`REFRESH_COOKIE=on`), and what a device is known by beside them.
//!
//! A page can't read them (HttpOnly), no wire shows them (Secure), no other site sends them along (SameSite), and
//! nothing but the API gets them (Path). A refresh token is taken out of its cookie only where the request carries a
//! header that a page of another site can't send; the transport has judged the origin by then.

use std::time::Duration;

use super::cookies::Cookies;
use crate::{secret::Secret, session::Opaque};

const REFRESH: &str = "__Secure-countersign-refresh";
const DEVICE: &str = "__Secure-countersign-device";

/// The refresh token of a request that may act upon it.
pub fn refresh_token(cookies: &Cookies) -> Option<Opaque> {
    cookies.get(REFRESH).filter(|_| cookies.protected()).and_then(|token| Opaque::parse(token.expose()))
}

/// What the device is known by.
pub fn device_token(cookies: &Cookies) -> Option<Opaque> {
    cookies.get(DEVICE).and_then(|token| Opaque::parse(token.expose()))
}

/// Has the browser keep a refresh token. False: this transport has no cookies.
pub fn keep_refresh_token(cookies: &Cookies, token: &Secret, life: Duration) -> bool {
    keep(cookies, REFRESH, token.expose(), life)
}

/// Has the browser keep what the device is known by.
pub fn keep_device_token(cookies: &Cookies, token: &Secret, life: Duration) -> bool {
    keep(cookies, DEVICE, token.expose(), life)
}

/// Has the browser forget its refresh token.
pub fn drop_refresh_token(cookies: &Cookies) {
    keep(cookies, REFRESH, "", Duration::ZERO);
}

fn keep(cookies: &Cookies, name: &str, value: &str, life: Duration) -> bool {
    let seconds = life.as_secs();
    cookies.set(format!("{name}={value}; Path=/graphql; Max-Age={seconds}; HttpOnly; Secure; SameSite=Strict"));
    cookies.writable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Entropy;

    #[test]
    fn tk_12_a_cookie_counts_only_with_the_header_that_no_other_site_can_send() {
        let token = Opaque::new(&Entropy::seeded(1));
        let sent = |protected| Cookies::new([(REFRESH.to_owned(), token.secret().clone())], protected);
        assert!(refresh_token(&sent(false)).is_none());
        assert_eq!(refresh_token(&sent(true)).unwrap().expose(), token.expose());
        assert!(refresh_token(&Cookies::none()).is_none());
    }

    #[test]
    fn tk_12_a_cookie_has_every_attribute_that_keeps_it_in() {
        let cookies = Cookies::new([], true);
        assert!(keep_refresh_token(&cookies, &Secret::new("abc"), Duration::from_secs(60)));
        let set = cookies.take_set();
        assert_eq!(
            set[0].expose(),
            "__Secure-countersign-refresh=abc; Path=/graphql; Max-Age=60; HttpOnly; Secure; SameSite=Strict"
        );
        assert!(!keep_refresh_token(&Cookies::none(), &Secret::new("abc"), Duration::ZERO));
    }
}
