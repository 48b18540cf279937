//! Time and randomness as arguments.
//!
//! Only this file reads the time or random bytes from the operating system (`clippy.toml` bans the calls elsewhere).
//! Code that needs either takes a [`Clock`] or an [`Entropy`], so tests can set both.

use std::{
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::Timestamp;
use rand::{Rng, SeedableRng, TryRng, rngs::ChaCha20Rng, rngs::SysRng};
use tokio::sync::watch;

/// A sleep on the system clock re-reads the clock at least this often, to notice that the clock was set.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// The source of the current time: the system clock, or a clock that a test sets.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(ManualClock),
}

/// A clock that changes only when it is set.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<watch::Sender<Timestamp>>);

impl Clock {
    /// A manual clock that starts at `start`: the [`Clock`] to pass on, and the handle to move it.
    pub fn manual(start: Timestamp) -> (Clock, ManualClock) {
        let manual = ManualClock(Arc::new(watch::Sender::new(to_millis(start))));
        (Clock::Manual(manual.clone()), manual)
    }

    /// The current time, in milliseconds.
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the only place that reads monotone system time")]
            Clock::System => to_millis(monotone(Utc::now())),
            Clock::Manual(clock) => *clock.0.borrow(),
        }
    }

    /// The system clock, even if it was set back. For signatures that are dated or checked by the clock of another
    /// system. Everything else uses [`Clock::now`].
    pub fn system_time(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "signatures need the unadjusted system time")]
            Clock::System => to_millis(Utc::now()),
            Clock::Manual(_) => self.now(),
        }
    }

    /// Returns once `now() >= deadline`, even if the clock is set in the meantime.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match self {
            Clock::System => loop {
                let Ok(left) = (deadline - self.now()).to_std() else { return };
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(MAX_SLEEP)).await;
            },
            Clock::Manual(clock) => {
                let mut now = clock.0.subscribe();
                // Fails only if the sender was dropped, and `self` holds it.
                let _ = now.wait_for(|now| *now >= deadline).await;
            }
        }
    }

    /// Returns after `span` on this clock.
    pub async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }
}

impl ManualClock {
    /// Moves the clock forward and wakes the sleepers whose deadline has passed.
    pub fn advance(&self, span: Duration) {
        self.0.send_modify(|now| *now += span);
    }

    /// Sets the clock, forward or backward.
    pub fn set(&self, instant: Timestamp) {
        self.0.send_replace(to_millis(instant));
    }
}

/// The system time, or, after the system clock was set back, the latest time it showed plus the time elapsed since. An
/// expired item stays expired, and nothing lasts longer than it should. A jump forward is accepted, because a suspended
/// machine also causes one. After a restart the system time is accepted as it is.
fn monotone(system_time: Timestamp) -> Timestamp {
    /// Monotonic: does not depend on the setting of the system clock.
    static STARTED: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    /// The largest difference between the system clock and the monotonic clock so far, in microseconds since 1970.
    static MAX_OFFSET: AtomicI64 = AtomicI64::new(i64::MIN);
    let elapsed = i64::try_from(STARTED.elapsed().as_micros()).unwrap_or(i64::MAX);
    let offset = system_time.timestamp_micros().saturating_sub(elapsed);
    let max_offset = MAX_OFFSET.fetch_max(offset, Ordering::Relaxed).max(offset);
    DateTime::from_timestamp_micros(elapsed.saturating_add(max_offset)).unwrap_or(system_time)
}

fn to_millis(instant: Timestamp) -> Timestamp {
    instant.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(instant)
}

/// The source of random bytes: the operating system, or a seed for tests.
#[derive(Clone)]
pub enum Entropy {
    System,
    Seeded(Arc<Mutex<ChaCha20Rng>>),
}

impl Entropy {
    /// The same bytes in every run.
    pub fn seeded(seed: u64) -> Self {
        Entropy::Seeded(Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))))
    }

    /// `N` random bytes.
    ///
    /// # Panics
    /// If the operating system has no random bytes: the program must not continue without them.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Entropy::System => {
                #[expect(clippy::expect_used, reason = "secrets can't be generated without the system's randomness")]
                SysRng.try_fill_bytes(&mut bytes).expect("the operating system's random source works");
            }
            Entropy::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        bytes
    }
}

impl domain::ids::RandomBytes for Entropy {
    fn random_bytes(&self) -> [u8; 16] {
        self.bytes()
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Entropy::System => "System",
            Entropy::Seeded(_) => "Seeded",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleep_ends_when_manual_clock_reaches_deadline() {
        let (clock, hand) = Clock::manual(DateTime::UNIX_EPOCH);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_secs(60)).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        hand.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        hand.advance(Duration::from_secs(1));
        assert_eq!(sleeper.await.unwrap(), DateTime::UNIX_EPOCH + Duration::from_secs(60));
    }

    #[test]
    fn clock_set_back_continues_from_its_latest_time() {
        let start = Clock::System.now();
        let hour = TimeDelta::hours(1);
        assert!(monotone(start - hour) >= start);
        let later = monotone(start + hour);
        assert!(later >= start + hour);
        assert!(monotone(start) >= later, "and does not return from there");
    }

    #[test]
    fn seeded_entropy_is_deterministic() {
        assert_eq!(Entropy::seeded(7).bytes::<16>(), Entropy::seeded(7).bytes::<16>());
        assert_ne!(Entropy::seeded(7).bytes::<16>(), Entropy::seeded(8).bytes::<16>());
    }
}
