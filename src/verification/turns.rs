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
pub struct Turns(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

/// A held lock. Released when it is dropped.
#[must_use]
pub struct Turn {
    turns: Turns,
    key: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for earlier requests with this key.
    pub async fn wait(&self, key: &str) -> Turn {
        // Created first, so that the key is also removed if the wait is canceled.
        let mut turn = Turn { turns: self.clone(), key: key.to_owned(), guard: None };
        let queue = Arc::clone(self.lock().entry(key.to_owned()).or_default());
        turn.guard = Some(queue.lock_owned().await);
        turn
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut queues = self.turns.lock();
        // Only the map holds it, so no request waits.
        if queues.get(&self.key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn requests_with_one_key_are_serialized_and_keys_are_removed() {
        let (turns, inside, done) = (Turns::default(), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let clicks = (0..100).map(|_| {
            let (turns, inside, done) = (turns.clone(), inside.clone(), done.clone());
            tokio::spawn(async move {
                let _turn = turns.wait("key").await;
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
        assert!(turns.lock().is_empty());
        let _one = turns.wait("one").await;
        let _other = turns.wait("other").await;
    }
}
