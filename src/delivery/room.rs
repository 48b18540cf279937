//! Room for a call to a provider: how many at a time, and how many a second.
//!
//! Room is taken before a message is claimed, so that a claim is the beginning of asking and nothing waits in hand: what a
//! process had not begun when it died is not in its name, and the next process sends it.

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

/// Room for one call. Dropped, it is free again; a place in the rate only if it was not used.
pub(super) struct Room {
    pub provider: &'static str,
    _call: OwnedSemaphorePermit,
    /// The place in the rate; none: it is used, or there is no rate.
    place: Option<Arc<Rate>>,
}

impl Room {
    pub fn new(provider: &'static str, call: OwnedSemaphorePermit, place: Option<Arc<Rate>>) -> Self {
        Self { provider, _call: call, place }
    }

    /// The call is made: its place in the rate is used up.
    pub fn used(&mut self) {
        self.place = None;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(rate) = self.place.take() {
            rate.give_back();
        }
    }
}

/// So many a second, as many at once (GCRA). Unlike the limiters of `governor`, it takes back what was not used.
pub(super) struct Rate {
    ticker: Ticker,
    start: Nanos,
    interval: Duration,
    burst: Duration,
    /// When everything that was taken will be paid back, from the start.
    paid_back: Mutex<Duration>,
}

impl Rate {
    pub fn new(a_second: NonZeroU32, ticker: Ticker) -> Self {
        let interval = Duration::from_secs(1) / a_second.get();
        Self {
            start: ticker.now(),
            ticker,
            interval,
            burst: interval * (a_second.get() - 1),
            paid_back: Mutex::default(),
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn take(&self) -> Result<(), Duration> {
        let now = Duration::from(self.ticker.now().duration_since(self.start));
        let mut paid_back = self.paid_back.lock().unwrap_or_else(PoisonError::into_inner);
        let owed = paid_back.saturating_sub(now);
        if owed > self.burst {
            return Err(owed.saturating_sub(self.burst));
        }
        *paid_back = now + owed + self.interval;
        Ok(())
    }

    fn give_back(&self) {
        let mut paid_back = self.paid_back.lock().unwrap_or_else(PoisonError::into_inner);
        *paid_back = paid_back.saturating_sub(self.interval);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;
    use domain::Timestamp;
    use platform::clock::Clock;

    #[test]
    fn a_rate_is_kept_and_what_was_not_used_is_given_back() {
        let (clock, hand) = Clock::manual(Timestamp::UNIX_EPOCH);
        let rate = Rate::new(NonZeroU32::new(4).unwrap(), Ticker::new(clock));
        let taken = || (0..100).take_while(|_| rate.take().is_ok()).count();
        assert_eq!(taken(), 4);
        assert_eq!(rate.take(), Err(Duration::from_millis(250)));
        hand.advance(Duration::from_millis(500));
        assert_eq!(taken(), 2);
        rate.give_back();
        assert_eq!(taken(), 1);
        hand.advance(Duration::from_secs(3600));
        assert_eq!(taken(), 4);
    }

    #[test]
    fn a_room_that_is_dropped_is_free_and_its_place_comes_back_unless_it_was_used() {
        let calls = Arc::new(Semaphore::new(1));
        let rate = Arc::new(Rate::new(NonZeroU32::MIN, Ticker::new(Clock::manual(Timestamp::UNIX_EPOCH).0)));
        let room = || {
            rate.take().ok()?;
            Some(Room::new("x", Arc::clone(&calls).try_acquire_owned().ok()?, Some(Arc::clone(&rate))))
        };
        drop(room().unwrap());
        room().unwrap().used();
        assert!(room().is_none());
        assert_eq!(calls.available_permits(), 1);
    }
}
