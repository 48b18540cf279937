//! Names and values of the cookies, without a service.

use super::*;
use crate::clock::Entropy;

fn jar(pairs: &[(&str, &Secret)], protected: bool) -> Cookies {
    Cookies::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())), protected)
}

fn by_default(cookies: &Cookies) -> TokenCookies<'_> {
    TokenCookies { cookies, path: None }
}

fn sent(cookies: &TokenCookies<'_>) -> Option<String> {
    match cookies.refresh_tokens() {
        Sent::Offer(offer) => Some(offer.tokens[0].token.expose().to_owned()),
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
fn the_highest_slot_comes_first_and_two_of_one_name_are_refused() {
    let [old, new, other] = tokens();
    let plain = "__Host-countersign-refresh";
    let pairs = [("__Host-countersign-refresh-2", &new), (plain, &old), ("__Host-countersign-refresh-1", &other)];
    let cookies = jar(&pairs, true);
    assert_eq!(sent(&by_default(&cookies)).unwrap(), new.expose());
    assert_eq!(by_default(&cookies).slot(), 2 + HEADROOM);
    by_default(&cookies).keep_refresh_token(&Secret::new("abc"), 2, Duration::from_secs(60));
    let names: Vec<_> = set(&cookies).iter().map(|cookie| cookie.split("; ").next().unwrap().to_owned()).collect();
    assert_eq!(
        names,
        ["__Host-countersign-refresh-2=abc", "__Host-countersign-refresh=", "__Host-countersign-refresh-1="]
    );
    assert_eq!(sent(&by_default(&jar(&[(plain, &old), (plain, &new)], true))).unwrap(), "ambiguous");
    assert_eq!(sent(&by_default(&jar(&[(plain, &old), (plain, &old)], true))).unwrap(), "ambiguous");
    for foreign in ["__Host-countersign-refresh-01", "__Host-countersign-refresher", "x__Host-countersign-refresh"] {
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
    assert_eq!(read.device_token().0.unwrap().expose(), device.expose());
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
    assert!(by_default(&jar(&[(name, &one), (name, &two)], true)).device_token().0.is_none());
    assert_eq!(by_default(&jar(&[(name, &two)], true)).device_token().0.unwrap().expose(), two.expose());
}

#[test]
fn an_answer_removes_no_cookie_in_a_higher_slot() {
    let [one, two, new] = tokens();
    let cookies = jar(&[("__Host-countersign-refresh", &one), ("__Host-countersign-refresh-3", &two)], true);
    by_default(&cookies).keep_refresh_token(&new, 1, Duration::from_secs(60));
    let set = set(&cookies);
    assert!(set.len() == 2 && set[1].starts_with("__Host-countersign-refresh=;"), "{set:?}");
}

#[test]
fn slots_that_a_client_chose_are_bounded() {
    let [token, ..] = tokens();
    let name = |slot: i32| format!("__Host-countersign-refresh-{slot}");
    let cookies = jar(&[(&name(MAX_COOKIE_SLOT), &token)], true);
    assert_eq!(by_default(&cookies).slot(), MAX_COOKIE_SLOT);
    for slot in [MAX_COOKIE_SLOT + 1, i32::MAX] {
        let cookies = jar(&[(&name(slot), &token)], true);
        assert_eq!((by_default(&cookies).slot(), sent(&by_default(&cookies))), (0, None), "{slot}");
    }
}

/// Cookies that any host of the domain can set are marked; those that only this host can set are not.
#[test]
fn names_that_others_can_set_are_marked() {
    let [one, two, _] = tokens();
    let offered = |pairs: &[(&str, &Secret)], path| {
        let cookies = jar(pairs, true);
        match (TokenCookies { cookies: &cookies, path }).refresh_tokens() {
            Sent::Offer(offer) => offer.tokens.iter().map(|offered| offered.of_earlier_version).collect(),
            Sent::Nothing | Sent::Ambiguous => Vec::new(),
        }
    };
    let (secure, host) = (("__Secure-countersign-refresh", &one), ("__Host-countersign-refresh", &two));
    assert_eq!(offered(&[secure], None), [true]);
    assert_eq!(offered(&[secure, host], None), [false]);
    assert_eq!(offered(&[secure, host], Some("/id")), [false, false]);
    let device = jar(&[("__Secure-countersign-device", &one)], true);
    assert!(by_default(&device).device_token().1);
    let device = jar(&[("__Host-countersign-device", &one)], true);
    assert!(!by_default(&device).device_token().1);
}
