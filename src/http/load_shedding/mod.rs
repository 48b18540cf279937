//! Load shedding: how many operations run at once. Usually `MAX_IN_FLIGHT`, and in a sustained overload as many as keep
//! the database busy. Other requests are refused at once, which costs little, instead of queueing until their clients
//! have given up.
//!
//! A network that runs less than its fair share is admitted regardless, so that one network with many fast clients does
//! not exclude the others. The fair share is the limit divided by the number of networks with running operations.

mod limit;
mod refusal_pacer;

use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use limit::{BURST, Limit, WINDOW, WindowStats};
use refusal_pacer::RefusalPacer;

use platform::wait_limit::WaitLimit;

/// Returns how long work has recently waited for the resources that it needs.
pub type RecentWait = Box<dyn Fn() -> Duration + Send + Sync>;

/// Admits operations. One instance for the process.
pub struct Overload {
    waited: RecentWait,
    wait_limit: WaitLimit,
    state: Mutex<State>,
}

struct State {
    limit: Limit,
    refusal_pacer: RefusalPacer,
    running: usize,
    /// Running operations by network.
    by_network: HashMap<IpAddr, usize>,
    window_ends: Instant,
    /// Refused operations in this window.
    refused: usize,
    /// Finished operations in this window.
    done: usize,
}

/// Permit of an admitted operation; released when dropped.
pub struct OperationPermit {
    overload: Arc<Overload>,
    network: IpAddr,
}

impl Overload {
    pub fn new(max: usize, shed_after: Duration, waited: RecentWait) -> Self {
        let now = Instant::now();
        let state = State {
            limit: Limit::new(max, shed_after),
            refusal_pacer: RefusalPacer::new(now),
            running: 0,
            by_network: HashMap::new(),
            window_ends: now + WINDOW,
            refused: 0,
            done: 0,
        };
        Self { waited, wait_limit: WaitLimit::default(), state: Mutex::new(state) }
    }

    /// Admits one more operation of a network, if there is capacity.
    pub fn admit(self: &Arc<Self>, network: IpAddr) -> Option<OperationPermit> {
        self.enter_at(network, Instant::now())
    }

    fn enter_at(self: &Arc<Self>, network: IpAddr, now: Instant) -> Option<OperationPermit> {
        let mut state = self.state();
        if now >= state.window_ends {
            state.end_window((self.waited)(), now);
            self.wait_limit.set(state.limit.longest_wait());
        }
        if state.running >= state.limit.current() && !state.is_below_fair_share(network) {
            state.refuse(now);
            return None;
        }
        state.running += 1;
        *state.by_network.entry(network).or_default() += 1;
        Some(OperationPermit { overload: Arc::clone(self), network })
    }

    /// Waits until the refusal of an operation may be sent.
    pub async fn wait_to_refuse(&self) {
        let wait = self.state().refusal_pacer.next_delay(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OperationPermit {
    /// Runs the operation. None if it waited too long and is refused after all.
    pub async fn run<F: Future>(&self, work: F) -> Option<F::Output> {
        let done = self.overload.wait_limit.run(work).await;
        if done.is_none() {
            self.overload.state().refused += 1;
        }
        done
    }
}

impl State {
    fn end_window(&mut self, waited: Duration, now: Instant) {
        let (refused, done) = (mem::take(&mut self.refused), mem::take(&mut self.done));
        // After a quiet period, the refusals and waits measured before it are outdated.
        let is_recent = now - self.window_ends < BURST;
        let (refused, waited) = if is_recent { (refused, waited) } else { (0, Duration::ZERO) };
        self.limit.adjust(&WindowStats {
            running: self.running,
            refused,
            has_pending_refusals: self.refusal_pacer.has_pending(now),
            waited,
            at: now,
        });
        self.refusal_pacer.adjust(done);
        self.window_ends = now + WINDOW;
    }

    /// The first refusal ends the window, so that the limit is adjusted at once: at four times the capacity, all
    /// requests that are admitted until the end of the window would wait too long.
    fn refuse(&mut self, now: Instant) {
        if self.refused == 0 && !self.limit.is_reduced() {
            self.window_ends = now;
        }
        self.refused += 1;
    }

    /// Whether a network runs less than its fair share. The total never exceeds twice the limit.
    fn is_below_fair_share(&self, network: IpAddr) -> bool {
        let limit = self.limit.current();
        let own = self.by_network.get(&network).copied();
        let networks = self.by_network.len() + usize::from(own.is_none());
        self.running < limit * 2 && own.unwrap_or(0) < limit / networks
    }
}

impl Drop for OperationPermit {
    fn drop(&mut self) {
        let mut state = self.overload.state();
        state.running -= 1;
        state.done += 1;
        if let Entry::Occupied(mut count) = state.by_network.entry(self.network) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
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
    use platform::wait_limit::OperationWait;

    const ONE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    const MOST: usize = 1000;
    const SHED_AFTER: Duration = Duration::from_millis(300);

    fn overload() -> (Arc<Overload>, Arc<AtomicU64>) {
        let millis = Arc::new(AtomicU64::new(0));
        let shared = Arc::clone(&millis);
        let waited = move || Duration::from_millis(shared.load(Relaxed));
        (Arc::new(Overload::new(MOST, SHED_AFTER, Box::new(waited))), millis)
    }

    /// Fills the limit with operations of one network.
    fn crowd(overload: &Arc<Overload>, of: usize, now: Instant) -> Vec<OperationPermit> {
        (0..of).filter_map(|_| overload.enter_at(ONE, now)).collect()
    }

    #[test]
    fn fd_08_concurrency_is_limited() {
        let (overload, _) = overload();
        let now = Instant::now();
        let mut admitted = crowd(&overload, MOST + 1, now);
        assert_eq!(admitted.len(), MOST);
        admitted.pop();
        assert!(overload.enter_at(ONE, now).is_some());
    }

    #[test]
    fn fd_08_busy_network_does_not_exclude_others() {
        let (overload, _) = overload();
        let (overload, now) = (&overload, Instant::now());
        let crowd = crowd(overload, MOST, now);
        assert!(overload.enter_at(ONE, now).is_none());
        // The other network gets half of the limit, though no operation has ended.
        let others: Vec<_> = (0..MOST).map_while(|_| overload.enter_at(OTHER, now)).collect();
        assert_eq!(others.len(), MOST / 2);
        // However many networks there are, each with its share: the total is bounded.
        let networks = (3..200).map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        let more: Vec<_> =
            networks.flat_map(|network| (0..MOST).map_while(move |_| overload.enter_at(network, now))).collect();
        assert_eq!(crowd.len() + others.len() + more.len(), MOST * 2);
        drop((crowd, others, more));
        assert!(overload.state().by_network.is_empty());
    }

    #[tokio::test]
    async fn fd_08_admitted_operation_is_refused_after_long_wait() {
        let (overload, millis) = overload();
        let delay = |waited| async move {
            if !OperationWait::current().may_start(waited) {
                pending::<()>().await;
            }
        };
        let admitted = crowd(&overload, MOST, Instant::now());
        let [first, second, ..] = &admitted[..] else { panic!("no operation was admitted") };
        assert!(first.run(delay(SHED_AFTER)).await.is_some());
        millis.store(100, Relaxed);
        assert!(crowd(&overload, 2, Instant::now()).is_empty());
        assert!(second.run(delay(SHED_AFTER)).await.is_none());
    }

    #[test]
    fn measurements_before_quiet_period_are_ignored() {
        let (overload, millis) = overload();
        let now = Instant::now();
        millis.store(5_000, Relaxed);
        drop(crowd(&overload, 10, now));
        drop(crowd(&overload, 10, now + WINDOW));
        assert_eq!(crowd(&overload, MOST, now + WINDOW * 600).len(), MOST);
    }
}
