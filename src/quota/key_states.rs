//! The in-process state of the rate limiters: one number for each key, and a bounded number of keys.

use domain::Timestamp;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use governor::{clock::Clock as _, nanos::Nanos, state::StateStore};

use super::operation::Key;
use platform::{clock::Clock, telemetry::metrics};

/// Below this number of keys nothing is swept.
const MIN_SWEEP: usize = 1024;
/// The largest number of keys per operation, about 100 bytes each.
const MAX_KEYS: usize = 100_000;

/// The clock for `governor`: monotonic, so that setting the system clock neither grants nor refuses anything. It counts
/// from its creation, as `governor` counts from the creation of the limiter; the two differ by microseconds.
#[derive(Clone, Debug)]
pub struct Ticker {
    clock: Clock,
    started: Instant,
    started_at: Timestamp,
}

impl Ticker {
    pub fn new(clock: Clock) -> Self {
        Self { started: Instant::now(), started_at: clock.now(), clock }
    }
}

impl governor::clock::Clock for Ticker {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let passed = match &self.clock {
            Clock::System => self.started.elapsed(),
            Clock::Manual(_) => (self.clock.now() - self.started_at).to_std().unwrap_or_default(),
        };
        passed.into()
    }
}

/// For each key the theoretical arrival time of GCRA: the time at which its full burst is available again. A key whose
/// time has passed is equal to one never seen, so sweeping it loses nothing.
///
/// When more than [`MAX_KEYS`] keys are in use at once, the half with the least usage is dropped. Exhausted keys are
/// kept, and new keys are limited. An attacker with a hundred thousand addresses gains another burst for each, which is
/// what he had anyway. Refusing new keys instead would allow a denial of service for everyone.
#[derive(Clone)]
pub struct KeyStates(Arc<Shared>);

struct Shared {
    ticker: Ticker,
    max_keys: usize,
    act: &'static str,
    keys: Mutex<KeyMap>,
}

struct KeyMap {
    ready_at: HashMap<Key, Nanos>,
    /// The size at which to sweep, so that sweeping has a constant cost per new key.
    sweep_at: usize,
}

impl KeyStates {
    pub fn new(act: &'static str, ticker: Ticker) -> Self {
        Self::bounded(act, ticker, MAX_KEYS)
    }

    fn bounded(act: &'static str, ticker: Ticker, max_keys: usize) -> Self {
        let states = Mutex::new(KeyMap { ready_at: HashMap::new(), sweep_at: MIN_SWEEP.min(max_keys) });
        Self(Arc::new(Shared { ticker, max_keys, act, keys: states }))
    }

    /// Refunds one charge of `weight`.
    pub fn refund(&self, key: &Key, weight: Nanos) {
        if let Some(ready_at) = self.lock().ready_at.get_mut(key) {
            *ready_at = ready_at.saturating_sub(weight);
        }
    }

    /// Records that the key's full burst is available in `span` and not before.
    pub fn update(&self, key: &Key, span: Nanos) {
        let known = self.0.ticker.now() + span;
        if let Some(ready_at) = self.lock().ready_at.get_mut(key) {
            *ready_at = known.max(*ready_at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, KeyMap> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for KeyStates {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = self.lock();
        if let Some(ready_at) = states.ready_at.get_mut(key) {
            let (outcome, next) = decide(Some(*ready_at))?;
            *ready_at = next;
            return Ok(outcome);
        }
        let (outcome, next) = decide(None)?;
        if states.ready_at.len() >= states.sweep_at {
            states.sweep(&self.0);
        }
        states.ready_at.insert(key.clone(), next);
        Ok(outcome)
    }
}

impl KeyMap {
    fn sweep(&mut self, Shared { ticker, max_keys, act, .. }: &Shared) {
        let now = ticker.now();
        self.ready_at.retain(|_, ready_at| *ready_at > now);
        let live = self.ready_at.len();
        if live > max_keys / 2 {
            self.drop_least_used(live - max_keys / 2);
            metrics::quota_keys_forgotten(act, (live - self.ready_at.len()) as u64);
        }
        self.ready_at.shrink_to(2 * self.ready_at.len());
        self.sweep_at = (2 * self.ready_at.len()).clamp(MIN_SWEEP.min(*max_keys), *max_keys);
    }

    /// `count` is at least one and at most the number of keys.
    fn drop_least_used(&mut self, mut count: usize) {
        let mut instants: Vec<Nanos> = self.ready_at.values().copied().collect();
        let (_, threshold, _) = instants.select_nth_unstable(count - 1);
        let threshold = *threshold;
        self.ready_at.retain(|_, ready_at| {
            let kept = *ready_at > threshold || count == 0;
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

    type Limiter = RateLimiter<Key, KeyStates, Ticker, NoOpMiddleware<Nanos>>;

    fn limiter(clock: Clock, max_keys: usize) -> (Limiter, KeyStates) {
        let ticker = Ticker::new(clock);
        let states = KeyStates::bounded("test", ticker.clone(), max_keys);
        (RateLimiter::new(Quota::per_minute(NonZeroU32::new(2).unwrap()), states.clone(), ticker), states)
    }

    fn address(number: u32) -> Key {
        Key::Client(Ipv4Addr::from(number).into())
    }

    #[test]
    fn unused_keys_are_swept() {
        let (clock, hand) = Clock::manual(DateTime::UNIX_EPOCH);
        let (limiter, states) = limiter(clock, 10_000);
        for round in 0..20 {
            for number in 0..1000 {
                limiter.check_key(&address(round * 1000 + number)).unwrap();
            }
            hand.advance(Duration::from_secs(60));
        }
        assert!(states.lock().ready_at.len() <= 2 * MIN_SWEEP);
    }

    #[test]
    fn memory_is_bounded_and_exhausted_keys_are_kept() {
        let (clock, _) = Clock::manual(DateTime::UNIX_EPOCH);
        let (limiter, states) = limiter(clock, 1000);
        let exhausted = address(u32::MAX);
        while limiter.check_key(&exhausted).is_ok() {}
        for number in 0..50_000 {
            limiter.check_key(&address(number)).unwrap();
            assert!(states.lock().ready_at.len() <= 1000);
        }
        assert!(limiter.check_key(&exhausted).is_err());
    }

    #[test]
    fn refund_equals_charge() {
        let (clock, _) = Clock::manual(DateTime::UNIX_EPOCH);
        let (limiter, states) = limiter(clock, 1000);
        for _ in 0..100 {
            limiter.check_key(&address(1)).unwrap();
            states.refund(&address(1), Duration::from_secs(30).into());
        }
        assert!(limiter.check_key(&address(1)).is_ok());
        assert!(limiter.check_key(&address(1)).is_ok());
        assert!(limiter.check_key(&address(1)).is_err());
    }
}
