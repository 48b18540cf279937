//! Pacing of refusals.
//!
//! Clients that retry as soon as they are refused would keep the process busy with refusals. So the number of refusals
//! is limited to twice the number of finished operations; the others are delayed, by one second at most.

use std::time::{Duration, Instant};

use super::limit::WINDOW;

/// Refusals per finished operation. A refusal costs about a tenth of a send.
const REFUSALS_PER_OPERATION: usize = 2;
/// Minimum number of refusals per window.
const MIN_REFUSALS: usize = 50;
/// The longest delay of a refusal.
const MAX_DELAY: Duration = Duration::from_secs(1);

pub(super) struct RefusalPacer {
    next: Instant,
    interval: Duration,
}

impl RefusalPacer {
    pub fn new(now: Instant) -> Self {
        Self { next: now, interval: interval(0) }
    }

    /// Adjusts the pace to the number of operations that finished in the last window.
    pub fn adjust(&mut self, done: usize) {
        self.interval = interval(done);
    }

    /// Whether refusals are still delayed.
    pub fn has_pending(&self, now: Instant) -> bool {
        self.next > now + self.interval
    }

    /// Delay of the next refusal.
    pub fn next_delay(&mut self, now: Instant) -> Duration {
        let delay = self.next.max(now);
        self.next = (delay + self.interval).min(now + MAX_DELAY);
        delay - now
    }
}

fn interval(done: usize) -> Duration {
    let refusals = (done * REFUSALS_PER_OPERATION).max(MIN_REFUSALS);
    WINDOW / u32::try_from(refusals).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fd_08_refusals_are_paced_and_never_late() {
        let now = Instant::now();
        let mut turns = RefusalPacer::new(now);
        turns.adjust(100);
        assert_eq!(turns.next_delay(now), Duration::ZERO);
        assert_eq!(turns.next_delay(now), WINDOW / 200);
        for _ in 0..1_000_000 {
            assert!(turns.next_delay(now) <= MAX_DELAY);
        }
        assert_eq!(turns.next_delay(now + MAX_DELAY * 2), Duration::ZERO);
    }

    #[test]
    fn minimum_of_refusals_is_sent_without_finished_operations() {
        let now = Instant::now();
        let mut turns = RefusalPacer::new(now);
        turns.adjust(0);
        turns.next_delay(now);
        assert!(!turns.has_pending(now));
        assert_eq!(turns.next_delay(now), WINDOW / 50);
        assert!(turns.has_pending(now) && !turns.has_pending(now + WINDOW));
    }
}
