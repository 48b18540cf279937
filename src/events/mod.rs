//! Who changed: told to whoever watches, in this process and, through Redis, in the others.
//!
//! - **The newest only.** A watcher is handed the newest [`Snapshot`] of its verification, never a queue: each is
//!   whole, so what a slow one skips it does not miss, and however slow it is it costs no more memory. Older sequences
//!   are dropped, so it does not matter in which order changes arrive, or how often.
//! - **Late, never wrong, never missed.** Redis's subscriptions promise nothing: what is published while a process is
//!   cut off is lost to it. So after each loss every watcher is told to read its row again ([`Wake::Reread`]), once the
//!   new subscription stands. Whoever watches subscribes first and reads the row second, for the same reason.
//! - **Publishing waits for nobody.** The watchers of this process are woken at once; for the others the change is put
//!   into a bounded queue that keeps the newest of each verification, and is sent again until Redis took it.
//!
//! One subscription connection and one publishing connection per process serve all watchers, whatever their number.

mod hub;
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

use self::{hub::Hub, relay::Relay};
pub use self::{
    revocation::{Revocation, RevocationWake, Revocations},
    snapshot::Snapshot,
    watchers::{Wake, Watcher},
};
use crate::{clock::Entropy, redis_link::RedisLink, telemetry::metrics, vitals::Vitals};
use domain::ids::VerificationId;

/// Who changed. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    hub: Arc<Hub>,
    relay: Option<Arc<Relay>>,
}

impl Events {
    /// Without `redis`, this process is the only one. With it, two tasks run until the last clone is dropped; must then
    /// be called within a runtime.
    pub fn open(entropy: &Entropy, redis: Option<RedisLink>, vitals: &Vitals) -> Self {
        let hub = Arc::new(Hub::new());
        let relay = redis.map(|link| Arc::new(Relay::open(link, Arc::clone(&hub), entropy, vitals)));
        Self { hub, relay }
    }

    /// Watches a verification from now on. Watch first and read the row second, or a change in between is missed.
    pub fn watch(&self, id: &VerificationId) -> Watcher {
        self.hub.watchers.watch(id)
    }

    /// Tells every watcher of this verification, in whichever process. Call it after the commit. Never waits.
    pub fn publish(&self, snapshot: Snapshot) {
        let made = Instant::now();
        self.hub.watchers.deliver(&snapshot);
        match &self.relay {
            Some(relay) => relay.outbound.push(snapshot),
            // With other processes the relay measures, and it takes the longer way.
            None => metrics::event_lag(made.elapsed()),
        }
    }

    /// What is revoked from now on, in whichever process.
    pub fn revocations(&self) -> Revocations {
        Revocations::new(self.hub.revocations.subscribe())
    }

    /// Tells every process that a session is not to be honoured any more. Call it after the commit. Never waits.
    pub fn publish_revocation(&self, revocation: Revocation) {
        self.hub.revoke(revocation.clone());
        if let Some(relay) = &self.relay {
            relay.outbound.push_revocation(revocation);
        }
    }

    /// Returns once the other processes were told of everything that was published so far. It may never, if Redis is
    /// gone; whoever stops the process bounds the wait.
    pub async fn drain(&self) {
        if let Some(relay) = &self.relay {
            relay.outbound.emptied().await;
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("between_processes", &self.relay.is_some()).finish_non_exhaustive()
    }
}
