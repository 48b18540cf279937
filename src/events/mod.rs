//! Notifies watchers of changed verifications and revoked sessions, in this process and, through Redis, in the others.
//!
//! - **Only the newest.** A watcher receives the newest [`Snapshot`] of its verification, never a queue. Each snapshot
//!   is complete, so a slow watcher may skip some, and it uses no more memory than a fast one. Snapshots with an older
//!   sequence are dropped, so the order of arrival and duplicates do not matter.
//! - **Late, but never wrong and never missed.** Redis subscriptions do not guarantee delivery: a message published
//!   while a process is disconnected is lost to it. So after each disconnection every watcher has to read its row again
//!   ([`WatchEvent::Reread`]), once the new subscription is established. For the same reason a watcher subscribes first and
//!   reads the row second.
//! - **Publishing never waits.** The watchers of this process are woken at once. For the others the change is put into
//!   a bounded queue that keeps the newest snapshot of each verification and is retried until Redis has accepted it.
//!
//! One subscription connection and one publishing connection per process serve all watchers, whatever their number.

mod local;
mod message;
mod outbound;
mod relay;
mod revocation;
mod snapshot;
mod watchers;

#[cfg(test)]
mod redis_tests;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant};

use self::{local::Hub, relay::Relay};
pub use self::{
    revocation::{Revocation, RevocationEvent, Revocations},
    snapshot::Snapshot,
    watchers::{WatchEvent, Watcher},
};
use domain::ids::VerificationId;
use platform::{clock::Entropy, redis_client::RedisLink, supervisor::Supervisor, telemetry::metrics};

/// Publishes and subscribes to changes. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    hub: Arc<Hub>,
    relay: Option<Arc<Relay>>,
}

impl Events {
    /// Without `redis`, changes stay within this process. With it, two tasks run until the last clone is dropped; it
    /// must then be called within a Tokio runtime.
    pub fn open(entropy: &Entropy, redis: Option<RedisLink>, supervisor: &Supervisor) -> Self {
        let hub = Arc::new(Hub::new());
        let relay = redis.map(|link| Arc::new(Relay::open(link, Arc::clone(&hub), entropy, supervisor)));
        Self { hub, relay }
    }

    /// Watches a verification from now on. Watch first and read the row second; otherwise a change in between is
    /// missed.
    pub fn watch(&self, id: &VerificationId) -> Watcher {
        self.hub.watchers.watch(id)
    }

    /// Notifies every watcher of this verification, in all processes. Call it after the commit. Never waits.
    pub fn publish(&self, snapshot: Snapshot) {
        let made = Instant::now();
        self.hub.watchers.deliver(&snapshot);
        match &self.relay {
            Some(relay) => relay.outbound.push(snapshot),
            // With Redis the relay measures the latency, since that path takes longer.
            None => metrics::event_lag(made.elapsed()),
        }
    }

    /// All revocations from now on, of all processes.
    pub fn revocations(&self) -> Revocations {
        Revocations::new(self.hub.revocations.subscribe())
    }

    /// Notifies all processes that a session is revoked. Call it after the commit. Never waits.
    pub fn publish_revocation(&self, revocation: Revocation) {
        self.hub.revoke(revocation.clone());
        if let Some(relay) = &self.relay {
            relay.outbound.push_revocation(revocation);
        }
    }

    /// Returns once everything published so far was sent to the other processes. While Redis is down it does not
    /// return, so a shutdown must apply a timeout.
    pub async fn drain(&self) {
        if let Some(relay) = &self.relay {
            relay.outbound.drained().await;
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("between_processes", &self.relay.is_some()).finish_non_exhaustive()
    }
}
