//! As many as are let in: the configured limit, until an overload lowers it.
//!
//! A burst is waited out: the limit falls only when whatever was begun in half a second had waited longer than
//! `SHED_AFTER`, or at once where somebody is refused for the configured limit while others wait for the database. Once it
//! has fallen, those who are let in wait a small part of that, since a longer queue gets no more done, and who has waited
//! for a few times as long is refused after all: so whoever was let in before it fell makes room. It is what was configured
//! again as soon as nobody was refused for a moment, or all who were would find room.

use std::time::{Duration, Instant};

/// How often the limit is judged.
pub(super) const WINDOW: Duration = Duration::from_millis(100);
/// Windows.
const A_SECOND: usize = (1000 / WINDOW.as_millis()) as usize;
/// How long everything waits too long before it is more than a burst.
pub(super) const BURST: Duration = Duration::from_millis(500);
/// While some are refused, the others wait this part of `SHED_AFTER`.
const SHORTER: u32 = 128;
/// Whoever was let in and has waited so many times as long is refused after all.
const LATEST: u32 = 3;
/// Nobody is refused any more when there would be so many times as many as the limit.
const ROOM: usize = 16;
/// As many are let in whatever they wait for.
const FEWEST: usize = 16;

pub(super) struct Limit {
    most: usize,
    shed_after: Duration,
    current: usize,
    /// While it is less than configured.
    longest_wait: Duration,
    /// When it last became less than that.
    fell_at: Option<Instant>,
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
        Self {
            most,
            shed_after,
            current: most,
            longest_wait: shed_after,
            fell_at: None,
            late_since: None,
            refused_lately: 0,
        }
    }

    pub fn current(&self) -> usize {
        self.current
    }

    /// Whether there is an overload.
    pub fn has_fallen(&self) -> bool {
        self.current < self.most
    }

    /// The longest that anybody who was let in waits; none: as long as it takes.
    pub fn longest_wait(&self) -> Option<Duration> {
        self.has_fallen().then_some(self.longest_wait)
    }

    pub fn judge(&mut self, seen: &Seen) {
        self.refused_lately = self.refused_lately - self.refused_lately.div_ceil(A_SECOND) + seen.refused;
        if seen.waited <= self.shed_after {
            self.late_since = None;
        }
        let had_fallen = self.has_fallen();
        if had_fallen {
            self.current = if self.is_over(seen) { self.most } else { self.next(seen.waited) };
            // Where even the fewest wait for longer, that is how long it takes.
            let takes = if self.current > FEWEST { self.aim() } else { self.aim().max(seen.waited) };
            self.longest_wait = takes * LATEST;
        } else if self.begins(seen) {
            // Whoever has waited longer than they shall makes room at once.
            self.current = self.fitting(seen.running, seen.waited).max(FEWEST).min(self.most);
            self.longest_wait = self.aim() * LATEST;
            self.fell_at = Some(seen.at);
        }
        match (had_fallen, self.has_fallen()) {
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
        // Whoever was refused comes back in a second: before it is over, nobody knows how many they are.
        let known = self.fell_at.is_some_and(|fell_at| seen.at - fell_at >= WINDOW * A_SECOND as u32);
        let room = seen.running + self.refused_lately <= self.current * ROOM;
        nobody || (known && room && seen.waited <= self.aim() * ROOM as u32)
    }

    /// As many as wait no longer than they shall, where so many waited so long.
    fn fitting(&self, waiting: usize, waited: Duration) -> usize {
        let fitting = waiting as u128 * self.aim().as_micros() / waited.as_micros().max(1);
        usize::try_from(fitting).unwrap_or(usize::MAX)
    }

    /// A step towards what fits: half at most, and an eighth more at most, since one window says little.
    fn next(&self, waited: Duration) -> usize {
        let current = self.current;
        self.fitting(current, waited).clamp(current / 2, current + current / 8 + 1).max(FEWEST).min(self.most)
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
                    let late =
                        |since: &Instant| self.limit.longest_wait().is_some_and(|longest| self.now - *since > longest);
                    while self.queue.pop_front_if(|since| late(since)).is_some() {
                        refused += 1;
                    }
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
        // But for those who were done before it was seen.
        let longest = waits.iter().skip(2).map(|(_, waited)| *waited).max().unwrap_or_default();
        assert!(longest <= SHED_AFTER / SHORTER * LATEST, "{longest:?} {waits:?}");
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
    fn fd_08_how_many_come_is_not_known_before_those_who_were_refused_have_come_back() {
        let mut limit = Limit::new(MOST, SHED_AFTER);
        let now = Instant::now();
        let mut after = |windows, refused| {
            let waited = limit.aim() * 2;
            limit.judge(&Seen { running: 10, refused, untold: true, waited, at: now + WINDOW * windows });
            limit.current() == MOST
        };
        assert!(!after(0, 1));
        for windows in 1..10 {
            assert!(!after(windows, 1));
        }
        assert!(after(10, 1));
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
        // They wait for as long as it takes.
        assert!(limit.longest_wait().is_some_and(|longest| longest > SHED_AFTER * 10));
    }

    #[test]
    fn where_the_database_is_not_what_is_waited_for_nothing_falls() {
        let mut limit = Limit::new(MOST, SHED_AFTER);
        let waited = Duration::from_millis(1);
        limit.judge(&Seen { running: MOST, refused: 1000, untold: false, waited, at: Instant::now() });
        assert_eq!(limit.current(), MOST);
    }
}
