//! Time and chance as arguments.
//!
//! Nothing outside this file asks the operating system what time it is or for random bytes (`clippy.toml` bans the
//! calls): whoever needs either is handed a [`Clock`] or an [`Entropy`], so a test can move the one and fix the other.

use std::{
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use rand::{Rng, SeedableRng, TryRng, rngs::ChaCha20Rng, rngs::SysRng};
use tokio::sync::watch;

/// An instant in UTC. Everything in this program carries millisecond precision, so that an instant is the same before
/// and after it was stored (PostgreSQL keeps microseconds, SQLite whatever it was given, the API milliseconds).
pub type Timestamp = DateTime<Utc>;

/// A sleep on the system clock looks again at least this often, so that a jump of the clock is noticed.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// What time it is: the system's, or one that a test moves by hand.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(ManualClock),
}

/// A clock that stands still until it is moved.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<watch::Sender<Timestamp>>);

impl Clock {
    /// A manual clock that starts at `start`, and the clock to hand around.
    pub fn manual(start: Timestamp) -> (Clock, ManualClock) {
        let manual = ManualClock(Arc::new(watch::Sender::new(to_millis(start))));
        (Clock::Manual(manual.clone()), manual)
    }

    /// Now, to the millisecond.
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
            Clock::System => to_millis(never_back(Utc::now())),
            Clock::Manual(clock) => *clock.0.borrow(),
        }
    }

    /// What the system's clock shows, set back or not: for signatures, which somebody else's clock dates and judges. Within
    /// the program only [`Clock::now`] counts.
    pub fn wall(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the other place that asks the system for the time")]
            Clock::System => to_millis(Utc::now()),
            Clock::Manual(_) => self.now(),
        }
    }

    /// Returns once `now() >= deadline`, also when the clock jumps meanwhile.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match self {
            Clock::System => loop {
                let Ok(left) = (deadline - self.now()).to_std() else { return };
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(LONGEST_NAP)).await;
            },
            Clock::Manual(clock) => {
                let mut now = clock.0.subscribe();
                // Fails only when the sender is gone, and `self` holds it.
                let _ = now.wait_for(|now| *now >= deadline).await;
            }
        }
    }

    /// Returns after `span` of this clock's time.
    pub async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }
}

impl ManualClock {
    /// Moves the clock forward and wakes whoever waits for an instant that has come.
    pub fn advance(&self, span: Duration) {
        self.0.send_modify(|now| *now += span);
    }

    /// Sets the clock, backward too.
    pub fn set(&self, instant: Timestamp) {
        self.0.send_replace(to_millis(instant));
    }
}

/// The system's time, or where that was set back, the time that has passed since it was later: what had expired stays
/// expired, and what was begun ends no later than it should. A leap ahead is believed, since a machine that slept makes
/// one, too. A restart believes whatever it finds.
fn never_back(shown: Timestamp) -> Timestamp {
    /// What passes whatever the system's clock is set to.
    static STARTED: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    /// The most that the system's clock was ever ahead of it, in microseconds since 1970.
    static AHEAD: AtomicI64 = AtomicI64::new(i64::MIN);
    let passed = i64::try_from(STARTED.elapsed().as_micros()).unwrap_or(i64::MAX);
    let ahead = shown.timestamp_micros().saturating_sub(passed);
    let most = AHEAD.fetch_max(ahead, Ordering::Relaxed).max(ahead);
    DateTime::from_timestamp_micros(passed.saturating_add(most)).unwrap_or(shown)
}

fn to_millis(instant: Timestamp) -> Timestamp {
    instant.duration_trunc(TimeDelta::milliseconds(1)).unwrap_or(instant)
}

/// Where random bytes come from: the operating system, or a seed that a test chose.
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
    /// When the operating system cannot give any: nothing here may go on without them.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Entropy::System => {
                #[expect(clippy::expect_used, reason = "no secret can be made without the system's randomness")]
                SysRng.try_fill_bytes(&mut bytes).expect("the operating system's random source answers");
            }
            Entropy::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        bytes
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
    async fn a_sleeper_wakes_when_the_manual_clock_reaches_its_instant() {
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
    fn a_clock_that_is_set_back_goes_on_from_where_it_was() {
        let start = Clock::System.now();
        let hour = TimeDelta::hours(1);
        assert!(never_back(start - hour) >= start);
        let later = never_back(start + hour);
        assert!(later >= start + hour);
        assert!(never_back(start) >= later, "and not back from there");
    }

    #[test]
    fn seeded_entropy_repeats_itself() {
        assert_eq!(Entropy::seeded(7).bytes::<16>(), Entropy::seeded(7).bytes::<16>());
        assert_ne!(Entropy::seeded(7).bytes::<16>(), Entropy::seeded(8).bytes::<16>());
    }
}
