//! The adaptive limit of load shedding: the configured limit until an overload reduces it.
//!
//! Short bursts are absorbed: the limit is reduced only if all work that started in half a second had waited longer
//! than `SHED_AFTER`, or at once if requests are refused at the configured limit while others wait for the database.
//! While the limit is reduced, admitted requests wait only a small part of `SHED_AFTER`, since a longer queue does not
//! increase throughput; requests that have waited a few times as long are refused after all, which removes those
//! admitted before the reduction. The configured limit is restored once no request was refused in a window, or once all
//! refused requests would fit.

use std::time::{Duration, Instant};

/// How often the limit is adjusted.
pub(super) const WINDOW: Duration = Duration::from_millis(100);
/// Number of windows in a second.
const WINDOWS_PER_SECOND: usize = (1000 / WINDOW.as_millis()) as usize;
/// How long all requests must wait too long before it counts as an overload and not as a burst.
pub(super) const BURST: Duration = Duration::from_millis(500);
/// While requests are refused, the target waiting time of the others is `SHED_AFTER` divided by this.
const TARGET_DIVISOR: u32 = 128;
/// Requests that have waited this many times the target are refused after all.
const MAX_WAIT_FACTOR: u32 = 3;
/// The limit is restored if the demand is below this many times the limit.
const DEMAND_FACTOR: usize = 16;
/// The limit is never reduced below this.
const MIN_LIMIT: usize = 16;

pub(super) struct Limit {
    max: usize,
    shed_after: Duration,
    current: usize,
    /// The longest waiting time while the limit is reduced.
    longest_wait: Duration,
    /// When the limit was last reduced.
    reduced_at: Option<Instant>,
    /// Since when all requests wait too long.
    late_since: Option<Instant>,
    /// Refused requests of about the last second, with older ones weighted less.
    recently_refused: usize,
}

/// Measurements of a window that has ended.
pub(super) struct WindowStats {
    pub running: usize,
    pub refused: usize,
    /// Whether a refused request is still waiting for its response.
    pub has_pending_refusals: bool,
    /// How long the requests that started had waited.
    pub waited: Duration,
    pub at: Instant,
}

impl Limit {
    pub fn new(max: usize, shed_after: Duration) -> Self {
        Self {
            max,
            shed_after,
            current: max,
            longest_wait: shed_after,
            reduced_at: None,
            late_since: None,
            recently_refused: 0,
        }
    }

    pub fn current(&self) -> usize {
        self.current
    }

    /// Whether the limit is reduced, i.e. whether there is an overload.
    pub fn is_reduced(&self) -> bool {
        self.current < self.max
    }

    /// The longest time that an admitted request waits. None: no limit.
    pub fn longest_wait(&self) -> Option<Duration> {
        self.is_reduced().then_some(self.longest_wait)
    }

    pub fn adjust(&mut self, seen: &WindowStats) {
        self.recently_refused =
            self.recently_refused - self.recently_refused.div_ceil(WINDOWS_PER_SECOND) + seen.refused;
        if seen.waited <= self.shed_after {
            self.late_since = None;
        }
        let was_reduced = self.is_reduced();
        if was_reduced {
            self.current = if self.has_recovered(seen) { self.max } else { self.next(seen.waited) };
            // If even the smallest limit results in longer waits, those are accepted.
            let takes = if self.current > MIN_LIMIT { self.target_wait() } else { self.target_wait().max(seen.waited) };
            self.longest_wait = takes * MAX_WAIT_FACTOR;
        } else if self.is_overload(seen) {
            // Requests that have waited longer than the target are removed at once.
            self.current = self.fitting(seen.running, seen.waited).max(MIN_LIMIT).min(self.max);
            self.longest_wait = self.target_wait() * MAX_WAIT_FACTOR;
            self.reduced_at = Some(seen.at);
        }
        match (was_reduced, self.is_reduced()) {
            (false, true) => {
                let waited = seen.waited.as_millis();
                tracing::warn!(waited_ms = waited, limit = self.current, "overload: shedding requests");
            }
            (true, false) => tracing::info!("overload has ended"),
            (true, true) | (false, false) => {}
        }
    }

    fn is_overload(&mut self, seen: &WindowStats) -> bool {
        let full = seen.refused > 0 && seen.waited > self.target_wait();
        let late =
            seen.waited > self.shed_after && seen.at.duration_since(*self.late_since.get_or_insert(seen.at)) >= BURST;
        full || late
    }

    fn has_recovered(&self, seen: &WindowStats) -> bool {
        let no_refusals = seen.refused == 0 && !seen.has_pending_refusals;
        // Refused clients retry within a second: before that, the demand is unknown.
        let known =
            self.reduced_at.is_some_and(|reduced_at| seen.at - reduced_at >= WINDOW * WINDOWS_PER_SECOND as u32);
        let fits = seen.running + self.recently_refused <= self.current * DEMAND_FACTOR;
        no_refusals || (known && fits && seen.waited <= self.target_wait() * DEMAND_FACTOR as u32)
    }

    /// How many requests would wait no longer than the target, if `waiting` requests waited for `waited`.
    fn fitting(&self, waiting: usize, waited: Duration) -> usize {
        let fitting = waiting as u128 * self.target_wait().as_micros() / waited.as_micros().max(1);
        usize::try_from(fitting).unwrap_or(usize::MAX)
    }

    /// A step towards the fitting limit: down by at most a half and up by at most an eighth, since one window is a
    /// small sample.
    fn next(&self, waited: Duration) -> usize {
        let current = self.current;
        self.fitting(current, waited).clamp(current / 2, current + current / 8 + 1).max(MIN_LIMIT).min(self.max)
    }

    fn target_wait(&self) -> Duration {
        self.shed_after / TARGET_DIVISOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1000;
    const SHED_AFTER: Duration = Duration::from_secs(1);

    /// A database with a fixed throughput per window (first come, first served), and clients that send regardless of
    /// the load.
    struct Simulation {
        limit: Limit,
        now: Instant,
        throughput: usize,
        /// Arrival times of the waiting requests.
        queue: std::collections::VecDeque<Instant>,
    }

    impl Simulation {
        fn new() -> Self {
            Self { limit: Limit::new(MOST, SHED_AFTER), now: Instant::now(), throughput: 200, queue: [].into() }
        }

        /// Simulates a window with `count` evenly spaced requests. Returns the number of refused requests, and the
        /// longest wait of those that were served.
        fn run_window(&mut self, count: usize) -> (usize, Duration) {
            let (mut refused, mut shortest, mut longest) = (0, Duration::MAX, Duration::ZERO);
            let (mut arrived, mut done) = (0, 0);
            for step in 1..=100 {
                self.now += WINDOW / 100;
                while arrived < count * step / 100 {
                    arrived += 1;
                    if self.queue.len() < self.limit.current() {
                        self.queue.push_back(self.now);
                    } else {
                        refused += 1;
                    }
                }
                while done < self.throughput * step / 100 {
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
            self.limit.adjust(&WindowStats {
                running: self.queue.len(),
                refused,
                has_pending_refusals: false,
                waited,
                at: self.now,
            });
            (refused, longest)
        }
    }

    #[test]
    fn fd_08_burst_is_absorbed() {
        let mut simulation = Simulation::new();
        assert_eq!(simulation.run_window(900).0, 0);
        for _ in 0..20 {
            assert_eq!(simulation.run_window(190).0, 0);
        }
    }

    #[test]
    fn fd_08_sustained_overload_is_shed() {
        let mut simulation = Simulation::new();
        simulation.throughput = 50;
        simulation.run_window(900);
        let refused: Vec<_> = (0..40).map(|_| simulation.run_window(60).0).collect();
        let first = refused.iter().position(|refused| *refused > 0);
        // The wait reaches a second after the first second, and another half second is a burst.
        assert!(first.is_some_and(|first| (13..=17).contains(&first)), "{refused:?}");
    }

    #[test]
    fn fd_08_fourfold_load_is_shed_with_short_waits() {
        let mut simulation = Simulation::new();
        let waits: Vec<_> = (0..100).map(|_| simulation.run_window(800)).collect();
        // Without the requests that were served before the overload was detected.
        let longest = waits.iter().skip(2).map(|(_, waited)| *waited).max().unwrap_or_default();
        assert!(longest <= SHED_AFTER / TARGET_DIVISOR * MAX_WAIT_FACTOR, "{longest:?} {waits:?}");
        // The throughput does not decrease.
        let refused: usize = waits.iter().skip(50).map(|(refused, _)| refused).sum();
        assert!((600 * 50..=620 * 50).contains(&refused), "{refused}");
        // The overload ends with the first window without refusals, and bursts are absorbed again.
        while !simulation.queue.is_empty() {
            simulation.run_window(0);
        }
        assert_eq!(simulation.run_window(900).0, 0);
    }

    #[test]
    fn fd_08_limit_is_restored_once_all_refused_would_fit() {
        let mut simulation = Simulation::new();
        for _ in 0..50 {
            simulation.run_window(800);
        }
        // A twentieth more than the throughput; refused at first.
        let refused: Vec<_> = (0..60).map(|_| simulation.run_window(210).0).collect();
        assert!(refused.iter().rev().take(10).all(|refused| *refused == 0), "{refused:?}");
    }

    #[test]
    fn fd_08_limit_is_not_restored_while_refusals_are_pending() {
        let mut limit = Limit::new(MOST, SHED_AFTER);
        let mut seen = WindowStats {
            running: MOST,
            refused: 5000,
            has_pending_refusals: true,
            waited: SHED_AFTER,
            at: Instant::now(),
        };
        limit.adjust(&seen);
        assert!(limit.current() < MOST);
        seen = WindowStats { running: 10, refused: 0, waited: Duration::ZERO, at: seen.at + WINDOW, ..seen };
        limit.adjust(&seen);
        assert!(limit.current() < MOST);
        limit.adjust(&WindowStats { has_pending_refusals: false, at: seen.at + WINDOW, ..seen });
        assert_eq!(limit.current(), MOST);
    }

    #[test]
    fn fd_08_limit_is_not_restored_before_refused_clients_retry() {
        let mut limit = Limit::new(MOST, SHED_AFTER);
        let now = Instant::now();
        let mut after = |windows, refused| {
            let waited = limit.target_wait() * 2;
            limit.adjust(&WindowStats {
                running: 10,
                refused,
                has_pending_refusals: true,
                waited,
                at: now + WINDOW * windows,
            });
            limit.current() == MOST
        };
        assert!(!after(0, 1));
        for windows in 1..10 {
            assert!(!after(windows, 1));
        }
        assert!(after(10, 1));
    }

    #[test]
    fn minimum_is_admitted_regardless_of_wait() {
        let mut limit = Limit::new(MOST, SHED_AFTER);
        let now = Instant::now();
        for step in 0..50 {
            let waited = SHED_AFTER * 10;
            limit.adjust(&WindowStats {
                running: limit.current(),
                refused: 1000,
                has_pending_refusals: false,
                waited,
                at: now + WINDOW * step,
            });
        }
        assert_eq!(limit.current(), MIN_LIMIT);
        // They wait as long as it takes.
        assert!(limit.longest_wait().is_some_and(|longest| longest > SHED_AFTER * 10));
    }

    #[test]
    fn limit_is_not_reduced_without_database_wait() {
        let mut limit = Limit::new(MOST, SHED_AFTER);
        let waited = Duration::from_millis(1);
        limit.adjust(&WindowStats {
            running: MOST,
            refused: 1000,
            has_pending_refusals: false,
            waited,
            at: Instant::now(),
        });
        assert_eq!(limit.current(), MOST);
    }
}
