//! A bounded thread pool for hashing, which is slow by design.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use argon2::Block;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::fault::Fault;

/// The argon2 memory that a thread reuses between hashes. Allocating and freeing 19 MiB costs a tenth to a quarter of
/// the time of a hash.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// Exactly `blocks` blocks of 1 KiB each, with the contents that the last hash left: argon2 writes before it reads.
    /// Recovering a password from these contents takes as much work as from a hash.
    pub fn blocks(&mut self, blocks: usize) -> &mut [Block] {
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::new());
        }
        &mut self.0[..blocks]
    }

    /// Frees the memory beyond `blocks` that a costly imported hash needed.
    pub fn shrink(&mut self, blocks: usize) {
        if self.0.len() > blocks {
            self.0.truncate(blocks);
            self.0.shrink_to_fit();
        }
    }
}

#[cfg(test)]
impl Memory {
    /// The number of allocated blocks.
    pub fn kept(&self) -> usize {
        self.0.capacity()
    }
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// A thread pool with a bounded queue. If the queue is full, a job is rejected immediately: a result that comes later
/// than a user waits is wasted work. Cheap to clone; the threads end when the last clone is dropped.
#[derive(Clone)]
pub struct Pool {
    queue: SyncSender<Job>,
    slots: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    observer: Observer,
}

/// Callbacks for metrics. They are passed in because this module must not depend on the metrics module.
#[derive(Clone, Copy, Debug)]
pub struct Observer {
    /// A job finished; the duration includes its time in the queue.
    pub completed: fn(Duration),
    /// A job was rejected because the queue was full.
    pub rejected: fn(),
}

impl Observer {
    /// Callbacks that do nothing.
    pub const NONE: Self = Self { completed: |_| {}, rejected: || {} };
}

/// A reserved slot for one job, on a thread or in the queue; released on drop.
#[must_use]
pub struct QueueSlot(OwnedSemaphorePermit);

impl Pool {
    /// Starts `threads` threads and a queue for `queue` waiting jobs.
    ///
    /// # Errors
    /// Internal if a thread can't be spawned.
    pub fn start(threads: usize, queue: usize) -> Result<Self, Fault> {
        let slots = threads + queue;
        // Every sender holds a slot, so the channel is never full.
        let (sender, jobs) = sync_channel(slots);
        let pool = Self {
            queue: sender,
            slots: Arc::new(Semaphore::new(slots)),
            waiting: Arc::default(),
            observer: Observer::NONE,
        };
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let (jobs, waiting) = (jobs.clone(), pool.waiting.clone());
            thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || run_jobs(&jobs, &waiting))
                .map_err(|error| Fault::internal(format!("cannot spawn a hashing thread: {error}")))?;
        }
        Ok(pool)
    }

    /// A handle to the same pool that reports to `observer`.
    #[must_use]
    pub fn observed(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// Reserves a slot for a job. Reserve it before other work for the same request, so that a flood of requests is
    /// rejected before it costs anything.
    ///
    /// # Errors
    /// Unavailable, immediately, if the queue is full.
    pub fn reserve(&self) -> Result<QueueSlot, Fault> {
        self.slots.clone().try_acquire_owned().map(QueueSlot).map_err(|_| {
            (self.observer.rejected)();
            Fault::unavailable("the hashing queue is full")
        })
    }

    /// Like [`Pool::reserve`], but waits while the queue is full: for background work.
    ///
    /// # Errors
    /// Internal if the pool has shut down.
    pub async fn wait(&self) -> Result<QueueSlot, Fault> {
        let slot = self.slots.clone().acquire_owned().await;
        slot.map(QueueSlot).map_err(|_| Fault::internal("the hashing threads have stopped"))
    }

    /// Runs `job` on a thread of the pool. The job does not run if the returned future is dropped before it starts.
    ///
    /// # Errors
    /// Unavailable, immediately, if the queue is full. Internal if the job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        self.run_in_slot(self.reserve()?, job).await
    }

    /// Like [`Pool::run`], in a slot that was reserved before.
    ///
    /// # Errors
    /// Internal if the job panicked.
    pub async fn run_in_slot<T: Send + 'static>(
        &self,
        slot: QueueSlot,
        job: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let started = Instant::now();
        let (reply, response) = oneshot::channel();
        let job = Box::new(move |memory: &mut Memory| {
            if !reply.is_closed() {
                // Fails if the caller was dropped while the job ran.
                let _ = reply.send(job(memory));
            }
            drop(slot.0);
        });
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(job).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Fault::internal("the hashing threads have stopped"));
        }
        let response = response.await.map_err(|_| Fault::internal("a hashing job panicked"));
        (self.observer.completed)(started.elapsed());
        response
    }

    /// The number of jobs that wait for a thread.
    pub fn queued(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

fn run_jobs(jobs: &Mutex<Receiver<Job>>, waiting: &AtomicUsize) {
    let mut memory = Memory::default();
    loop {
        // The lock is held while waiting for a job: the other threads wait for the lock instead.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        waiting.fetch_sub(1, Ordering::Relaxed);
        // A panic fails only its own request: the reply channel is dropped, and the thread continues.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::fault::FaultKind;

    #[tokio::test]
    async fn pw_06_run_rejects_immediately_if_the_queue_is_full() {
        let pool = Pool::start(1, 1).unwrap();
        let (started, running) = channel();
        let (release, gate) = channel::<()>();
        let first = tokio::spawn({
            let pool = pool.clone();
            async move {
                let hold = move |_: &mut Memory| {
                    started.send(()).unwrap();
                    gate.recv().unwrap();
                };
                pool.run(hold).await
            }
        });
        tokio::task::spawn_blocking(move || running.recv()).await.unwrap().unwrap();
        let mut second = std::pin::pin!(pool.run(|_| 2));
        // Polled once, so that it is queued.
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        assert_eq!(pool.queued(), 1);

        let third = pool.run(|_| 3).await;
        assert_eq!(third.unwrap_err().kind(), FaultKind::Unavailable);

        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(second.await.unwrap(), 2);
        assert_eq!(pool.run(|_| 4).await.unwrap(), 4);
        assert_eq!(pool.queued(), 0);
    }

    #[tokio::test]
    async fn pw_06_a_slot_is_reserved_until_it_is_used_or_dropped() {
        let pool = Pool::start(1, 1).unwrap();
        let [first, second] = [pool.reserve().unwrap(), pool.reserve().unwrap()];
        assert_eq!(pool.reserve().map(|_| ()).unwrap_err().kind(), FaultKind::Unavailable);
        assert_eq!(pool.run(|_| 0).await.unwrap_err().kind(), FaultKind::Unavailable);
        drop(first);
        assert_eq!(pool.run(|_| 1).await.unwrap(), 1);
        assert_eq!(pool.run_in_slot(second, |_| 2).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_panic_fails_one_job_and_the_thread_continues() {
        let pool = Pool::start(1, 8).unwrap();
        let failed: Result<(), _> = pool.run(|_| panic!("test")).await;
        assert_eq!(failed.unwrap_err().kind(), FaultKind::Internal);
        assert_eq!(pool.run(|_| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_job_does_not_run_if_its_caller_was_dropped() {
        let pool = Pool::start(1, 8).unwrap();
        let (release, gate) = channel::<()>();
        let (done, undone) = channel::<()>();
        let mut first = std::pin::pin!(pool.run(move |_| gate.recv().is_ok()));
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        {
            let mut second = std::pin::pin!(pool.run(move |_| done.send(())));
            assert!(futures_util::poll!(second.as_mut()).is_pending());
        }
        release.send(()).unwrap();
        assert!(first.await.unwrap());
        // The sender was dropped without sending.
        let sent = tokio::task::spawn_blocking(move || undone.recv()).await.unwrap();
        assert!(sent.is_err());
    }
}
