//! A bounded pool of threads for work that is slow on purpose.

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

/// What a thread keeps between hashes: the argon2 memory. Taking 19 MiB from the system and giving it back costs a
/// tenth to a quarter of a hash.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// At least `blocks` of 1 KiB each, with whatever the last hash left in them: argon2 writes before it reads. They
    /// hold nothing that a password could be computed from without the work of a hash.
    pub fn blocks(&mut self, blocks: usize) -> &mut [Block] {
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::new());
        }
        &mut self.0[..blocks]
    }

    /// Gives back what one costly hash of foreign parameters took beyond `blocks`.
    pub fn shrink(&mut self, blocks: usize) {
        if self.0.len() > blocks {
            self.0.truncate(blocks);
            self.0.shrink_to_fit();
        }
    }
}

#[cfg(test)]
impl Memory {
    /// How many blocks it holds.
    pub fn kept(&self) -> usize {
        self.0.capacity()
    }
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Threads that do one job after the other, and a queue before them. When it is full, work is refused at once: whoever
/// waits longer than a person waits is a burden and no customer. Cheap to clone; the threads end with the last clone.
#[derive(Clone)]
pub struct Pool {
    queue: SyncSender<Job>,
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    observer: Observer,
}

/// Who is told what the pool does. Metrics stand above this room, so they are handed in.
#[derive(Clone, Copy, Debug)]
pub struct Observer {
    /// A job was done, its waiting included.
    pub done: fn(Duration),
    /// The queue was full, and a job was refused.
    pub full: fn(),
}

impl Observer {
    /// Nobody.
    pub const NONE: Self = Self { done: |_| {}, full: || {} };
}

/// A place at a thread or in the queue, kept for a job to come; given back when it is dropped.
#[must_use]
pub struct Place(OwnedSemaphorePermit);

impl Pool {
    /// Starts `threads` threads with room for `queue` jobs that wait.
    ///
    /// # Errors
    /// Internal, where the system gives no threads.
    pub fn start(threads: usize, queue: usize) -> Result<Self, Fault> {
        let places = threads + queue;
        // Whoever sends has a place, so it is never full.
        let (sender, jobs) = sync_channel(places);
        let pool = Self {
            queue: sender,
            places: Arc::new(Semaphore::new(places)),
            waiting: Arc::default(),
            observer: Observer::NONE,
        };
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..threads {
            let (jobs, waiting) = (jobs.clone(), pool.waiting.clone());
            thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || work(&jobs, &waiting))
                .map_err(|error| Fault::internal(format!("no thread for hashing: {error}")))?;
        }
        Ok(pool)
    }

    /// The same pool; whoever uses this handle of it, `observer` is told.
    #[must_use]
    pub fn observed(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    /// Keeps a place for a job. Whoever has work to do before the job asks for it first, so that a flood is refused
    /// before it costs anything.
    ///
    /// # Errors
    /// Unavailable, at once, when the queue is full.
    pub fn reserve(&self) -> Result<Place, Fault> {
        self.places.clone().try_acquire_owned().map(Place).map_err(|_| {
            (self.observer.full)();
            Fault::unavailable("the hashing queue is full")
        })
    }

    /// The same, but waits where the queue is full: for work that nobody waits for.
    ///
    /// # Errors
    /// Internal, where the pool is gone.
    pub async fn wait(&self) -> Result<Place, Fault> {
        let place = self.places.clone().acquire_owned().await;
        place.map(Place).map_err(|_| Fault::internal("the hashing threads are gone"))
    }

    /// Does `job` on a thread of the pool. Where the caller has gone meanwhile, it is not begun.
    ///
    /// # Errors
    /// Unavailable, at once, when the queue is full. Internal, when the job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        self.run_at(self.reserve()?, job).await
    }

    /// The same, at a place that was kept for it.
    ///
    /// # Errors
    /// Internal, when the job panicked.
    pub async fn run_at<T: Send + 'static>(
        &self,
        place: Place,
        job: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let begun = Instant::now();
        let (reply, answer) = oneshot::channel();
        let job = Box::new(move |memory: &mut Memory| {
            if !reply.is_closed() {
                // Fails when the caller has gone since.
                let _ = reply.send(job(memory));
            }
            drop(place.0);
        });
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(job).is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Fault::internal("the hashing threads are gone"));
        }
        let answer = answer.await.map_err(|_| Fault::internal("a hashing job panicked"));
        (self.observer.done)(begun.elapsed());
        answer
    }

    /// How many jobs wait for a thread.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

fn work(jobs: &Mutex<Receiver<Job>>, waiting: &AtomicUsize) {
    let mut memory = Memory::default();
    loop {
        // Held while waiting: the others wait for the lock instead of the job.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        waiting.fetch_sub(1, Ordering::Relaxed);
        // A panic costs its own request: its reply is dropped, and the thread goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::fault::FaultKind;

    #[tokio::test]
    async fn pw_06_work_beyond_the_queue_is_refused_at_once() {
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
        // Polled once, so that it stands in the queue.
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        assert_eq!(pool.waiting(), 1);

        let third = pool.run(|_| 3).await;
        assert_eq!(third.unwrap_err().kind(), FaultKind::Unavailable);

        release.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert_eq!(second.await.unwrap(), 2);
        assert_eq!(pool.run(|_| 4).await.unwrap(), 4);
        assert_eq!(pool.waiting(), 0);
    }

    #[tokio::test]
    async fn pw_06_a_place_is_kept_until_it_is_used_or_given_back() {
        let pool = Pool::start(1, 1).unwrap();
        let [first, second] = [pool.reserve().unwrap(), pool.reserve().unwrap()];
        assert_eq!(pool.reserve().map(|_| ()).unwrap_err().kind(), FaultKind::Unavailable);
        assert_eq!(pool.run(|_| 0).await.unwrap_err().kind(), FaultKind::Unavailable);
        drop(first);
        assert_eq!(pool.run(|_| 1).await.unwrap(), 1);
        assert_eq!(pool.run_at(second, |_| 2).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_panic_fails_one_job_and_the_thread_goes_on() {
        let pool = Pool::start(1, 8).unwrap();
        let failed: Result<(), _> = pool.run(|_| panic!("a mistake")).await;
        assert_eq!(failed.unwrap_err().kind(), FaultKind::Internal);
        assert_eq!(pool.run(|_| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_job_whose_caller_has_gone_is_not_done() {
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
        // Its sender is dropped without having sent.
        let sent = tokio::task::spawn_blocking(move || undone.recv()).await.unwrap();
        assert!(sent.is_err());
    }
}
