//! Names that must not change: they are stored in tables, tokens and Redis, are inputs of key derivation in other
//! versions, or are used in the message files of operators. `tests/fixtures/stable_names.txt` lists them by kind.
//!
//! Most kinds are read from string literals of the source (`literals`), wherever its files are and whatever its
//! identifiers are called. Others are observed at run time (`tests/it/upgrade/stored_texts.rs` and `tokens` here).

mod fluent;
mod literals;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

/// Kinds that a pattern finds in the source: the list has all of them.
const FOUND: &[(&str, &str)] = &[
    // Of HMACs and key derivation, such as `code/1`.
    ("derivation label", r"^([a-z]+(-[a-z]+)*/)+[0-9]+$"),
    // Of hashes that name keys.
    ("hash prefix", r"^countersign/[a-z-]+/$"),
    ("id prefix", r"^[a-z]{3}_$"),
    // Of Redis, of lockouts and of counts by contact; `{}` is a value.
    ("key pattern", r"^[a-z-]+(:[a-z-]+)*(:\{\})+$"),
];

/// Kinds whose texts are too plain for a pattern: each listed text has to be in the source.
const LISTED: &[&str] = &[
    "audit act",
    "audit outcome",
    "cookie name part",
    "delivery kind",
    "delivery provider",
    "delivery reason",
    "field reason",
    "lease or lockout",
    "quota",
    "redis key",
    "authentication context",
];

/// The list, by kind.
pub fn stable_names() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let list = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/stable_names.txt"));
    let mut names: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut kind = "";
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(next) => kind = next,
            None => assert!(names.entry(kind).or_default().insert(line), "{line} is listed twice under [{kind}]"),
        }
    }
    names
}

/// Fails with the lines to look at, unless `found` is what the list has under `kind`.
fn assert_listed(kind: &str, found: &BTreeSet<String>) {
    let names = stable_names();
    let listed: BTreeSet<_> = names[kind].iter().map(|name| (*name).to_owned()).collect();
    let (gone, new): (Vec<_>, Vec<_>) = (listed.difference(found).collect(), found.difference(&listed).collect());
    assert!(gone.is_empty(), "[{kind}] these are stored or in use and must stay: {gone:#?}");
    assert!(new.is_empty(), "[{kind}] add these to tests/fixtures/stable_names.txt: {new:#?}");
}

#[test]
fn names_that_a_pattern_finds_are_listed() {
    let literals = literals::of_source();
    for (kind, pattern) in FOUND {
        let pattern = Regex::new(pattern).unwrap();
        let found = literals.iter().filter(|literal| pattern.is_match(literal)).cloned().collect();
        assert_listed(kind, &found);
    }
}

#[test]
fn listed_texts_are_in_the_source() {
    let (literals, names) = (literals::of_source(), stable_names());
    for kind in LISTED {
        let gone: Vec<_> = names[kind].iter().filter(|name| !literals.contains(**name)).collect();
        assert!(gone.is_empty(), "[{kind}] these are stored or in use and must stay: {gone:#?}");
    }
}

#[test]
fn fluent_messages_are_listed() {
    let messages = fluent::messages();
    assert!(messages.len() >= 2, "one set of messages for each locale: {messages:?}");
    for found in messages.values() {
        assert_listed("fluent message", found);
    }
}
