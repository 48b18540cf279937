//! Behaviour, over the real wire, in one binary so that it links once.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that can't go on fails its test; the lint spares only the tests themselves"
)]

mod delivery;
mod deploy;
mod house;
mod main_job;
mod providers;
mod schema;
mod settings;
mod support;
mod wire;
