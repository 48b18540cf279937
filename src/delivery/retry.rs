//! The number of send attempts and the delays between them.

use std::time::Duration;

use platform::clock::Entropy;

/// The maximum number of calls to providers for one message, all providers together.
pub const MOST_TRIES: i32 = 6;

/// The delay after attempt number `tries` of a message with the lifetime `life`: two seconds at first, sixteen times as
/// long each time, but short enough to leave time for the remaining attempts. So all attempts for a code are within its
/// few minutes, and those for a notice are spread over its day.
pub fn back_off(tries: i32, life: Duration, entropy: &Entropy) -> Duration {
    let tries = tries.clamp(1, MOST_TRIES).unsigned_abs();
    let exponential = Duration::from_secs(2 << (4 * (tries - 1)).min(32));
    let bound = life / 2_u32.pow(MOST_TRIES.unsigned_abs() - tries);
    jittered(exponential.min(bound).max(Duration::from_secs(1)), entropy)
}

/// Adds jitter: half of the delay is random, so that retries are not synchronised.
fn jittered(delay: Duration, entropy: &Entropy) -> Duration {
    delay.mul_f64(0.5 + chance(entropy) / 2.0)
}

/// Adds up to a second of jitter, so that clients with the same `Retry-After` do not retry at the same time.
pub fn after(delay: Duration, entropy: &Entropy) -> Duration {
    delay + Duration::from_secs(1).mul_f64(chance(entropy))
}

/// A random number from 0 to 1.
pub fn chance(entropy: &Entropy) -> f64 {
    f64::from(u32::from_be_bytes(entropy.bytes())) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(life: Duration) -> Vec<Duration> {
        let entropy = Entropy::seeded(1);
        (1..MOST_TRIES).map(|tries| back_off(tries, life, &entropy)).collect()
    }

    #[test]
    fn dl_04_all_attempts_are_within_the_lifetime_of_the_message() {
        for life in [60, 300, 3600, 86_400].map(Duration::from_secs) {
            let delays = delays(life);
            assert!(delays[0] <= Duration::from_secs(2), "{life:?}: {delays:?}");
            assert!(delays.is_sorted(), "{life:?}: {delays:?}");
            assert!(delays.iter().sum::<Duration>() < life, "{life:?}: {delays:?}");
        }
        // A notice is still retried after a quarter of its day.
        assert!(delays(Duration::from_secs(86_400)).iter().sum::<Duration>() > Duration::from_secs(6 * 3600));
    }

    #[test]
    fn dl_04_delays_have_jitter_of_at_most_half() {
        let entropy = Entropy::seeded(2);
        let life = Duration::from_secs(300);
        let delays: std::collections::BTreeSet<_> = (0..100).map(|_| back_off(3, life, &entropy)).collect();
        assert!(delays.len() > 90);
        let full = life / 8;
        assert!(delays.iter().all(|delay| *delay >= full / 2 && *delay <= full), "{delays:?}");
    }
}
