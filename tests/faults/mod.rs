//! Real faults: processes killed and suspended, servers stopped, connections cut, disks filled, clocks changed. The
//! server is the real binary; servers that a test stops are its own.

mod budgets;
mod clock;
mod cycles;
mod database;
mod disk;
mod frozen;
mod full;
mod killed;
mod late;
mod load;
mod overload;
mod pooler;
mod provider;
mod proxy;
mod read_only;
mod redis;
mod redis_user;
pub mod servers;
mod stopped;

use crate::{process::child::ChildConfig, support::env_var};

/// Whether tests with their own servers run here: only in the run with PostgreSQL, since once is enough.
fn on_servers(what: &str) -> bool {
    if env_var("COUNTERSIGN_TEST_DATABASE_URL").is_none() {
        eprintln!("LEFT OUT: {what}: no COUNTERSIGN_TEST_DATABASE_URL");
        return false;
    }
    env_var("COUNTERSIGN_TEST_REDIS_URL").is_none()
}

/// A configuration without client quotas.
async fn without_quotas() -> ChildConfig {
    ["CLIENT_SENDS_PER_MINUTE", "CLIENT_GUESSES_PER_MINUTE", "DESTINATION_HOURLY_SENDS", "PUMPING_MIN_SENDS"]
        .into_iter()
        .fold(ChildConfig::new().await, |config, quota| config.with(quota, "unlimited"))
}
