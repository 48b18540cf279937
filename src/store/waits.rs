//! How long work waits for the database before it is begun: the first thing to grow when there is more of it than can be
//! done, whether it is the database or this process that can do no more.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Those who wait for one thing, first come first served. Cheap to clone.
#[derive(Clone)]
pub(super) struct Waits(Arc<Mutex<State>>);

struct State {
    waiting: usize,
    /// When somebody was begun last, or the first of those who wait came.
    moved: Instant,
    /// Of those who were begun since somebody asked.
    shortest: Option<Duration>,
}

/// Somebody who waits, until begun or dropped.
pub(super) struct Waiter {
    waits: Waits,
    came: Instant,
}

impl Waits {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { waiting: 0, moved: Instant::now(), shortest: None })))
    }

    /// Begins to wait.
    pub(super) fn enter(&self) -> Waiter {
        self.enter_at(Instant::now())
    }

    fn enter_at(&self, came: Instant) -> Waiter {
        let mut state = self.state();
        if state.waiting == 0 {
            state.moved = came;
        }
        state.waiting += 1;
        Waiter { waits: self.clone(), came }
    }

    /// How long everybody waited who was begun since this was last asked: the shortest wait, so that a burst that is
    /// soon over does not count (as CoDel has it, RFC 8289). Where nobody was begun, how long nobody was.
    pub(super) fn waited(&self) -> Duration {
        self.waited_at(Instant::now())
    }

    fn waited_at(&self, now: Instant) -> Duration {
        let mut state = self.state();
        let stuck = if state.waiting > 0 { now - state.moved } else { Duration::ZERO };
        state.shortest.take().unwrap_or(stuck)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter {
    /// It is this one's turn; how long it waited.
    pub(super) fn begun(self) -> Duration {
        self.begun_at(Instant::now())
    }

    fn begun_at(self, now: Instant) -> Duration {
        let mut state = self.waits.state();
        let waited = now - self.came;
        state.shortest = Some(state.shortest.map_or(waited, |shortest| shortest.min(waited)));
        state.moved = now;
        waited
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waits.state().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_everybody_waited_counts_and_what_somebody_did_does_not() {
        let (waits, now) = (Waits::new(), Instant::now());
        waits.enter_at(now).begun_at(now + SECOND);
        assert_eq!(waits.waited_at(now + SECOND), SECOND);
        assert_eq!(waits.waited_at(now + SECOND), Duration::ZERO);
        waits.enter_at(now).begun_at(now + SECOND);
        waits.enter_at(now).begun_at(now);
        assert_eq!(waits.waited_at(now + SECOND), Duration::ZERO);
    }

    #[test]
    fn where_nobody_is_begun_it_is_how_long_nobody_was() {
        let (waits, now) = (Waits::new(), Instant::now() + SECOND * 60);
        let waiting = (waits.enter_at(now), waits.enter_at(now + SECOND));
        assert_eq!(waits.waited_at(now + SECOND), SECOND);
        assert_eq!(waits.waited_at(now + SECOND * 2), SECOND * 2);
        // Who gives up waits no more, and was not begun.
        drop(waiting);
        assert_eq!(waits.waited_at(now + SECOND * 3), Duration::ZERO);
    }
}
