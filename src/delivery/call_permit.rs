//! Permits for calls to a provider: limits on concurrency and rate.
//!
//! A permit is acquired before a message is claimed, so that a claimed message is sent immediately. A message that was
//! waiting when its process crashed is therefore not claimed, and another process sends it.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    clock::{Clock as _, Reference},
    nanos::Nanos,
};
use tokio::sync::OwnedSemaphorePermit;

use crate::quota::Ticker;

/// A permit for one call. On drop, the concurrency permit is released; the rate permit is refunded only if it was not
/// used.
pub(super) struct CallPermit {
    pub provider: &'static str,
    _call: OwnedSemaphorePermit,
    /// The rate permit. None if it was used or there is no rate limit.
    rate: Option<Arc<RateLimiter>>,
}

impl CallPermit {
    pub fn new(provider: &'static str, call: OwnedSemaphorePermit, rate: Option<Arc<RateLimiter>>) -> Self {
        Self { provider, _call: call, rate }
    }

    /// The call is made: its rate permit is used.
    pub fn mark_used(&mut self) {
        self.rate = None;
    }
}

impl Drop for CallPermit {
    fn drop(&mut self) {
        if let Some(rate) = self.rate.take() {
            rate.refund();
        }
    }
}

/// A rate limiter (GCRA) with a burst of one second. Unlike the limiters of `governor`, unused permits can be refunded.
pub(super) struct RateLimiter {
    ticker: Ticker,
    start: Nanos,
    interval: Duration,
    burst: Duration,
    /// The theoretical arrival time of GCRA, since `start`.
    arrival_time: Mutex<Duration>,
}

impl RateLimiter {
    pub fn new(per_second: NonZeroU32, ticker: Ticker) -> Self {
        let interval = Duration::from_secs(1) / per_second.get();
        Self {
            start: ticker.now(),
            ticker,
            interval,
            burst: interval * (per_second.get() - 1),
            arrival_time: Mutex::default(),
        }
    }

    /// Takes a permit.
    ///
    /// # Errors
    /// How long until one is available.
    pub fn try_acquire(&self) -> Result<(), Duration> {
        let now = Duration::from(self.ticker.now().duration_since(self.start));
        let mut arrival_time = self.arrival_time.lock().unwrap_or_else(PoisonError::into_inner);
        let debt = arrival_time.saturating_sub(now);
        if debt > self.burst {
            return Err(debt.saturating_sub(self.burst));
        }
        *arrival_time = now + debt + self.interval;
        Ok(())
    }

    fn refund(&self) {
        let mut arrival_time = self.arrival_time.lock().unwrap_or_else(PoisonError::into_inner);
        *arrival_time = arrival_time.saturating_sub(self.interval);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use domain::Timestamp;
    use platform::clock::Clock;

    #[test]
    fn a_rate_is_enforced_and_unused_permits_are_refunded() {
        let (clock, hand) = Clock::manual(Timestamp::UNIX_EPOCH);
        let rate = RateLimiter::new(NonZeroU32::new(4).unwrap(), Ticker::new(clock));
        let taken = || (0..100).take_while(|_| rate.try_acquire().is_ok()).count();
        assert_eq!(taken(), 4);
        assert_eq!(rate.try_acquire(), Err(Duration::from_millis(250)));
        hand.advance(Duration::from_millis(500));
        assert_eq!(taken(), 2);
        rate.refund();
        assert_eq!(taken(), 1);
        hand.advance(Duration::from_secs(3600));
        assert_eq!(taken(), 4);
    }

    #[test]
    fn a_dropped_permit_is_released_and_its_rate_permit_refunded_unless_used() {
        let calls = Arc::new(Semaphore::new(1));
        let rate = Arc::new(RateLimiter::new(NonZeroU32::MIN, Ticker::new(Clock::manual(Timestamp::UNIX_EPOCH).0)));
        let permit = || {
            rate.try_acquire().ok()?;
            Some(CallPermit::new("x", Arc::clone(&calls).try_acquire_owned().ok()?, Some(Arc::clone(&rate))))
        };
        drop(permit().unwrap());
        permit().unwrap().mark_used();
        assert!(permit().is_none());
        assert_eq!(calls.available_permits(), 1);
    }
}
