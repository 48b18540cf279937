//! The rule against SMS pumping: a fraudster with a share in message fees requests many codes to numbers with the same
//! prefix, and confirms none of them. (OWASP calls it OTP toll fraud; carriers, artificially inflated traffic.)
//!
//! For each destination prefix, sent codes are compared with confirmed codes over a sliding window. A prefix with many
//! sends and few confirmations is throttled to one code a minute, so that real users can still confirm; their
//! confirmations end the throttling. The sliding window weights the previous slot by the part of it that is still
//! inside, so a prefix needs only a few numbers in memory, however many sends it has.
//!
//! Decoys count as sent, since a decoy must be indistinguishable from outside.

use std::num::NonZeroU32;

use governor::Quota;

use platform::config::quota::PumpingSettings;

/// The remaining rate of a throttled prefix.
pub const THROTTLED_RATE: Quota = Quota::per_minute(NonZeroU32::MIN);

/// The sends to a prefix and their confirmations, in the current time slot and the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    slot: i64,
    now: Counts,
    before: Counts,
    throttled: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    sent: u32,
    confirmed: u32,
}

/// The counts within the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowCounts {
    pub sent: f64,
    pub confirmed: f64,
}

/// The throttling began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleChange {
    Throttled,
    Lifted,
}

impl Window {
    /// The same window at `now_ms`: older slots are dropped. A clock that was set back leaves it unchanged.
    pub fn advanced_to(self, now_ms: i64, rule: &PumpingSettings) -> Self {
        let slot = now_ms.div_euclid(length(rule));
        match slot - self.slot {
            ..=0 => self,
            1 => Self { slot, now: Counts::default(), before: self.now, ..self },
            _ => Self { slot, now: Counts::default(), before: Counts::default(), ..self },
        }
    }

    /// The counts within the window that ends at `now_ms`.
    pub fn counts(&self, now_ms: i64, rule: &PumpingSettings) -> WindowCounts {
        let length = length(rule);
        let inside = 1.0 - now_ms.rem_euclid(length) as f64 / length as f64;
        WindowCounts {
            sent: f64::from(self.now.sent) + inside * f64::from(self.before.sent),
            confirmed: f64::from(self.now.confirmed) + inside * f64::from(self.before.confirmed),
        }
    }

    /// Applies the rule, and returns whether the prefix is throttled and whether that changed.
    pub fn evaluate(&mut self, now_ms: i64, rule: &PumpingSettings) -> (bool, Option<ThrottleChange>) {
        let pumped = is_pumped(self.counts(now_ms, rule), rule);
        let change = match (self.throttled, pumped) {
            (false, true) => Some(ThrottleChange::Throttled),
            (true, false) => Some(ThrottleChange::Lifted),
            _ => None,
        };
        self.throttled = pumped;
        (pumped, change)
    }

    pub fn count_sent(&mut self) {
        self.now.sent = self.now.sent.saturating_add(1);
    }

    /// Reverses one send, and returns whether the prefix is throttled.
    pub fn count_unsent(&mut self) -> bool {
        self.now.sent = self.now.sent.saturating_sub(1);
        self.throttled
    }

    pub fn count_confirmed(&mut self) {
        self.now.confirmed = self.now.confirmed.saturating_add(1);
    }

    /// Whether both of its slots have left the window.
    pub fn is_over(&self, now_ms: i64, rule: &PumpingSettings) -> bool {
        now_ms.div_euclid(length(rule)) - self.slot > 1
    }

    /// The number of sends in both slots.
    pub fn weight(&self) -> u32 {
        self.now.sent.saturating_add(self.before.sent)
    }
}

/// Whether there were many sends and too few confirmations.
pub fn is_pumped(counts: WindowCounts, rule: &PumpingSettings) -> bool {
    counts.sent >= f64::from(rule.min_sends.get()) && counts.confirmed < rule.min_conversion * counts.sent
}

fn length(rule: &PumpingSettings) -> i64 {
    i64::try_from(rule.window.as_millis()).unwrap_or(i64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000;

    fn rule() -> PumpingSettings {
        PumpingSettings {
            min_sends: NonZeroU32::new(30).unwrap(),
            min_conversion: 0.1,
            window: Duration::from_secs(3600),
        }
    }

    fn sent(count: u32) -> Window {
        let mut window = Window::default();
        (0..count).for_each(|_| window.count_sent());
        window
    }

    #[test]
    fn prefix_is_throttled_at_the_minimum_and_released_by_confirmations() {
        let rule = rule();
        let mut window = sent(29);
        assert_eq!(window.evaluate(0, &rule), (false, None));
        window.count_sent();
        assert_eq!(window.evaluate(0, &rule), (true, Some(ThrottleChange::Throttled)));
        assert_eq!(window.evaluate(0, &rule), (true, None));
        window.count_confirmed();
        window.count_confirmed();
        assert_eq!(window.evaluate(0, &rule), (true, None));
        window.count_confirmed();
        assert_eq!(window.evaluate(0, &rule), (false, Some(ThrottleChange::Lifted)));
    }

    #[test]
    fn window_slides() {
        let rule = rule();
        let mut window = sent(60).advanced_to(HOUR + HOUR / 2, &rule);
        assert_eq!(window.counts(HOUR + HOUR / 2, &rule), WindowCounts { sent: 30.0, confirmed: 0.0 });
        assert!(window.evaluate(HOUR + HOUR / 2, &rule).0);
        assert!(!window.evaluate(HOUR + HOUR / 2 + HOUR / 60, &rule).0);
        assert_eq!(window.advanced_to(3 * HOUR, &rule).weight(), 0);
        assert!(!window.is_over(2 * HOUR, &rule) && window.is_over(3 * HOUR, &rule));
    }

    #[test]
    fn clock_set_back_keeps_the_counts() {
        let window = sent(30).advanced_to(5 * HOUR, &rule());
        assert_eq!(window.advanced_to(4 * HOUR, &rule()), window);
    }

    proptest! {
        #[test]
        fn confirmation_never_starts_throttling(sends in 0u32..500, confirmed in 0u32..500, now in 0..HOUR) {
            let rule = rule();
            let mut window = sent(sends);
            (0..confirmed).for_each(|_| window.count_confirmed());
            let before = is_pumped(window.counts(now, &rule), &rule);
            window.count_confirmed();
            prop_assert!(before || !is_pumped(window.counts(now, &rule), &rule));
        }

        #[test]
        fn fewer_sends_than_the_minimum_are_not_throttled(sends in 0u32..30, now in 0..HOUR) {
            prop_assert!(!is_pumped(sent(sends).counts(now, &rule()), &rule()));
        }
    }
}
