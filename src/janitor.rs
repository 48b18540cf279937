//! The janitor: erases what is over and nobody needs any more.
//!
//! One process does it at a time, in small batches with a pause after each, so that a send never waits for it.

use std::time::Duration;

use chrono::Datelike;
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::{Clock, Instant},
    config,
    delivery::ACCOUNT_DELETED,
    fault::Fault,
    quota::rules::local_day,
    session::{DEVICE_LIFE, rules::MEMORY},
    store::{Dead, Store},
    telemetry,
};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// What only one process does at a time.
const LEASE_NAME: &str = "janitor";
/// How long the lease holds: one that dies at work is replaced at the next look but one.
const LEASE: Duration = Duration::from_secs(15 * 60);
/// What is spent or expired is remembered a day, so that whoever comes with it late is told what became of it; and so
/// that processes whose clocks do not agree erase nothing that another one needs.
const LATE: Duration = Duration::from_secs(24 * 60 * 60);
/// Rows erased in one statement.
const BATCH: u64 = 500;
/// A breath for whoever waits to write.
const PAUSE: Duration = Duration::from_millis(50);

/// Erases what is over.
pub struct Janitor {
    pub store: Store,
    pub clock: Clock,
    pub settings: config::Janitor,
    /// How long an access token lives: its session's end is remembered as long.
    pub access_ttl: Duration,
    /// Whose midnight begins a day.
    pub time_zone: Tz,
    /// Names this process in the lease.
    pub process: String,
}

impl Janitor {
    /// Works until `stop`, and leaves the work to whoever is left.
    pub async fn run(self, stop: CancellationToken) {
        self.work(stop).await;
        if let Err(fault) = self.store.release_lease(LEASE_NAME, &self.process).await {
            telemetry::report(&fault);
        }
    }

    async fn work(&self, stop: CancellationToken) {
        loop {
            let next = self.clock.now() + EVERY;
            tokio::select! {
                () = stop.cancelled() => return,
                cleaned = self.clean() => match cleaned {
                    Ok(0) => {}
                    Ok(rows) => tracing::info!(rows, "erased what was over"),
                    Err(fault) => telemetry::report(&fault),
                },
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    /// Erases everything that is over, and says how many rows that was.
    async fn clean(&self) -> Result<u64, Fault> {
        let now = self.clock.now();
        let mut rows = 0;
        for dead in self.dead(now) {
            while self.is_ours().await? {
                let erased = self.store.erase(dead, BATCH).await?;
                rows += erased;
                if erased < BATCH {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(rows)
    }

    /// Takes the lease, or renews it.
    async fn is_ours(&self) -> Result<bool, Fault> {
        self.store.hold_lease(LEASE_NAME, &self.process, LEASE, self.clock.now()).await
    }

    fn dead(&self, now: Instant) -> [Dead; 15] {
        let history = now - self.settings.history;
        [
            Dead::Proofs { before: now - LATE },
            // Yesterday's count is dead at midnight; the day more is for clocks that do not agree.
            Dead::Usage { day: local_day(now, self.time_zone).num_days_from_ce() - 1, before: now - LATE },
            Dead::Deliveries { before: history },
            // Who was told that their account is gone is to be forgotten with it.
            Dead::DeliveriesOf { kind: ACCOUNT_DELETED },
            Dead::NoticeUsage { before: now - LATE * 2 },
            Dead::ProviderVerifications { before: now - LATE },
            Dead::Verifications { before: history, now },
            Dead::Audit { before: now - self.settings.audit },
            // A family's tokens first, since there may be thousands to one session.
            Dead::RefreshTokens { before: history },
            Dead::Sessions { before: history },
            Dead::Revocations { before: now - self.access_ttl - LATE },
            Dead::Lockouts { before: now - MEMORY, now },
            Dead::Devices { before: now - DEVICE_LIFE },
            Dead::ContactChanges { before: now - LATE },
            Dead::Unproved { before: now - self.settings.unproved },
        ]
    }
}
