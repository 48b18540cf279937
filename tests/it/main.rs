//! Behaviour, over the real wire, in one binary so that it links once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that can't go on fails its test; the lint spares only the tests themselves"
)]

mod accounts;
mod compatibility;
mod delivery;
mod deploy;
mod docs;
#[path = "../faults/mod.rs"]
mod faults;
mod house;
mod janitor;
mod logs;
mod main_job;
mod outbox;
mod process;
mod providers;
mod refusals;
mod schema;
mod settings;
mod support;
mod upgrade;
mod verification;
mod wire;
