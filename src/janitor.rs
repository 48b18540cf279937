//! The janitor deletes rows that are expired and no longer needed.
//!
//! One process at a time runs it, in small batches with a pause after each, so that requests do not wait for it.

use std::time::Duration;

use chrono::Datelike;
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::session::DEVICE_LIFE;
use domain::{Timestamp, notice::ACCOUNT_DELETED, quota::rules::local_day, session::rules::FAILURE_WINDOW};
use platform::{clock::Clock, config, fault::Fault, telemetry};
use store::{ExpiredRows, Store};

/// The interval between runs.
const INTERVAL: Duration = Duration::from_secs(10 * 60);
/// The lease that makes it run in one process at a time.
const LEASE_NAME: &str = "janitor";
/// The duration of the lease. If its process crashes, another one takes over two runs later.
const LEASE: Duration = Duration::from_secs(15 * 60);
/// Used or expired rows are kept for a day. A late request with such a row still gets the precise reason, and processes
/// whose clocks differ delete nothing that another process needs.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
/// Rows deleted per statement.
const BATCH: u64 = 500;
/// The pause after a batch, so that other writers are not blocked.
const PAUSE: Duration = Duration::from_millis(50);

/// Deletes expired rows.
pub struct Janitor {
    pub store: Store,
    pub clock: Clock,
    pub settings: config::Janitor,
    /// The lifetime of an access token: the end of its session is kept at least as long.
    pub access_ttl: Duration,
    /// The time zone whose midnight begins a day.
    pub time_zone: Tz,
    /// Identifies this process in the lease.
    pub process: String,
}

impl Janitor {
    /// Runs until `stop`, then releases the lease for other processes.
    pub async fn run(self, stop: CancellationToken) {
        self.run_until(stop).await;
        if let Err(fault) = self.store.release_lease(LEASE_NAME, &self.process).await {
            telemetry::report(&fault);
        }
    }

    async fn run_until(&self, stop: CancellationToken) {
        loop {
            let next = self.clock.now() + INTERVAL;
            tokio::select! {
                () = stop.cancelled() => return,
                result = self.clean() => match result {
                    Ok(0) => {}
                    Ok(rows) => tracing::info!(rows, "deleted expired rows"),
                    Err(fault) => telemetry::report(&fault),
                },
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    /// Deletes all expired rows, and returns their number.
    async fn clean(&self) -> Result<u64, Fault> {
        let now = self.clock.now();
        let mut rows = 0;
        for kind in self.expired_rows(now) {
            while self.acquire_lease().await? {
                let deleted = self.store.delete_expired(kind, BATCH).await?;
                rows += deleted;
                if deleted < BATCH {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(rows)
    }

    /// Acquires the lease, or renews it.
    async fn acquire_lease(&self) -> Result<bool, Fault> {
        self.store.acquire_lease(LEASE_NAME, &self.process, LEASE, self.clock.now()).await
    }

    fn expired_rows(&self, now: Timestamp) -> [ExpiredRows; 15] {
        let history = now - self.settings.history;
        [
            ExpiredRows::Proofs { before: now - RETENTION },
            // Yesterday's counter ends at midnight; one more day allows for clocks that differ.
            ExpiredRows::Usage { day: local_day(now, self.time_zone).num_days_from_ce() - 1, before: now - RETENTION },
            ExpiredRows::Deliveries { before: history },
            // The address that received the deletion notice is personal data of the deleted account.
            ExpiredRows::DeliveriesOf { kind: ACCOUNT_DELETED },
            ExpiredRows::NoticeUsage { before: now - RETENTION * 2 },
            ExpiredRows::ProviderVerifications { before: now - RETENTION },
            ExpiredRows::Verifications { before: history, now },
            ExpiredRows::Audit { before: now - self.settings.audit },
            // Tokens before sessions, since a session may have thousands of them.
            ExpiredRows::RefreshTokens { before: history },
            ExpiredRows::Sessions { before: history },
            ExpiredRows::Revocations { before: now - self.access_ttl - RETENTION },
            ExpiredRows::Lockouts { before: now - FAILURE_WINDOW, now },
            ExpiredRows::Devices { before: now - DEVICE_LIFE },
            ExpiredRows::ContactChanges { before: now - RETENTION },
            ExpiredRows::Unverified { before: now - self.settings.unproved },
        ]
    }
}
