//! Combines calls that are made at nearly the same time into batches.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{Semaphore, oneshot};

/// How long a batch waits for more items before it runs.
const GATHERING: Duration = Duration::from_millis(3);
/// The maximum number of items of a batch.
const MAX_ITEMS: usize = 128;

/// Collects items while an earlier batch runs. One of the callers runs the batch for all of them, so there is no task
/// that has to be started or stopped.
pub(super) struct Batcher<T, R> {
    waiting: Mutex<Vec<(T, oneshot::Sender<R>)>>,
    /// Held by the caller that runs a batch.
    running: Semaphore,
}

impl<T, R> Batcher<T, R> {
    pub fn new() -> Self {
        Self { waiting: Mutex::default(), running: Semaphore::new(1) }
    }

    /// Runs `run` on a batch that contains `item`, in this call or in a concurrent one, and returns the result of `item`.
    /// `run` returns the results in the order of the items.
    ///
    /// None: `run` returned no result for the item, or the call that ran the batch was dropped. Then it is unknown whether
    /// the item was processed.
    pub async fn add<F, Done>(&self, item: T, run: F) -> Option<R>
    where
        F: Fn(Vec<T>) -> Done,
        Done: Future<Output = Vec<R>>,
    {
        let (reply, mut result) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((item, reply));
        loop {
            let _permit = tokio::select! {
                biased;
                result = &mut result => return result.ok(),
                permit = self.running.acquire() => permit.ok()?,
            };
            // The result may have been sent while the permit was released.
            if let Ok(result) = result.try_recv() {
                return Some(result);
            }
            tokio::time::sleep(GATHERING).await;
            let (items, replies): (Vec<_>, Vec<_>) = self.next_batch().into_iter().unzip();
            for (reply, result) in replies.into_iter().zip(run(items).await) {
                // A caller that was dropped does not need its result.
                let _ = reply.send(result);
            }
        }
    }

    fn next_batch(&self) -> Vec<(T, oneshot::Sender<R>)> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(MAX_ITEMS);
        waiting.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::future::join_all;

    use super::*;

    type Sizes = Arc<Mutex<Vec<usize>>>;

    /// Doubles the items, and records the size of each batch.
    fn double(sizes: &Sizes) -> impl Fn(Vec<usize>) -> std::future::Ready<Vec<usize>> {
        let sizes = Arc::clone(sizes);
        move |items| {
            sizes.lock().unwrap().push(items.len());
            std::future::ready(items.into_iter().map(|item| item * 2).collect())
        }
    }

    #[tokio::test]
    async fn concurrent_items_share_batches_and_receive_their_own_results() {
        let (batcher, sizes) = (Batcher::new(), Sizes::default());
        let run = double(&sizes);
        let results = join_all((0..300).map(|item| batcher.add(item, &run))).await;
        assert_eq!(results, (0..300).map(|item| Some(item * 2)).collect::<Vec<_>>());
        assert_eq!(*sizes.lock().unwrap(), [128, 128, 44]);
    }

    #[tokio::test]
    async fn items_without_a_result_are_answered() {
        let batcher = Batcher::new();
        let none = |_: Vec<usize>| std::future::ready(Vec::<usize>::new());
        assert_eq!(join_all((0..3).map(|item| batcher.add(item, none))).await, [None; 3]);
        assert_eq!(batcher.add(4, double(&Sizes::default())).await, Some(8));
    }

    #[tokio::test]
    async fn a_dropped_call_does_not_block_the_others() {
        let batcher = Arc::new(Batcher::new());
        let hanging = {
            let batcher = Arc::clone(&batcher);
            tokio::spawn(async move { batcher.add(1, |_| std::future::pending()).await })
        };
        while batcher.running.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        hanging.abort();
        assert!(hanging.await.unwrap_err().is_cancelled());
        assert_eq!(batcher.add(2, double(&Sizes::default())).await, Some(4));
    }
}
