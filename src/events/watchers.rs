//! Who watches which verification in this process.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::Snapshot;
use domain::ids::VerificationId;

/// So many locks instead of one.
const SHARDS: usize = 64;
/// A pause after each shard while everybody is told to read again: ten thousand reads at one instant would be a flood
/// of our own making, spread over two thirds of a second they are not.
const BREATH: Duration = Duration::from_millis(10);

/// All watchers of this process. An entry lives as long as somebody watches.
pub struct Watchers {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
}

type Shard = HashMap<VerificationId, Watched>;

struct Watched {
    latest: watch::Sender<Latest>,
    watchers: usize,
}

/// The newest that is known of a verification.
#[derive(Clone, Default)]
struct Latest {
    snapshot: Option<Snapshot>,
    /// How often its row had to be read again.
    rereads: u32,
}

/// Watches one verification until it is dropped.
pub struct Watcher {
    id: VerificationId,
    watchers: Arc<Watchers>,
    latest: watch::Receiver<Latest>,
    /// The sequence of what was handed out last.
    seen: i64,
    rereads: u32,
}

/// Why a watcher is woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The verification changed. This is the newest of it, and newer than what this watcher was handed before; it may
    /// still be older than a row that was read meanwhile.
    Changed(Snapshot),
    /// Changes may have been missed: the row has to be read again.
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
            .or_insert_with(|| Watched { latest: watch::Sender::new(Latest::default()), watchers: 0 });
        watched.watchers += 1;
        let latest = watched.latest.subscribe();
        drop(shard);
        let rereads = latest.borrow().rereads;
        Watcher { id: id.clone(), watchers: Arc::clone(self), latest, seen: i64::MIN, rereads }
    }

    /// Wakes whoever watches this verification, unless something newer is known already.
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

    /// Has every row with watchers read again, not all at once.
    pub async fn reread_all(&self) {
        for shard in &self.shards {
            let told = {
                let shard = lock(shard);
                shard.values().for_each(|watched| watched.latest.send_modify(|latest| latest.rereads += 1));
                shard.len()
            };
            if told > 0 {
                tokio::time::sleep(BREATH).await;
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
    /// Why to look again. Waits until there is a reason; may be dropped and called again, nothing is lost by it.
    pub async fn next(&mut self) -> Wake {
        loop {
            if self.latest.changed().await.is_err() {
                // It lives at least as long as this watcher; if it did not, there would be nothing more to tell.
                return std::future::pending().await;
            }
            let latest = self.latest.borrow_and_update();
            if latest.rereads != self.rereads {
                // A snapshot that waits here as well was committed before the row will be read.
                self.rereads = latest.rereads;
                return Wake::Reread;
            }
            if let Some(snapshot) = latest.snapshot.as_ref().filter(|snapshot| snapshot.sequence > self.seen) {
                self.seen = snapshot.sequence;
                return Wake::Changed(snapshot.clone());
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
