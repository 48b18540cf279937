//! As many as are let in: the configured limit, until an overload lowers it.
//!
//! A burst is waited out: the limit falls only when whatever was begun in half a second had waited longer than
//! `SHED_AFTER`, or at once where somebody is refused for the configured limit while others wait for the database. Once it
//! has fallen, those who are let in wait a small part of that: a longer queue gets no more done. It is what was configured
//! again as soon as nobody was refused for a moment, or all who were would find room.

use std::time::{Duration, Instant};

/// How often the limit is judged.
pub(super) const WINDOW: Duration = Duration::from_millis(100);
/// Windows.
const A_SECOND: usize = (1000 / WINDOW.as_millis()) as usize;
/// How long everything waits too long before it is more than a burst.
pub(super) const BURST: Duration = Duration::from_millis(500);
/// While some are refused, the others wait this part of `SHED_AFTER`.
const SHORTER: u32 = 64;
/// Nobody is refused any more when there would be so many times as many as the limit.
const ROOM: usize = 8;
/// As many are let in whatever they wait for.
const FEWEST: usize = 16;

pub(super) struct Limit {
    most: usize,
    shed_after: Duration,
    current: usize,
    /// Since when everything waits too long.
    late_since: Option<Instant>,
    /// Refusals of about the last second, the older ones for less.
    refused_lately: usize,
}

/// What was seen in a window that has ended.
pub(super) struct Seen {
    pub running: usize,
    pub refused: usize,
    /// Somebody who was refused has not been told yet.
    pub untold: bool,
    /// Whatever was begun had waited so long.
    pub waited: Duration,
    pub at: Instant,
}

impl Limit {
    pub fn new(most: usize, shed_after: Duration) -> Self {
        Self { most, shed_after, current: most, late_since: None, refused_lately: 0 }
    }

    pub fn current(&self) -> usize {
        self.current
    }

    pub fn judge(&mut self, seen: &Seen) {
        self.refused_lately = self.refused_lately - self.refused_lately.div_ceil(A_SECOND) + seen.refused;
        if seen.waited <= self.shed_after {
            self.late_since = None;
        }
        let before = self.current;
        if before < self.most {
            self.current = if self.is_over(seen) { self.most } else { self.fitting(seen.waited) };
        } else if self.begins(seen) {
            self.current = (seen.running / 2).max(FEWEST).min(self.most);
        }
        match (before < self.most, self.current < self.most) {
            (false, true) => {
                let waited = seen.waited.as_millis();
                tracing::warn!(waited_ms = waited, limit = self.current, "overloaded: some requests are refused");
            }
            (true, false) => tracing::info!("no longer overloaded"),
            (true, true) | (false, false) => {}
        }
    }

    fn begins(&mut self, seen: &Seen) -> bool {
        let full = seen.refused > 0 && seen.waited > self.aim();
        let late =
            seen.waited > self.shed_after && seen.at.duration_since(*self.late_since.get_or_insert(seen.at)) >= BURST;
        full || late
    }

    fn is_over(&self, seen: &Seen) -> bool {
        let nobody = seen.refused == 0 && !seen.untold;
        // Whoever was refused comes back in a second.
        let room = seen.running + self.refused_lately <= self.current * ROOM;
        nobody || (room && seen.waited <= self.aim() * ROOM as u32)
    }

    /// As many as wait no longer than they shall, where as many as the limit waited so long. Half at most, since what
    /// was let in before is still to be waited for, and an eighth more at most.
    fn fitting(&self, waited: Duration) -> usize {
        let current = self.current;
        let fitting = current as u128 * self.aim().as_micros() / waited.as_micros().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        fitting.clamp(current / 2, current + current / 8 + 1).max(FEWEST).min(self.most)
    }

    fn aim(&self) -> Duration {
        self.shed_after / SHORTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1000;
    const SHED_AFTER: Duration = Duration::from_secs(1);

    /// A database that does so many in a window, first come first served, and clients that come whatever happens.
    struct Crowd {
        limit: Limit,
        now: Instant,
        does: usize,
        /// What is to be done, and when it came.
        queue: std::collections::VecDeque<Instant>,
    }

    impl Crowd {
        fn new() -> Self {
            Self { limit: Limit::new(MOST, SHED_AFTER), now: Instant::now(), does: 200, queue: [].into() }
        }

        /// Evenly in a window, in which as many are done; how many were refused, and how long those who were done waited.
        fn come(&mut self, count: usize) -> (usize, Duration) {
            let (mut refused, mut shortest, mut longest) = (0, Duration::MAX, Duration::ZERO);
            let (mut came, mut done) = (0, 0);
            for step in 1..=100 {
                self.now += WINDOW / 100;
                while came < count * step / 100 {
                    came += 1;
                    if self.queue.len() < self.limit.current() {
                        self.queue.push_back(self.now);
                    } else {
                        refused += 1;
                    }
                }
                while done < self.does * step / 100 {
                    done += 1;
                    let Some(since) = self.queue.pop_front() else { continue };
                    shortest = shortest.min(self.now - since);
                    longest = longest.max(self.now - since);
                }
            }
            let waited = if shortest == Duration::MAX { Duration::ZERO } else { shortest };
            self.limit.judge(&Seen { running: self.queue.len(), refused, untold: false, waited, at: self.now });
            (refused, longest)
        }
    }

    #[test]
    fn fd_08_a_burst_is_waited_out() {
        let mut crowd = Crowd::new();
        assert_eq!(crowd.come(900).0, 0);
        for _ in 0..20 {
            assert_eq!(crowd.come(190).0, 0);
        }
    }

    #[test]
    fn fd_08_whoever_waits_too_long_for_longer_than_a_burst_is_too_many() {
        let mut crowd = Crowd::new();
        crowd.does = 50;
        crowd.come(900);
        let refused: Vec<_> = (0..40).map(|_| crowd.come(60).0).collect();
        let first = refused.iter().position(|refused| *refused > 0);
        // A second is waited after as long, and half a second more is a burst.
        assert!(first.is_some_and(|first| (13..=17).contains(&first)), "{refused:?}");
    }

    #[test]
    fn fd_08_four_times_what_can_be_done_is_shed_to_that_and_waits_for_little() {
        let mut crowd = Crowd::new();
        let waits: Vec<_> = (0..100).map(|_| crowd.come(800)).collect();
        // In the first second those are done who were let in when it was not yet too much.
        let longest = waits.iter().skip(12).map(|(_, waited)| *waited).max().unwrap_or_default();
        assert!(longest < SHED_AFTER / SHORTER * 2, "{longest:?} {waits:?}");
        // As many as can be done are let in all the same.
        let refused: usize = waits.iter().skip(50).map(|(refused, _)| refused).sum();
        assert!((600 * 50..=620 * 50).contains(&refused), "{refused}");
        // It is over as soon as it is over: nobody was refused in a window, and a burst is a burst again.
        while !crowd.queue.is_empty() {
            crowd.come(0);
        }
        assert_eq!(crowd.come(900).0, 0);
    }

    #[test]
    fn fd_08_whoever_was_refused_is_let_in_once_there_would_be_room_for_all() {
        let mut crowd = Crowd::new();
        for _ in 0..50 {
            crowd.come(800);
        }
        // A twentieth more than can be done, who are refused at first.
        let refused: Vec<_> = (0..60).map(|_| crowd.come(210).0).collect();
        assert!(refused.iter().rev().take(10).all(|refused| *refused == 0), "{refused:?}");
    }

    #[test]
    fn fd_08_whoever_is_not_told_yet_is_not_gone() {
        let mut limit = Limit::new(MOST, SHED_AFTER);
        let mut seen = Seen { running: MOST, refused: 5000, untold: true, waited: SHED_AFTER, at: Instant::now() };
        limit.judge(&seen);
        assert!(limit.current() < MOST);
        seen = Seen { running: 10, refused: 0, waited: Duration::ZERO, at: seen.at + WINDOW, ..seen };
        limit.judge(&seen);
        assert!(limit.current() < MOST);
        limit.judge(&Seen { untold: false, at: seen.at + WINDOW, ..seen });
        assert_eq!(limit.current(), MOST);
    }

    #[test]
    fn a_few_are_let_in_however_long_they_wait() {
        let mut limit = Limit::new(MOST, SHED_AFTER);
        let now = Instant::now();
        for step in 0..50 {
            let waited = SHED_AFTER * 10;
            limit.judge(&Seen {
                running: limit.current(),
                refused: 1000,
                untold: false,
                waited,
                at: now + WINDOW * step,
            });
        }
        assert_eq!(limit.current(), FEWEST);
    }

    #[test]
    fn where_the_database_is_not_what_is_waited_for_nothing_falls() {
        let mut limit = Limit::new(MOST, SHED_AFTER);
        let waited = Duration::from_millis(1);
        limit.judge(&Seen { running: MOST, refused: 1000, untold: false, waited, at: Instant::now() });
        assert_eq!(limit.current(), MOST);
    }
}
