//! How often a message is tried, and when again.

use std::time::Duration;

use platform::clock::Entropy;

/// Times that providers are asked to carry one message, all of them together.
pub const MOST_TRIES: i32 = 6;

/// How long to wait after the `tries`th try of a message that lives so long: two seconds at first, sixteen times as long
/// each time, but never more than what leaves time for the tries that are left. So the tries of a code fall into its
/// minutes, and those of a notice are spread over its day.
pub fn back_off(tries: i32, life: Duration, entropy: &Entropy) -> Duration {
    let tries = tries.clamp(1, MOST_TRIES).unsigned_abs();
    let growing = Duration::from_secs(2 << (4 * (tries - 1)).min(32));
    let spread = life / 2_u32.pow(MOST_TRIES.unsigned_abs() - tries);
    jittered(growing.min(spread).max(Duration::from_secs(1)), entropy)
}

/// The last half of a wait by chance, so that retries do not march in step.
fn jittered(wait: Duration, entropy: &Entropy) -> Duration {
    wait.mul_f64(0.5 + chance(entropy) / 2.0)
}

/// A little more than was asked for, so that those who were all told the same do not come back at once.
pub fn after(wait: Duration, entropy: &Entropy) -> Duration {
    wait + Duration::from_secs(1).mul_f64(chance(entropy))
}

/// From 0 to 1.
pub fn chance(entropy: &Entropy) -> f64 {
    f64::from(u32::from_be_bytes(entropy.bytes())) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(life: Duration) -> Vec<Duration> {
        let entropy = Entropy::seeded(1);
        (1..MOST_TRIES).map(|tries| back_off(tries, life, &entropy)).collect()
    }

    #[test]
    fn dl_04_every_try_falls_into_the_life_of_the_message() {
        for life in [60, 300, 3600, 86_400].map(Duration::from_secs) {
            let waits = waits(life);
            assert!(waits[0] <= Duration::from_secs(2), "{life:?}: {waits:?}");
            assert!(waits.is_sorted(), "{life:?}: {waits:?}");
            assert!(waits.iter().sum::<Duration>() < life, "{life:?}: {waits:?}");
        }
        // A notice is still tried when half of its day is over.
        assert!(waits(Duration::from_secs(86_400)).iter().sum::<Duration>() > Duration::from_secs(6 * 3600));
    }

    #[test]
    fn dl_04_waits_differ_by_chance_and_never_fall_below_half() {
        let entropy = Entropy::seeded(2);
        let life = Duration::from_secs(300);
        let waits: std::collections::BTreeSet<_> = (0..100).map(|_| back_off(3, life, &entropy)).collect();
        assert!(waits.len() > 90);
        let full = life / 8;
        assert!(waits.iter().all(|wait| *wait >= full / 2 && *wait <= full), "{waits:?}");
    }
}
