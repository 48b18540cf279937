//! Faults, each really made: processes killed and frozen, servers stopped, connections cut, disks filled, clocks moved.
//! The program is the real binary; servers that a test stops are its own.

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

use crate::{process::child::Plan, support::given};

/// Whether the tests on servers of their own run here: with PostgreSQL, and once is enough.
fn on_servers(what: &str) -> bool {
    if given("COUNTERSIGN_TEST_DATABASE_URL").is_none() {
        eprintln!("LEFT OUT: {what}: no COUNTERSIGN_TEST_DATABASE_URL");
        return false;
    }
    given("COUNTERSIGN_TEST_REDIS_URL").is_none()
}

/// Nobody is refused for asking often.
async fn unlimited() -> Plan {
    ["CLIENT_SENDS_PER_MINUTE", "CLIENT_GUESSES_PER_MINUTE", "DESTINATION_HOURLY_SENDS", "PUMPING_MIN_SENDS"]
        .into_iter()
        .fold(Plan::new().await, |plan, quota| plan.with(quota, "unlimited"))
}
