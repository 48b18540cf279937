//! Tests of behaviour over the wire, in one binary so that they are linked once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers outside of test functions may panic; the lint exempts only the tests themselves"
)]

mod accounts;
mod architecture;
mod compatibility;
mod delivery;
mod deploy;
mod docs;
#[path = "../faults/mod.rs"]
mod faults;
mod janitor;
mod logs;
mod main_job;
mod outbox;
mod plain_english;
mod process;
mod providers;
mod requirements;
mod schema;
mod settings;
mod support;
mod union_coverage;
mod upgrade;
mod verification;
mod wire;
