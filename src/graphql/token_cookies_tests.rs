//! Names and values of the cookies, without HTTP.

use super::*;
use platform::clock::Entropy;

fn jar(pairs: &[(&str, &Secret)], protected: bool) -> Cookies {
    Cookies::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())), protected)
}

fn default_cookies(cookies: &Cookies) -> TokenCookies<'_> {
    TokenCookies { cookies, path: None }
}

fn sent(cookies: &TokenCookies<'_>) -> Option<String> {
    match cookies.refresh_tokens() {
        RefreshInput::Tokens(offer) => Some(offer.tokens[0].token.expose().to_owned()),
        RefreshInput::Missing => None,
        RefreshInput::Ambiguous => Some("ambiguous".to_owned()),
    }
}

fn set(cookies: &Cookies) -> Vec<String> {
    cookies.take_set().iter().map(|cookie| cookie.expose().to_owned()).collect()
}

fn tokens() -> [Secret; 3] {
    let entropy = Entropy::seeded(1);
    [(), (), ()].map(|()| OpaqueToken::new(&entropy).secret().clone())
}

#[test]
fn tk_12_cookie_requires_anti_csrf_header() {
    let [token, ..] = tokens();
    let pairs = [("__Host-countersign-refresh", &token)];
    assert_eq!(sent(&default_cookies(&jar(&pairs, false))), None);
    assert_eq!(sent(&default_cookies(&jar(&pairs, true))).unwrap(), token.expose());
    assert_eq!(sent(&default_cookies(&Cookies::none())), None);
}

#[test]
fn tk_12_cookie_has_all_protective_attributes() {
    let cookies = jar(&[], true);
    let (token, life) = (Secret::new("abc"), Duration::from_secs(60));
    default_cookies(&cookies).set_refresh_token(&token, 0, life);
    let attributes = "Max-Age=60; HttpOnly; Secure; SameSite=Strict";
    assert_eq!(set(&cookies), [format!("__Host-countersign-refresh=abc; Path=/; {attributes}")]);
    TokenCookies { cookies: &cookies, path: Some("/id/graphql") }.set_refresh_token(&token, 2, life);
    assert_eq!(set(&cookies), [format!("__Secure-countersign-refresh-2=abc; Path=/id/graphql; {attributes}")]);
}

#[test]
fn highest_slot_comes_first_and_duplicate_names_are_rejected() {
    let [old, new, other] = tokens();
    let plain = "__Host-countersign-refresh";
    let pairs = [("__Host-countersign-refresh-2", &new), (plain, &old), ("__Host-countersign-refresh-1", &other)];
    let cookies = jar(&pairs, true);
    assert_eq!(sent(&default_cookies(&cookies)).unwrap(), new.expose());
    assert_eq!(default_cookies(&cookies).slot(), 2 + HEADROOM);
    default_cookies(&cookies).set_refresh_token(&Secret::new("abc"), 2, Duration::from_secs(60));
    let names: Vec<_> = set(&cookies).iter().map(|cookie| cookie.split("; ").next().unwrap().to_owned()).collect();
    assert_eq!(
        names,
        ["__Host-countersign-refresh-2=abc", "__Host-countersign-refresh=", "__Host-countersign-refresh-1="]
    );
    assert_eq!(sent(&default_cookies(&jar(&[(plain, &old), (plain, &new)], true))).unwrap(), "ambiguous");
    assert_eq!(sent(&default_cookies(&jar(&[(plain, &old), (plain, &old)], true))).unwrap(), "ambiguous");
    for foreign in ["__Host-countersign-refresh-01", "__Host-countersign-refresher", "x__Host-countersign-refresh"] {
        assert_eq!(sent(&default_cookies(&jar(&[(foreign, &old)], true))), None, "{foreign}");
    }
}

#[test]
fn legacy_cookies_are_read_and_replaced() {
    let [old, new, device] = tokens();
    let earlier = "__Secure-countersign-refresh";
    let cookies = jar(&[(earlier, &old), ("__Secure-countersign-device", &device)], true);
    let read = default_cookies(&cookies);
    assert_eq!(sent(&read).unwrap(), old.expose());
    assert_eq!(read.device_token().0.unwrap().expose(), device.expose());
    read.set_refresh_token(&new, 0, Duration::from_secs(1));
    read.set_device_token(&device, Duration::from_secs(1));
    let set = set(&cookies);
    assert!(set[1].starts_with("__Secure-countersign-refresh=; Path=/graphql; Max-Age=0;"), "{set:?}");
    assert!(set[3].starts_with("__Secure-countersign-device=; Path=/graphql; Max-Age=0;"), "{set:?}");
    let both = jar(&[(earlier, &old), ("__Host-countersign-refresh", &new)], true);
    assert_eq!(sent(&default_cookies(&both)).unwrap(), new.expose());
    // With `REFRESH_COOKIE_PATH`, the name is the legacy one and only the path differs.
    TokenCookies { cookies: &cookies, path: Some("/id") }.clear_refresh_tokens();
    assert_eq!(cookies.take_set().len(), 3);
}

#[test]
fn duplicate_device_cookies_are_ignored() {
    let [one, two, _] = tokens();
    let name = "__Host-countersign-device";
    assert!(default_cookies(&jar(&[(name, &one), (name, &two)], true)).device_token().0.is_none());
    assert_eq!(default_cookies(&jar(&[(name, &two)], true)).device_token().0.unwrap().expose(), two.expose());
}

#[test]
fn response_keeps_cookies_in_higher_slots() {
    let [one, two, new] = tokens();
    let cookies = jar(&[("__Host-countersign-refresh", &one), ("__Host-countersign-refresh-3", &two)], true);
    default_cookies(&cookies).set_refresh_token(&new, 1, Duration::from_secs(60));
    let set = set(&cookies);
    assert!(set.len() == 2 && set[1].starts_with("__Host-countersign-refresh=;"), "{set:?}");
}

#[test]
fn client_chosen_slots_are_bounded() {
    let [token, ..] = tokens();
    let name = |slot: i32| format!("__Host-countersign-refresh-{slot}");
    let cookies = jar(&[(&name(MAX_COOKIE_SLOT), &token)], true);
    assert_eq!(default_cookies(&cookies).slot(), MAX_COOKIE_SLOT);
    for slot in [MAX_COOKIE_SLOT + 1, i32::MAX] {
        let cookies = jar(&[(&name(slot), &token)], true);
        assert_eq!((default_cookies(&cookies).slot(), sent(&default_cookies(&cookies))), (0, None), "{slot}");
    }
}

/// Cookies that any host of the domain can set are marked; those that only this host can set are not.
#[test]
fn cookies_settable_by_other_hosts_are_marked() {
    let [one, two, _] = tokens();
    let offered = |pairs: &[(&str, &Secret)], path| {
        let cookies = jar(pairs, true);
        match (TokenCookies { cookies: &cookies, path }).refresh_tokens() {
            RefreshInput::Tokens(offer) => offer.tokens.iter().map(|offered| offered.is_legacy).collect(),
            RefreshInput::Missing | RefreshInput::Ambiguous => Vec::new(),
        }
    };
    let (secure, host) = (("__Secure-countersign-refresh", &one), ("__Host-countersign-refresh", &two));
    assert_eq!(offered(&[secure], None), [true]);
    assert_eq!(offered(&[secure, host], None), [false]);
    assert_eq!(offered(&[secure, host], Some("/id")), [false, false]);
    let device = jar(&[("__Secure-countersign-device", &one)], true);
    assert!(default_cookies(&device).device_token().1);
    let device = jar(&[("__Host-countersign-device", &one)], true);
    assert!(!default_cookies(&device).device_token().1);
}

/// A sign-out leaves no token, and the next session begins above all names of the previous one.
#[test]
fn sign_out_leaves_marker_for_next_slot() {
    let [token, ..] = tokens();
    let cookies = jar(&[("__Host-countersign-refresh", &token), ("__Host-countersign-refresh-2", &token)], true);
    default_cookies(&cookies).clear_refresh_tokens();
    let names: Vec<_> =
        set(&cookies).iter().map(|cookie| cookie.split("; HttpOnly").next().unwrap().to_owned()).collect();
    let removed = ["__Host-countersign-refresh=", "__Host-countersign-refresh-2="];
    assert_eq!(names[0], "__Host-countersign-refresh-10=signed-out; Path=/; Max-Age=600");
    assert_eq!(names[1..], removed.map(|name| format!("{name}; Path=/; Max-Age=0")));
    let left = jar(&[("__Host-countersign-refresh-10", &Secret::new(SIGNED_OUT))], true);
    assert_eq!((sent(&default_cookies(&left)), default_cookies(&left).slot()), (None, 18));
    let empty = jar(&[], true);
    default_cookies(&empty).clear_refresh_tokens();
    assert_eq!(set(&empty), ["__Host-countersign-refresh=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"]);
}
