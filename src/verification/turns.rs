//! One at a time for each idempotency key: of many clicks that arrive together the first sends, and the others find what
//! it sent. Let in at once, each would be charged before any of them is there to be found. Across processes the table's
//! unique key decides.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedMutexGuard;

/// Who waits for whom. Cheap to clone; it remembers no more keys than requests are under way.
#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

/// Somebody's turn; the next one's begins when it is dropped.
#[must_use]
pub struct Turn {
    turns: Turns,
    key: String,
    mine: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for everybody who came before with this key.
    pub async fn wait(&self, key: &str) -> Turn {
        // Made first, so that whoever gives up waiting is forgotten as well.
        let mut turn = Turn { turns: self.clone(), key: key.to_owned(), mine: None };
        let queue = Arc::clone(self.lock().entry(key.to_owned()).or_default());
        turn.mine = Some(queue.lock_owned().await);
        turn
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.mine.take());
        let mut queues = self.turns.lock();
        // Nobody but this map holds it: nobody waits.
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
    async fn one_at_a_time_and_nothing_is_left_behind() {
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
