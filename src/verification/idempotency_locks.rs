//! Serializes requests with the same idempotency key within a process: of several concurrent requests the first sends,
//! and the others find its verification. Without this, each would be charged before there is a verification to find.
//! Across processes, the unique key of the table decides.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

/// The locks, by idempotency key. Cheap to clone. Only keys with requests in progress are kept.
#[derive(Clone, Default)]
pub struct IdempotencyLocks(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

/// A held lock. Released when it is dropped.
#[must_use]
pub struct IdempotencyGuard {
    locks: IdempotencyLocks,
    key: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl IdempotencyLocks {
    /// Waits for earlier requests with this key.
    pub async fn wait(&self, key: &str) -> IdempotencyGuard {
        // Created first, so that the key is also removed if the wait is canceled.
        let mut guard = IdempotencyGuard { locks: self.clone(), key: key.to_owned(), guard: None };
        let lock = Arc::clone(self.lock().entry(key.to_owned()).or_default());
        guard.guard = Some(lock.lock_owned().await);
        guard
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for IdempotencyGuard {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut locks = self.locks.lock();
        // Only the map holds it, so no request waits.
        if locks.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn requests_with_one_key_are_serialized_and_keys_are_removed() {
        let (locks, inside, done) =
            (IdempotencyLocks::default(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let clicks = (0..100).map(|_| {
            let (locks, inside, done) = (locks.clone(), inside.clone(), done.clone());
            tokio::spawn(async move {
                let _guard = locks.wait("key").await;
                assert_eq!(inside.fetch_add(1, SeqCst), 0);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, SeqCst);
                done.fetch_add(1, SeqCst);
            })
        });
        for click in clicks.collect::<Vec<_>>() {
            click.await.unwrap();
        }
        assert_eq!(done.load(SeqCst), 100);
        assert!(locks.lock().is_empty());
        let _one = locks.wait("one").await;
        let _other = locks.wait("other").await;
    }
}
