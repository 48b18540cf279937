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
