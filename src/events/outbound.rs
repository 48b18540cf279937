//! What waits to be told to the other processes: bounded, and the newest of each verification.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::watch;

use super::{Revocation, Snapshot, message::News};
use domain::ids::VerificationId;

/// The most verifications and the most revocations that may wait. Beyond that they are dropped, and the others are told
/// that they missed something.
const MOST: usize = 10_000;

pub struct Outbound {
    waiting: Mutex<Batch>,
    /// Whether anything waits or is on its way.
    busy: watch::Sender<bool>,
}

/// News that is sent together.
#[derive(Default)]
pub struct Batch {
    changed: HashMap<VerificationId, Snapshot>,
    revoked: Vec<Revocation>,
    missed: bool,
    /// When the oldest of it was made.
    since: Option<Instant>,
}

impl Outbound {
    pub fn new() -> Self {
        Self { waiting: Mutex::default(), busy: watch::Sender::new(false) }
    }

    pub fn push(&self, snapshot: Snapshot) {
        self.add(|waiting| waiting.change(snapshot));
    }

    pub fn push_revocation(&self, revocation: Revocation) {
        self.add(|waiting| waiting.revoked.push(revocation));
    }

    /// Waits until there is something to tell, and takes it.
    pub async fn take(&self) -> Batch {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.busy.subscribe().wait_for(|busy| *busy).await;
        std::mem::take(&mut *self.lock())
    }

    /// What was taken was told.
    pub fn told(&self) {
        let waiting = self.lock();
        if waiting.is_empty() {
            self.busy.send_replace(false);
        }
    }

    /// What was taken could not be told: it waits again, but for what has become old meanwhile.
    pub fn put_back(&self, batch: Batch) {
        self.add(|waiting| {
            let newer = std::mem::replace(waiting, batch);
            newer.changed.into_values().for_each(|snapshot| waiting.change(snapshot));
            waiting.revoked.extend(newer.revoked);
            waiting.missed |= newer.missed;
        });
    }

    /// Returns once nothing waits and nothing is on its way.
    pub async fn emptied(&self) {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.busy.subscribe().wait_for(|busy| !*busy).await;
    }

    fn add(&self, change: impl FnOnce(&mut Batch)) {
        let mut waiting = self.lock();
        change(&mut waiting);
        waiting.since.get_or_insert_with(Instant::now);
        waiting.drop_excess();
        // Under the lock, so that `told` does not call it idle again.
        self.busy.send_if_modified(|busy| !std::mem::replace(busy, true));
    }

    fn lock(&self) -> MutexGuard<'_, Batch> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Batch {
    pub fn since(&self) -> Option<Instant> {
        self.since
    }

    /// All of it, as it is told.
    pub fn news(&self) -> Vec<News> {
        let missed = self.missed.then_some(News::Missed);
        let revoked = self.revoked.iter().cloned().map(News::Revoked);
        let changed = self.changed.values().cloned().map(News::Changed);
        missed.into_iter().chain(revoked).chain(changed).collect()
    }

    fn change(&mut self, snapshot: Snapshot) {
        if self.changed.get(&snapshot.id).is_none_or(|known| known.sequence < snapshot.sequence) {
            self.changed.insert(snapshot.id.clone(), snapshot);
        }
    }

    fn drop_excess(&mut self) {
        if self.changed.len() > MOST || self.revoked.len() > MOST {
            *self = Self { missed: true, since: self.since, ..Self::default() };
        }
    }

    fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.revoked.is_empty() && !self.missed
    }
}
