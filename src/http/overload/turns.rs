//! When those who are refused are told so.
//!
//! Clients that come back the moment they are refused would keep the process busy with nothing but refusing. So only
//! twice as many are told as operations were done; the others are told in their turn, a second later at most.

use std::time::{Duration, Instant};

use super::limit::WINDOW;

/// Refusals for each operation done: one costs about a tenth of a send.
const REFUSALS: usize = 2;
/// In a window, however little was done.
const FEWEST: usize = 50;
/// The longest that anybody waits for a refusal.
const LONGEST: Duration = Duration::from_secs(1);

pub(super) struct Turns {
    next: Instant,
    between: Duration,
}

impl Turns {
    pub fn new(now: Instant) -> Self {
        Self { next: now, between: between(0) }
    }

    /// So many operations were done in the last window.
    pub fn follow(&mut self, done: usize) {
        self.between = between(done);
    }

    /// Whether somebody is still to be told.
    pub fn are_waited_for(&self, now: Instant) -> bool {
        self.next > now + self.between
    }

    /// How long the next one waits.
    pub fn take(&mut self, now: Instant) -> Duration {
        let turn = self.next.max(now);
        self.next = (turn + self.between).min(now + LONGEST);
        turn - now
    }
}

fn between(done: usize) -> Duration {
    let told = (done * REFUSALS).max(FEWEST);
    WINDOW / u32::try_from(told).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fd_08_refusals_come_in_turn_and_none_later_than_it_may() {
        let now = Instant::now();
        let mut turns = Turns::new(now);
        turns.follow(100);
        assert_eq!(turns.take(now), Duration::ZERO);
        assert_eq!(turns.take(now), WINDOW / 200);
        for _ in 0..1_000_000 {
            assert!(turns.take(now) <= LONGEST);
        }
        assert_eq!(turns.take(now + LONGEST * 2), Duration::ZERO);
    }

    #[test]
    fn where_nothing_is_done_some_are_told_all_the_same() {
        let now = Instant::now();
        let mut turns = Turns::new(now);
        turns.follow(0);
        turns.take(now);
        assert!(!turns.are_waited_for(now));
        assert_eq!(turns.take(now), WINDOW / 50);
        assert!(turns.are_waited_for(now) && !turns.are_waited_for(now + WINDOW));
    }
}
