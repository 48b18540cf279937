//! Detects web addresses in names. Names are shown in messages and lists, and mail programs turn such addresses into
//! links: `Your prize: evil.com` would make the service send advertising.

use super::characters::{is_full_stop, is_quotation_mark};
use crate::contact::script::fold;

/// Top-level domains. The list is closed, since `St.John`, `Md.Rahman` and `R.Srinivasan` are names: it has the common
/// generic domains, and the country domains most used by spam, without those that are also surnames (`kim`).
#[rustfmt::skip]
const TOP_LEVEL_DOMAINS: &[&str] = &[
    "app", "art", "asia", "best", "bid", "biz", "blog", "buzz", "cam", "casino", "cfd", "click", "cloud", "club",
    "com", "company", "cyou", "date", "dev", "digital", "edu", "email", "finance", "fun", "gov", "help", "host",
    "icu", "info", "ink", "link", "live", "loan", "lol", "market", "men", "mobi", "money", "monster", "net", "news",
    "one", "online", "org", "page", "party", "porn", "pro", "promo", "quest", "rest", "review", "rocks", "sale",
    "sbs", "shop", "site", "space", "store", "stream", "support", "team", "tech", "tk", "today", "top", "trade",
    "vip", "vote", "website", "win", "work", "works", "world", "wtf", "xxx", "xyz", "zip", "zone",
    "ai", "cc", "cf", "ch", "cn", "co", "de", "es", "eu", "fr", "ga", "gg", "gq", "hk", "in", "io", "it", "jp", "kr",
    "ly", "me", "ml", "nl", "pl", "pw", "ru", "su", "to", "tv", "tw", "ua", "uk", "us", "vn", "ws",
];

/// Whether a part of the name is a web address.
pub fn contains_link(name: &str) -> bool {
    name.split(|character| matches!(character, ' ' | ',' | '(' | ')' | '/') || is_quotation_mark(character))
        .any(is_address)
}

fn is_address(part: &str) -> bool {
    let part = fold(part);
    let labels: Vec<&str> = part.split(is_full_stop).collect();
    let [.., before, last] = labels.as_slice() else { return false };
    // A full stop may follow the address.
    let (before, last) = match (labels.len(), last.is_empty()) {
        (3.., true) => (labels[labels.len() - 3], *before),
        _ => (*before, *last),
    };
    let long = |label: &str, min: usize| label.chars().count() >= min;
    // `M.Co` is an initial and a name; so are `J.R.R.To`.
    let has_top_level_domain = long(before, if long(last, 3) { 2 } else { 3 }) && TOP_LEVEL_DOMAINS.contains(&last);
    has_top_level_domain || labels[0] == "www"
}
