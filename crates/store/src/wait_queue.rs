//! Measures how long work waits for the database. This is the first value to grow under overload, whether the database
//! or this process is the bottleneck.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A first-in, first-out queue of waiters. Cheap to clone.
#[derive(Clone)]
pub(super) struct WaitQueue(Arc<Mutex<State>>);

struct State {
    waiting: usize,
    /// When the last waiter was served, or the first of the current ones arrived.
    last_served: Instant,
    /// The shortest wait of those served since the last call of `waited`.
    shortest: Option<Duration>,
}

/// One waiter, until served or dropped.
pub(super) struct Waiter {
    queue: WaitQueue,
    arrived: Instant,
}

impl WaitQueue {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { waiting: 0, last_served: Instant::now(), shortest: None })))
    }

    /// Enters the queue.
    pub(super) fn enter(&self) -> Waiter {
        self.enter_at(Instant::now())
    }

    fn enter_at(&self, arrived: Instant) -> Waiter {
        let mut state = self.state();
        if state.waiting == 0 {
            state.last_served = arrived;
        }
        state.waiting += 1;
        Waiter { queue: self.clone(), arrived }
    }

    /// The shortest wait of those served since the last call, so that a short burst does not count (as in CoDel, RFC
    /// 8289). If none was served, the time since the last one was.
    pub(super) fn waited(&self) -> Duration {
        self.waited_at(Instant::now())
    }

    fn waited_at(&self, now: Instant) -> Duration {
        let mut state = self.state();
        let since_last = if state.waiting > 0 { now - state.last_served } else { Duration::ZERO };
        state.shortest.take().unwrap_or(since_last)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// Marks the waiter as served; returns its wait.
    pub(super) fn served(self) -> Duration {
        self.served_at(Instant::now())
    }

    fn served_at(self, now: Instant) -> Duration {
        let mut state = self.queue.state();
        let waited = now - self.arrived;
        state.shortest = Some(state.shortest.map_or(waited, |shortest| shortest.min(waited)));
        state.last_served = now;
        waited
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.queue.state().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn shortest_wait_counts() {
        let (waits, now) = (WaitQueue::new(), Instant::now());
        waits.enter_at(now).served_at(now + SECOND);
        assert_eq!(waits.waited_at(now + SECOND), SECOND);
        assert_eq!(waits.waited_at(now + SECOND), Duration::ZERO);
        waits.enter_at(now).served_at(now + SECOND);
        waits.enter_at(now).served_at(now);
        assert_eq!(waits.waited_at(now + SECOND), Duration::ZERO);
    }

    #[test]
    fn without_served_waiters_the_time_since_the_last_one_counts() {
        let (waits, now) = (WaitQueue::new(), Instant::now() + SECOND * 60);
        let waiting = (waits.enter_at(now), waits.enter_at(now + SECOND));
        assert_eq!(waits.waited_at(now + SECOND), SECOND);
        assert_eq!(waits.waited_at(now + SECOND * 2), SECOND * 2);
        // A waiter that is dropped does not count, and was not served.
        drop(waiting);
        assert_eq!(waits.waited_at(now + SECOND * 3), Duration::ZERO);
    }
}
