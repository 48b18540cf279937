//! One test for each workaround of this crate. A test fails when the library no longer needs the workaround: then the
//! workaround, the test and its line in the README can be removed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside of test functions may panic; the lint exempts only the tests themselves"
)]

#[path = "canaries/document.rs"]
mod document;
#[path = "canaries/http.rs"]
mod http;
#[path = "canaries/schema.rs"]
mod schema;
#[path = "canaries/websocket.rs"]
mod websocket;

/// Fails if the library behaves correctly now, so that its behaviour is no longer `wrong`.
#[track_caller]
fn needed(wrong: bool, workaround: &str) {
    assert!(wrong, "the library no longer needs this: {workaround}. Remove it, and its line in the README");
}

#[test]
fn readme_names_every_canary() {
    let readme = include_str!("../README.md");
    let sources =
        [include_str!("canaries/document.rs"), include_str!("canaries/http.rs"), include_str!("canaries/websocket.rs")];
    let tests = sources.iter().flat_map(|source| source.split("test]\n").skip(1));
    let names: Vec<_> =
        tests.filter_map(|test| test.split_once("fn ")?.1.split_once('(')).map(|(name, _)| name).collect();
    assert!(names.len() > 40);
    let missing: Vec<_> = names.iter().filter(|name| !readme.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "not in the README: {missing:?}");
    let listed = readme.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |")).count();
    assert_eq!(listed, names.len(), "the tables have lines without a canary");
}
