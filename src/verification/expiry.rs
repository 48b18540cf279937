//! Counting what expires. Nobody writes an expiry, so one process looks, now and then, which verifications have run out
//! since somebody looked last; it is for the metrics alone.

use std::{collections::BTreeMap, time::Duration};

use tokio_util::sync::CancellationToken;

use super::rules;
use crate::{
    clock::Clock,
    config,
    fault::Fault,
    store::Store,
    telemetry::{
        self,
        metrics::{self, End},
    },
};
use domain::{contact::ContactKind, purpose::Purpose};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(30);
/// How long a process may say nothing before another looks in its place.
const LEASE: Duration = Duration::from_secs(120);
/// The name of the lease.
const EXPIRIES: &str = "expiries";
/// Nobody looked for so long: what expired before is not counted any more.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// Counts verifications that expire.
pub struct ExpiryCounter {
    pub store: Store,
    pub clock: Clock,
    pub settings: config::Verification,
    /// Names this process in the lease.
    pub process: String,
}

impl ExpiryCounter {
    /// Looks until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(fault) = self.look().await {
                // What expired meanwhile is counted when the database is back.
                telemetry::report(&fault);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep(EVERY) => {}
            }
        }
    }

    async fn look(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        // The lease says until when somebody has looked: whoever takes it over goes on from there.
        let looked = self.store.lease_ends(EXPIRIES).await?.map_or(now, |ends| ends - LEASE);
        if !self.store.hold_lease(EXPIRIES, &self.process, LEASE, now).await? {
            return Ok(());
        }
        let since = looked.max(now - FORGOTTEN);
        for kind in [ContactKind::Phone, ContactKind::Email] {
            for (life, purposes) in self.lives(kind) {
                for expired in self.store.count_expired(kind, purposes, life, since, now).await? {
                    metrics::verifications_ended(expired.purpose, expired.channel, End::Expired, expired.count);
                }
            }
        }
        Ok(())
    }

    /// How long codes for contacts of this kind are valid, and for which purposes.
    fn lives(&self, kind: ContactKind) -> BTreeMap<Duration, Vec<Purpose>> {
        let mut lives: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for purpose in Purpose::all() {
            let (_, life) = rules::code_shape(&self.settings, kind, purpose);
            lives.entry(life).or_default().push(purpose);
        }
        lives
    }
}
