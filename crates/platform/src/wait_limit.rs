//! The limit on how long an operation waits for its first resource under overload. An operation that has waited longer
//! is rejected before any of its work has started. Work that starts too late is useless to its client and only delays
//! the operations behind it (as in CoDel, RFC 8289).
//!
//! Each queue (for a database connection, for a hashing slot) calls [`OperationWait::may_start`] when the resource becomes
//! available. Work that belongs to no operation (the dispatcher's, the janitor's) is not limited.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

const UNLIMITED: u64 = u64::MAX;

const WAITING: u8 = 0;
const STARTED: u8 = 1;
const REJECTED: u8 = 2;

tokio::task_local! {
    static CURRENT: OperationWait;
}

/// The longest wait, for all operations; unlimited by default. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WaitLimit(Arc<AtomicU64>);

/// The state of one operation while it runs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct OperationWait(Option<Arc<Operation>>);

#[derive(Debug)]
struct Operation {
    limit: WaitLimit,
    state: AtomicU8,
}

impl Default for WaitLimit {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(UNLIMITED)))
    }
}

impl WaitLimit {
    /// Sets the longest wait, in microsecond resolution; None: unlimited.
    pub fn set(&self, max_wait: Option<Duration>) {
        let max_wait = max_wait.map_or(UNLIMITED, |max_wait| u64::try_from(max_wait.as_micros()).unwrap_or(UNLIMITED));
        self.0.store(max_wait, Relaxed);
    }

    /// Runs an operation. None: its first wait was too long, and nothing of it was started.
    pub async fn run<F: Future>(&self, work: F) -> Option<F::Output> {
        let state = Arc::new(Operation { limit: self.clone(), state: AtomicU8::new(WAITING) });
        let mut work = pin!(CURRENT.scope(OperationWait(Some(Arc::clone(&state))), work));
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if state.state.load(Relaxed) == REJECTED => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    fn exceeds_limit(&self, waited: Duration) -> bool {
        waited.as_micros() > self.0.load(Relaxed).into()
    }
}

impl OperationWait {
    /// The wait of the operation that the current task runs.
    pub fn current() -> Self {
        CURRENT.try_with(OperationWait::clone).unwrap_or_default()
    }

    /// Whether to start work that has waited this long. If false, no work of the operation may be started.
    pub fn may_start(&self, waited: Duration) -> bool {
        let Some(state) = &self.0 else { return true };
        let next = if state.limit.exceeds_limit(waited) { REJECTED } else { STARTED };
        // An operation that has started runs to its end, however long it waits later.
        let before = state.state.compare_exchange(WAITING, next, Relaxed, Relaxed);
        before.map_or_else(|state| state == STARTED, |_| next == STARTED)
    }

    /// Whether the operation was rejected: it is dropped at its next await.
    pub fn is_rejected(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.state.load(Relaxed) == REJECTED)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const LONGEST: Duration = Duration::from_millis(50);

    /// Waits for a resource that became available after this time.
    async fn wait(waited: Duration) {
        if !OperationWait::current().may_start(waited) {
            pending::<()>().await;
        }
    }

    /// An operation with several waits in sequence. False: it was rejected.
    async fn run_waits(wait_limit: &WaitLimit, waits: [Duration; 2]) -> bool {
        let work = async {
            for waited in waits {
                wait(waited).await;
            }
        };
        wait_limit.run(work).await.is_some()
    }

    #[tokio::test]
    async fn fd_08_operation_is_rejected_after_a_long_first_wait_but_not_once_started() {
        let wait_limit = WaitLimit::default();
        let (early, late) = (LONGEST, LONGEST * 2);
        assert!(run_waits(&wait_limit, [late, late]).await);
        wait_limit.set(Some(LONGEST));
        assert!(!run_waits(&wait_limit, [late, early]).await);
        assert!(run_waits(&wait_limit, [early, late]).await);
        wait_limit.set(None);
        assert!(run_waits(&wait_limit, [late, late]).await);
    }

    #[tokio::test]
    async fn fd_08_work_outside_an_operation_is_not_limited() {
        WaitLimit::default().set(Some(Duration::ZERO));
        wait(LONGEST).await;
        assert!(!OperationWait::current().is_rejected());
    }

    #[tokio::test]
    async fn fd_08_one_started_field_keeps_the_other_fields_running() {
        let wait_limit = WaitLimit::default();
        wait_limit.set(Some(LONGEST));
        assert!(wait_limit.run(async { tokio::join!(wait(LONGEST), wait(LONGEST * 2)) }).await.is_some());
        assert!(wait_limit.run(async { tokio::join!(wait(LONGEST * 2), wait(LONGEST * 2)) }).await.is_none());
    }
}
