//! The queue of changes to send to the other processes: bounded, with the newest snapshot of each verification.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::watch;

use super::{Revocation, Snapshot, message::RemoteEvent};
use domain::ids::VerificationId;

/// The largest number of verifications, and of revocations, in the queue. Beyond it they are dropped, and the other
/// processes are sent [`RemoteEvent::Missed`].
const MAX_QUEUED: usize = 10_000;

pub struct Outbound {
    queue: Mutex<Batch>,
    /// Whether anything is queued or being sent.
    busy: watch::Sender<bool>,
}

/// Changes that are sent together.
#[derive(Default)]
pub struct Batch {
    changed: HashMap<VerificationId, Snapshot>,
    revoked: Vec<Revocation>,
    missed: bool,
    /// When the oldest of them was made.
    since: Option<Instant>,
}

impl Outbound {
    pub fn new() -> Self {
        Self { queue: Mutex::default(), busy: watch::Sender::new(false) }
    }

    pub fn push(&self, snapshot: Snapshot) {
        self.add(|queue| queue.change(snapshot));
    }

    pub fn push_revocation(&self, revocation: Revocation) {
        self.add(|queue| queue.revoked.push(revocation));
    }

    /// Waits until the queue is not empty, and takes everything in it.
    pub async fn take_all(&self) -> Batch {
        // Fails only if the sender was dropped, and `self` holds it.
        let _ = self.busy.subscribe().wait_for(|busy| *busy).await;
        std::mem::take(&mut *self.lock())
    }

    /// Marks the taken batch as sent.
    pub fn mark_sent(&self) {
        let queue = self.lock();
        if queue.is_empty() {
            self.busy.send_replace(false);
        }
    }

    /// Returns a batch that could not be sent to the queue, without the snapshots that have been replaced meanwhile.
    pub fn requeue(&self, batch: Batch) {
        self.add(|queue| {
            let newer = std::mem::replace(queue, batch);
            newer.changed.into_values().for_each(|snapshot| queue.change(snapshot));
            queue.revoked.extend(newer.revoked);
            queue.missed |= newer.missed;
        });
    }

    /// Returns once nothing is queued and nothing is being sent.
    pub async fn drained(&self) {
        // Fails only if the sender was dropped, and `self` holds it.
        let _ = self.busy.subscribe().wait_for(|busy| !*busy).await;
    }

    fn add(&self, change: impl FnOnce(&mut Batch)) {
        let mut queue = self.lock();
        change(&mut queue);
        queue.since.get_or_insert_with(Instant::now);
        queue.drop_excess();
        // Under the lock, so that `mark_sent` does not reset it.
        self.busy.send_if_modified(|busy| !std::mem::replace(busy, true));
    }

    fn lock(&self) -> MutexGuard<'_, Batch> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    pub fn since(&self) -> Option<Instant> {
        self.since
    }

    /// All changes, as they are sent.
    pub fn events(&self) -> Vec<RemoteEvent> {
        let missed = self.missed.then_some(RemoteEvent::Missed);
        let revoked = self.revoked.iter().cloned().map(RemoteEvent::Revoked);
        let changed = self.changed.values().cloned().map(RemoteEvent::Changed);
        missed.into_iter().chain(revoked).chain(changed).collect()
    }

    fn change(&mut self, snapshot: Snapshot) {
        if self.changed.get(&snapshot.id).is_none_or(|known| known.sequence < snapshot.sequence) {
            self.changed.insert(snapshot.id.clone(), snapshot);
        }
    }

    fn drop_excess(&mut self) {
        if self.changed.len() > MAX_QUEUED || self.revoked.len() > MAX_QUEUED {
            *self = Self { missed: true, since: self.since, ..Self::default() };
        }
    }

    fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.revoked.is_empty() && !self.missed
    }
}
