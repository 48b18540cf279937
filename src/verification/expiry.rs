//! Counts expired verifications, for metrics only. Expiry is not written to the database, so one process periodically
//! counts the verifications that expired since the last count.

use super::code_settings;
use std::{collections::BTreeMap, time::Duration};

use tokio_util::sync::CancellationToken;

use domain::{contact::ContactKind, purpose::Purpose};
use platform::{
    clock::Clock,
    config,
    fault::Fault,
    telemetry::{
        self,
        metrics::{self, End},
    },
};
use store::Store;

/// Interval between counts.
const INTERVAL: Duration = Duration::from_secs(30);
/// How long the counting process may be silent before another takes over.
const LEASE: Duration = Duration::from_secs(120);
/// The name of the lease.
const EXPIRIES: &str = "expiries";
/// Verifications that expired longer ago are not counted.
const MAX_GAP: Duration = Duration::from_secs(60 * 60);

/// Counts verifications that expire.
pub struct ExpiryCounter {
    pub store: Store,
    pub clock: Clock,
    pub settings: config::Verification,
    /// Identifies this process in the lease.
    pub process: String,
}

impl ExpiryCounter {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(fault) = self.count().await {
                // What expires in the meantime is counted when the database is back.
                telemetry::report(&fault);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep(INTERVAL) => {}
            }
        }
    }

    async fn count(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        // The end of the lease is the time of the last count plus its length: a new holder continues from there.
        let last_count = self.store.lease_expiry(EXPIRIES).await?.map_or(now, |ends| ends - LEASE);
        if !self.store.acquire_lease(EXPIRIES, &self.process, LEASE, now).await? {
            return Ok(());
        }
        let since = last_count.max(now - MAX_GAP);
        for kind in [ContactKind::Phone, ContactKind::Email] {
            for (lifetime, purposes) in self.lifetimes(kind) {
                for expired in self.store.count_expired(kind, purposes, lifetime, since, now).await? {
                    metrics::verifications_ended(expired.purpose, expired.channel, End::Expired, expired.count);
                }
            }
        }
        Ok(())
    }

    /// The validity of codes for contacts of this kind, with the purposes for each.
    fn lifetimes(&self, kind: ContactKind) -> BTreeMap<Duration, Vec<Purpose>> {
        let mut lifetimes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for purpose in Purpose::all() {
            let (_, lifetime) = code_settings::code_shape(&self.settings, kind, purpose);
            lifetimes.entry(lifetime).or_default().push(purpose);
        }
        lifetimes
    }
}
