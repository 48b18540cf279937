//! What the process remembers of each key: one number, for a bounded number of keys.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use governor::{clock::Clock as _, nanos::Nanos, state::StateStore};

use super::act::Key;
use crate::{
    clock::{self, Clock},
    telemetry::metrics,
};

/// Below this number of keys nothing is swept.
const FEW: usize = 1024;
/// The most keys that are remembered per act, about 100 bytes each.
const MOST: usize = 100_000;

/// The clock for `governor`: monotonic, so that a jump of the system's clock neither grants nor refuses anything. It
/// counts from when it was made, as `governor` counts from when its limiter was, the same moment but for microseconds.
#[derive(Clone, Debug)]
pub struct Ticker {
    clock: Clock,
    made: Instant,
    made_at: clock::Timestamp,
}

impl Ticker {
    pub fn new(clock: Clock) -> Self {
        Self { made: Instant::now(), made_at: clock.now(), clock }
    }
}

impl governor::clock::Clock for Ticker {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let passed = match &self.clock {
            Clock::System => self.made.elapsed(),
            Clock::Manual(_) => (self.clock.now() - self.made_at).to_std().unwrap_or_default(),
        };
        passed.into()
    }
}

/// For each key the theoretical arrival time of GCRA: the instant at which it will be as good as new. A key whose
/// instant has passed is the same as one never seen, so sweeping those loses nothing.
///
/// When more keys than [`MOST`] are in use at once, the half that used least is forgotten: whoever is refused is
/// remembered, a newcomer is judged, and an attacker with a hundred thousand addresses gains what he had anyway,
/// another burst for each. Refusing newcomers instead would let him lock everybody out.
#[derive(Clone)]
pub struct Cells(Arc<Shelf>);

struct Shelf {
    ticker: Ticker,
    most: usize,
    act: &'static str,
    cells: Mutex<Inner>,
}

struct Inner {
    ready_at: HashMap<Key, Nanos>,
    /// Sweep when it has grown to this size, so that sweeping costs each newcomer a constant.
    sweep_at: usize,
}

impl Cells {
    pub fn new(act: &'static str, ticker: Ticker) -> Self {
        Self::bounded(act, ticker, MOST)
    }

    fn bounded(act: &'static str, ticker: Ticker, most: usize) -> Self {
        let cells = Mutex::new(Inner { ready_at: HashMap::new(), sweep_at: FEW.min(most) });
        Self(Arc::new(Shelf { ticker, most, act, cells }))
    }

    /// Takes back one charge of `weight`.
    pub fn refund(&self, key: &Key, weight: Nanos) {
        if let Some(ready_at) = self.lock().ready_at.get_mut(key) {
            *ready_at = ready_at.saturating_sub(weight);
        }
    }

    /// Learns that the key will be as good as new in `span` and not before.
    pub fn learn(&self, key: &Key, span: Nanos) {
        let known = self.0.ticker.now() + span;
        if let Some(ready_at) = self.lock().ready_at.get_mut(key) {
            *ready_at = known.max(*ready_at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Cells {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, judge: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut cells = self.lock();
        if let Some(ready_at) = cells.ready_at.get_mut(key) {
            let (verdict, next) = judge(Some(*ready_at))?;
            *ready_at = next;
            return Ok(verdict);
        }
        let (verdict, next) = judge(None)?;
        if cells.ready_at.len() >= cells.sweep_at {
            cells.sweep(&self.0);
        }
        cells.ready_at.insert(key.clone(), next);
        Ok(verdict)
    }
}

impl Inner {
    fn sweep(&mut self, Shelf { ticker, most, act, .. }: &Shelf) {
        let now = ticker.now();
        self.ready_at.retain(|_, ready_at| *ready_at > now);
        let live = self.ready_at.len();
        if live > most / 2 {
            self.forget_least_used(live - most / 2);
            metrics::quota_keys_forgotten(act, (live - self.ready_at.len()) as u64);
        }
        self.ready_at.shrink_to(2 * self.ready_at.len());
        self.sweep_at = (2 * self.ready_at.len()).clamp(FEW.min(*most), *most);
    }

    /// `count` is at least one and at most the number of keys.
    fn forget_least_used(&mut self, mut count: usize) {
        let mut instants: Vec<Nanos> = self.ready_at.values().copied().collect();
        let (_, bar, _) = instants.select_nth_unstable(count - 1);
        let bar = *bar;
        self.ready_at.retain(|_, ready_at| {
            let kept = *ready_at > bar || count == 0;
            count -= usize::from(!kept);
            kept
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, num::NonZeroU32, time::Duration};

    use chrono::DateTime;
    use governor::{Quota, RateLimiter, middleware::NoOpMiddleware};

    use super::*;

    type Limiter = RateLimiter<Key, Cells, Ticker, NoOpMiddleware<Nanos>>;

    fn limiter(clock: Clock, most: usize) -> (Limiter, Cells) {
        let ticker = Ticker::new(clock);
        let cells = Cells::bounded("test", ticker.clone(), most);
        (RateLimiter::new(Quota::per_minute(NonZeroU32::new(2).unwrap()), cells.clone(), ticker), cells)
    }

    fn address(number: u32) -> Key {
        Key::Client(Ipv4Addr::from(number).into())
    }

    #[test]
    fn keys_that_are_as_good_as_new_are_swept() {
        let (clock, hand) = Clock::manual(DateTime::UNIX_EPOCH);
        let (limiter, cells) = limiter(clock, 10_000);
        for round in 0..20 {
            for number in 0..1000 {
                limiter.check_key(&address(round * 1000 + number)).unwrap();
            }
            hand.advance(Duration::from_secs(60));
        }
        assert!(cells.lock().ready_at.len() <= 2 * FEW);
    }

    #[test]
    fn memory_is_bounded_and_whoever_was_refused_is_remembered() {
        let (clock, _) = Clock::manual(DateTime::UNIX_EPOCH);
        let (limiter, cells) = limiter(clock, 1000);
        let guilty = address(u32::MAX);
        while limiter.check_key(&guilty).is_ok() {}
        for number in 0..50_000 {
            limiter.check_key(&address(number)).unwrap();
            assert!(cells.lock().ready_at.len() <= 1000);
        }
        assert!(limiter.check_key(&guilty).is_err());
    }

    #[test]
    fn a_refund_gives_back_exactly_what_was_charged() {
        let (clock, _) = Clock::manual(DateTime::UNIX_EPOCH);
        let (limiter, cells) = limiter(clock, 1000);
        for _ in 0..100 {
            limiter.check_key(&address(1)).unwrap();
            cells.refund(&address(1), Duration::from_secs(30).into());
        }
        assert!(limiter.check_key(&address(1)).is_ok());
        assert!(limiter.check_key(&address(1)).is_ok());
        assert!(limiter.check_key(&address(1)).is_err());
    }
}
