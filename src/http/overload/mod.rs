//! How many operations run at once: as many as `MAX_IN_FLIGHT`, and in an overload that does not end as many as keep the
//! database busy. The rest is refused at once, which costs next to nothing, rather than kept until nobody waits for it.
//!
//! Whoever has less than their share inside is let in all the same, so that nobody keeps the others out by being many and
//! fast: a share is the limit divided among the networks that have something running.

mod limit;
mod turns;

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use limit::{BURST, Limit, Seen, WINDOW};
use turns::Turns;

use crate::patience::Patience;

/// How long work has waited for what it needs, of late.
pub type Waited = Box<dyn Fn() -> Duration + Send + Sync>;

/// Lets operations in. One for the process.
pub struct Overload {
    waited: Waited,
    patience: Patience,
    state: Mutex<State>,
}

struct State {
    limit: Limit,
    turns: Turns,
    running: usize,
    /// The same, by network.
    inside: HashMap<IpAddr, usize>,
    window_ends: Instant,
    /// In this window.
    refused: usize,
    /// Likewise.
    done: usize,
}

/// An operation that was let in, as long as it runs.
pub struct Running {
    doors: Arc<Overload>,
    network: IpAddr,
}

impl Overload {
    pub fn new(most: usize, shed_after: Duration, waited: Waited) -> Self {
        let now = Instant::now();
        let state = State {
            limit: Limit::new(most, shed_after),
            turns: Turns::new(now),
            running: 0,
            inside: HashMap::new(),
            window_ends: now + WINDOW,
            refused: 0,
            done: 0,
        };
        Self { waited, patience: Patience::default(), state: Mutex::new(state) }
    }

    /// Lets one more of a network in, if there is room.
    pub fn enter(self: &Arc<Self>, network: IpAddr) -> Option<Running> {
        self.enter_at(network, Instant::now())
    }

    fn enter_at(self: &Arc<Self>, network: IpAddr, now: Instant) -> Option<Running> {
        let mut state = self.state();
        if now >= state.window_ends {
            state.end_window((self.waited)(), now);
            self.patience.set(state.limit.longest_wait());
        }
        if state.running >= state.limit.current() && !state.is_owed(network) {
            state.refuse(now);
            return None;
        }
        state.running += 1;
        *state.inside.entry(network).or_default() += 1;
        Some(Running { doors: Arc::clone(self), network })
    }

    /// Waits until it is somebody's turn to be told that there was no room.
    pub async fn until_told(&self) {
        let wait = self.state().turns.take(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Does the work of the operation. None: it is sent away after all, since its turn came too late.
    pub async fn bear<F: Future>(&self, work: F) -> Option<F::Output> {
        let done = self.doors.patience.bear(work).await;
        if done.is_none() {
            self.doors.state().refused += 1;
        }
        done
    }
}

impl State {
    fn end_window(&mut self, waited: Duration, now: Instant) {
        let (refused, done) = (mem::take(&mut self.refused), mem::take(&mut self.done));
        // After a silence nobody was refused, and how long anybody waited before it says nothing.
        let lately = now - self.window_ends < BURST;
        let (refused, waited) = if lately { (refused, waited) } else { (0, Duration::ZERO) };
        self.limit.judge(&Seen {
            running: self.running,
            refused,
            untold: self.turns.are_waited_for(now),
            waited,
            at: now,
        });
        self.turns.follow(done);
        self.window_ends = now + WINDOW;
    }

    /// The first one who is refused has the limit judged at once: at four times what can be done, whoever is let in until
    /// the window ends waits too long.
    fn refuse(&mut self, now: Instant) {
        if self.refused == 0 && !self.limit.has_fallen() {
            self.window_ends = now;
        }
        self.refused += 1;
    }

    /// Whether a network has less than its share inside. Twice the limit is never passed.
    fn is_owed(&self, network: IpAddr) -> bool {
        let limit = self.limit.current();
        let theirs = self.inside.get(&network).copied();
        let networks = self.inside.len() + usize::from(theirs.is_none());
        self.running < limit * 2 && theirs.unwrap_or(0) < limit / networks
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.doors.state();
        state.running -= 1;
        state.done += 1;
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
        future::pending,
        net::Ipv4Addr,
        sync::atomic::{AtomicU64, Ordering::Relaxed},
    };

    use super::*;
    use crate::patience::Ticket;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    const MOST: usize = 1000;
    const SHED_AFTER: Duration = Duration::from_millis(300);

    fn doors() -> (Arc<Overload>, Arc<AtomicU64>) {
        let millis = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&millis);
        let waited = move || Duration::from_millis(told.load(Relaxed));
        (Arc::new(Overload::new(MOST, SHED_AFTER, Box::new(waited))), millis)
    }

    /// As many as are let in.
    fn crowd(doors: &Arc<Overload>, of: usize, now: Instant) -> Vec<Running> {
        (0..of).filter_map(|_| doors.enter_at(ONE, now)).collect()
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

    #[tokio::test]
    async fn fd_08_whoever_was_let_in_before_is_sent_away_once_the_turn_comes_too_late() {
        let (doors, millis) = doors();
        let turn = |waited| async move {
            if !Ticket::current().begins(waited) {
                pending::<()>().await;
            }
        };
        let inside = crowd(&doors, MOST, Instant::now());
        let [first, second, ..] = &inside[..] else { panic!("nobody is let in") };
        assert!(first.bear(turn(SHED_AFTER)).await.is_some());
        millis.store(100, Relaxed);
        assert!(crowd(&doors, 2, Instant::now()).is_empty());
        assert!(second.bear(turn(SHED_AFTER)).await.is_none());
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
}
