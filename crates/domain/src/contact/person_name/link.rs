//! Whether a name holds the address of a page. Names are shown in messages and lists, and mail programs make links of
//! such addresses by themselves: `Your prize: evil.com` would be advertising that we send.

use super::characters::{is_full_stop, is_quotation_mark};
use crate::contact::script::fold;

/// Last labels of addresses. A closed list, since `St.John`, `Md.Rahman` and `R.Srinivasan` are names: it has the common
/// general domains, and those of countries that much unsolicited mail links to, without those that end names (`kim`).
#[rustfmt::skip]
const ENDINGS: &[&str] = &[
    "app", "art", "asia", "best", "bid", "biz", "blog", "buzz", "cam", "casino", "cfd", "click", "cloud", "club",
    "com", "company", "cyou", "date", "dev", "digital", "edu", "email", "finance", "fun", "gov", "help", "host",
    "icu", "info", "ink", "link", "live", "loan", "lol", "market", "men", "mobi", "money", "monster", "net", "news",
    "one", "online", "org", "page", "party", "porn", "pro", "promo", "quest", "rest", "review", "rocks", "sale",
    "sbs", "shop", "site", "space", "store", "stream", "support", "team", "tech", "tk", "today", "top", "trade",
    "vip", "vote", "website", "win", "work", "works", "world", "wtf", "xxx", "xyz", "zip", "zone",
    "ai", "cc", "cf", "ch", "cn", "co", "de", "es", "eu", "fr", "ga", "gg", "gq", "hk", "in", "io", "it", "jp", "kr",
    "ly", "me", "ml", "nl", "pl", "pw", "ru", "su", "to", "tv", "tw", "ua", "uk", "us", "vn", "ws",
];

/// Whether a part of the name is such an address.
pub fn is_in(name: &str) -> bool {
    name.split(|character| matches!(character, ' ' | ',' | '(' | ')' | '/') || is_quotation_mark(character))
        .any(is_address)
}

fn is_address(part: &str) -> bool {
    let part = fold(part);
    let labels: Vec<&str> = part.split(is_full_stop).collect();
    let [.., before, last] = labels.as_slice() else { return false };
    // An address may be followed by the end of a sentence.
    let (before, last) = match (labels.len(), last.is_empty()) {
        (3.., true) => (labels[labels.len() - 3], *before),
        _ => (*before, *last),
    };
    let long = |label: &str, least: usize| label.chars().count() >= least;
    // `M.Co` is an initial and a name; so are `J.R.R.To`.
    let ends = long(before, if long(last, 3) { 2 } else { 3 }) && ENDINGS.contains(&last);
    ends || labels[0] == "www"
}
