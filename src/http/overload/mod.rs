//! How many operations run at once: as many as `MAX_IN_FLIGHT`, and in an overload that does not end as many as can be
//! done within `SHED_AFTER`. The rest is refused at once, which costs next to nothing, rather than kept until nobody
//! waits for it.
//!
//! A burst is waited out: only when whatever was begun in half a second had waited too long, the limit falls, to what
//! by Little's law waits just as long as it may. It grows again as the wait falls, and is gone as soon as nobody was
//! refused for a moment.
//!
//! Whoever has less than their share inside is let in all the same, so that nobody keeps the others out by being many and
//! fast: a share is the limit divided among the networks that have something running.
//!
//! Clients that come back the moment they are refused would keep the process busy with nothing but refusing. So only so
//! many are told at once; the others are told in their turn, a second later at most.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How often the limit is judged.
const WINDOW: Duration = Duration::from_millis(100);
/// How long everything waits too long before it is more than a burst.
const BURST: Duration = Duration::from_millis(500);
/// As many are let in whatever they wait for.
const FEWEST: usize = 16;

/// Refusals a second, for each core: measured at 0.04 ms, a fifth of what it can do.
const REFUSALS: u32 = 5_000;
/// The longest that anybody waits for a refusal.
const LONGEST_REFUSAL: Duration = Duration::from_secs(1);

/// How long work has waited for what it needs, of late.
pub type Waited = Box<dyn Fn() -> Duration + Send + Sync>;

/// Lets operations in. One for the process.
pub struct Overload {
    most: usize,
    shed_after: Duration,
    waited: Waited,
    between_refusals: Duration,
    state: Mutex<State>,
}

struct State {
    running: usize,
    /// The same, by network.
    inside: HashMap<IpAddr, usize>,
    limit: usize,
    /// Somebody was refused in this window.
    refused: bool,
    window_ends: Instant,
    /// Since when everything waits too long.
    late_since: Option<Instant>,
    next_refusal: Instant,
}

/// An operation that was let in, as long as it runs.
pub struct Running<'a> {
    doors: &'a Overload,
    network: IpAddr,
}

impl Overload {
    pub fn new(most: usize, shed_after: Duration, waited: Waited) -> Self {
        let now = Instant::now();
        let state = State {
            running: 0,
            inside: HashMap::new(),
            limit: most,
            refused: false,
            window_ends: now + WINDOW,
            late_since: None,
            next_refusal: now,
        };
        let cores = std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        let between_refusals = Duration::from_secs(1) / REFUSALS / cores;
        Self { most, shed_after, waited, between_refusals, state: Mutex::new(state) }
    }

    /// Lets one more of a network in, if there is room.
    pub fn enter(&self, network: IpAddr) -> Option<Running<'_>> {
        self.enter_at(network, Instant::now())
    }

    fn enter_at(&self, network: IpAddr, now: Instant) -> Option<Running<'_>> {
        let mut state = self.state();
        if now >= state.window_ends {
            let silence = now - state.window_ends;
            let waited = (self.waited)();
            // After a silence nobody was refused, and how long anybody waited before it says nothing.
            let still = silence < BURST;
            state.refused &= still;
            let waited = if still { waited } else { Duration::ZERO };
            state.window_ends = now + WINDOW;
            self.judge(&mut state, waited, now);
        }
        if state.running >= state.limit && !state.is_owed(network) {
            state.refused = true;
            return None;
        }
        state.running += 1;
        *state.inside.entry(network).or_default() += 1;
        Some(Running { doors: self, network })
    }

    /// Waits until it is somebody's turn to be told that there was no room.
    pub async fn until_told(&self) {
        let wait = self.refusal_at(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    fn refusal_at(&self, now: Instant) -> Duration {
        let mut state = self.state();
        let turn = state.next_refusal.max(now);
        state.next_refusal = (turn + self.between_refusals).min(now + LONGEST_REFUSAL);
        turn - now
    }

    fn judge(&self, state: &mut State, waited: Duration, now: Instant) {
        let sheds = state.limit < self.most;
        if !std::mem::take(&mut state.refused) {
            state.limit = self.most;
        }
        if waited <= self.shed_after {
            state.late_since = None;
            state.limit = (state.limit + state.limit / 16 + 1).min(self.most);
        } else {
            let late_since = *state.late_since.get_or_insert(now);
            if sheds || now - late_since >= BURST {
                let fitting = state.running as u128 * self.shed_after.as_micros() / waited.as_micros();
                let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
                // Half at once at most: what was let in before is still to be waited for.
                state.limit = fitting.max(state.running / 2).max(FEWEST).min(state.limit);
            }
        }
        match (sheds, state.limit < self.most) {
            (false, true) => {
                let waited = waited.as_millis();
                tracing::warn!(waited_ms = waited, limit = state.limit, "overloaded: some requests are refused");
            }
            (true, false) => tracing::info!("no longer overloaded"),
            (true, true) | (false, false) => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a network has less than its share inside. Twice the limit is never passed.
    fn is_owed(&self, network: IpAddr) -> bool {
        let theirs = self.inside.get(&network).copied();
        let networks = self.inside.len() + usize::from(theirs.is_none());
        self.running < self.limit * 2 && theirs.unwrap_or(0) < self.limit / networks
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.doors.state();
        state.running -= 1;
        if let Entry::Occupied(mut inside) = state.inside.entry(self.network) {
            *inside.get_mut() -= 1;
            if *inside.get() == 0 {
                inside.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::Ipv4Addr,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering::Relaxed},
        },
    };

    use super::*;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    const MOST: usize = 1000;
    const SHED_AFTER: Duration = Duration::from_millis(300);

    fn doors() -> (Overload, Arc<AtomicU64>) {
        let millis = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&millis);
        (Overload::new(MOST, SHED_AFTER, Box::new(move || Duration::from_millis(told.load(Relaxed)))), millis)
    }

    /// As many as are let in.
    fn crowd(doors: &Overload, of: usize, now: Instant) -> Vec<Running<'_>> {
        (0..of).map_while(|_| doors.enter_at(ONE, now)).collect()
    }

    #[test]
    fn fd_08_no_more_than_the_most_run_at_once() {
        let (doors, _) = doors();
        let now = Instant::now();
        let mut inside = crowd(&doors, MOST + 1, now);
        assert_eq!(inside.len(), MOST);
        inside.pop();
        assert!(doors.enter_at(ONE, now).is_some());
    }

    #[test]
    fn fd_08_a_burst_is_waited_out() {
        let (doors, millis) = doors();
        let mut now = Instant::now();
        let inside = crowd(&doors, 900, now);
        for waited in [200, 400, 600, 800, 900, 500] {
            now += WINDOW;
            millis.store(waited, Relaxed);
            assert!(doors.enter_at(ONE, now).is_some(), "{waited}");
        }
        drop(inside);
    }

    #[test]
    fn fd_08_an_overload_is_shed_to_what_can_be_done_in_time_and_is_over_when_it_is_over() {
        let (doors, millis) = doors();
        let mut now = Instant::now();
        let mut inside = crowd(&doors, MOST, now);
        // Each second 500 are done and 2,000 come: everybody waits for those before.
        let mut crowds = Vec::new();
        for _ in 0..200 {
            now += WINDOW;
            inside.drain(..inside.len().min(50));
            millis.store(inside.len() as u64 * 2, Relaxed);
            inside.extend(crowd(&doors, 200, now));
            crowds.push(inside.len());
        }
        // 150 wait 300 ms; the limit swings around that.
        let usual = crowds[100..].iter().sum::<usize>() / 100;
        assert!((120..=180).contains(&usual), "{crowds:?}");
        assert!(crowds[100..].iter().all(|crowd| *crowd < 300), "{crowds:?}");
        assert!(doors.enter_at(ONE, now).is_none());
        // Nobody is refused for a moment: whoever comes next is let in, a burst too.
        inside.clear();
        millis.store(0, Relaxed);
        drop(doors.enter_at(ONE, now + WINDOW));
        assert_eq!(crowd(&doors, MOST, now + WINDOW * 2).len(), MOST);
    }

    #[test]
    fn fd_08_a_crowd_of_one_network_keeps_no_other_out() {
        let (doors, _) = doors();
        let (doors, now) = (&doors, Instant::now());
        let crowd = crowd(doors, MOST, now);
        assert!(doors.enter_at(ONE, now).is_none());
        // Half of the room is theirs, though nobody has left.
        let others: Vec<_> = (0..MOST).map_while(|_| doors.enter_at(OTHER, now)).collect();
        assert_eq!(others.len(), MOST / 2);
        // However many networks come, each with its share: not without end.
        let networks = (3..200).map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        let more: Vec<_> =
            networks.flat_map(|network| (0..MOST).map_while(move |_| doors.enter_at(network, now))).collect();
        assert_eq!(crowd.len() + others.len() + more.len(), MOST * 2);
        drop((crowd, others, more));
        assert!(doors.state().inside.is_empty());
    }

    #[test]
    fn fd_08_refusals_come_in_turn_and_none_later_than_it_may() {
        let (doors, _) = doors();
        let now = Instant::now();
        assert_eq!(doors.refusal_at(now), Duration::ZERO);
        assert_eq!(doors.refusal_at(now), doors.between_refusals);
        for _ in 0..1_000_000 {
            assert!(doors.refusal_at(now) <= LONGEST_REFUSAL);
        }
        assert_eq!(doors.refusal_at(now + LONGEST_REFUSAL * 2), Duration::ZERO);
    }

    #[test]
    fn what_was_measured_before_a_silence_counts_no_more() {
        let (doors, millis) = doors();
        let now = Instant::now();
        millis.store(5_000, Relaxed);
        drop(crowd(&doors, 10, now));
        drop(crowd(&doors, 10, now + WINDOW));
        assert_eq!(crowd(&doors, MOST, now + WINDOW * 600).len(), MOST);
    }

    #[test]
    fn fd_08_a_burst_after_an_overload_is_a_burst_again() {
        let (doors, millis) = doors();
        let mut now = Instant::now();
        let mut inside = crowd(&doors, MOST, now);
        millis.store(3_000, Relaxed);
        for _ in 0..30 {
            now += WINDOW;
            inside.truncate(inside.len() / 2);
            inside.extend(crowd(&doors, MOST, now));
        }
        assert!(inside.len() < 100, "{}", inside.len());
        inside.clear();
        millis.store(0, Relaxed);
        assert_eq!(crowd(&doors, MOST, now + WINDOW + BURST).len(), MOST);
    }

    #[test]
    fn a_few_are_let_in_however_long_they_wait() {
        let (doors, millis) = doors();
        let mut now = Instant::now();
        millis.store(3_000, Relaxed);
        let mut inside = crowd(&doors, MOST, now);
        for _ in 0..50 {
            now += WINDOW;
            inside.truncate(inside.len() / 2);
            assert!(inside.len() >= FEWEST || doors.enter_at(ONE, now).is_some());
        }
    }
}
