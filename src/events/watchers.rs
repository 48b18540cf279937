//! The watchers in this process, by verification.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::Snapshot;
use domain::ids::VerificationId;

/// The number of locks, to reduce contention.
const SHARDS: usize = 64;
/// The pause after each shard of [`Watchers::reread_all`]: it spreads ten thousand reads over two thirds of a second
/// instead of issuing all at once.
const PAUSE: Duration = Duration::from_millis(10);

/// All watchers of this process. An entry exists as long as its verification has a watcher.
pub struct Watchers {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

type Shard = HashMap<VerificationId, WatchedVerification>;

struct WatchedVerification {
    latest: watch::Sender<Latest>,
    watchers: usize,
}

/// The newest known state of a verification.
#[derive(Clone, Default)]
struct Latest {
    snapshot: Option<Snapshot>,
    /// How often the row had to be read again.
    rereads: u32,
}

/// Watches one verification until it is dropped.
pub struct Watcher {
    id: VerificationId,
    watchers: Arc<Watchers>,
    latest: watch::Receiver<Latest>,
    /// The sequence of the snapshot returned last.
    seen: i64,
    rereads: u32,
}

/// The reason why a watcher is woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// The verification changed. The snapshot is newer than all that this watcher returned before; it may still be
    /// older than a row that was read meanwhile.
    Changed(Snapshot),
    /// Changes may have been missed: read the row again.
    Reread,
}

impl Watchers {
    pub fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }

    pub fn watch(self: &Arc<Self>, id: &VerificationId) -> Watcher {
        let mut shard = self.shard(id);
        let watched = shard
            .entry(id.clone())
            .or_insert_with(|| WatchedVerification { latest: watch::Sender::new(Latest::default()), watchers: 0 });
        watched.watchers += 1;
        let latest = watched.latest.subscribe();
        drop(shard);
        let rereads = latest.borrow().rereads;
        Watcher { id: id.clone(), watchers: Arc::clone(self), latest, seen: i64::MIN, rereads }
    }

    /// Wakes the watchers of this verification, unless a newer snapshot is known already.
    pub fn deliver(&self, snapshot: &Snapshot) {
        if let Some(watched) = self.shard(&snapshot.id).get(&snapshot.id) {
            watched.latest.send_if_modified(|latest| {
                let newer = latest.snapshot.as_ref().is_none_or(|known| known.sequence < snapshot.sequence);
                if newer {
                    latest.snapshot = Some(snapshot.clone());
                }
                newer
            });
        }
    }

    /// Makes all watchers read their rows again, spread over time.
    pub async fn reread_all(&self) {
        for shard in &self.shards {
            let notified = {
                let shard = lock(shard);
                shard.values().for_each(|watched| watched.latest.send_modify(|latest| latest.rereads += 1));
                shard.len()
            };
            if notified > 0 {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// How many verifications are watched.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    fn shard(&self, id: &VerificationId) -> MutexGuard<'_, Shard> {
        // The remainder is below 64.
        lock(&self.shards[(self.hasher.hash_one(id) % SHARDS as u64) as usize])
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watcher {
    /// Waits for the next reason to look at the verification. Cancel safe.
    pub async fn next(&mut self) -> WatchEvent {
        loop {
            if self.latest.changed().await.is_err() {
                // The sender lives at least as long as this watcher. Otherwise there would be no more changes to
                // report.
                return std::future::pending().await;
            }
            let latest = self.latest.borrow_and_update();
            if latest.rereads != self.rereads {
                // A snapshot that is also pending was committed before the row will be read.
                self.rereads = latest.rereads;
                return WatchEvent::Reread;
            }
            if let Some(snapshot) = latest.snapshot.as_ref().filter(|snapshot| snapshot.sequence > self.seen) {
                self.seen = snapshot.sequence;
                return WatchEvent::Changed(snapshot.clone());
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut shard = self.watchers.shard(&self.id);
        if let Some(watched) = shard.get_mut(&self.id) {
            watched.watchers -= 1;
            if watched.watchers == 0 {
                shard.remove(&self.id);
            }
        }
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher").field("id", &self.id).finish_non_exhaustive()
    }
}
