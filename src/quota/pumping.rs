//! The rule against SMS pumping: who is paid for messages asks for many codes to numbers that begin alike, and confirms
//! none of them. (OWASP calls it toll fraud by OTP; carriers, artificially inflated traffic.)
//!
//! Per destination prefix, codes sent are held against codes confirmed over a sliding window. A prefix that was sent
//! much and confirmed little is throttled to one code a minute, which keeps it alive for honest people: their
//! confirmations lift the throttle. The window slides by weighing the slot before the present one with the part of it
//! that still lies inside, so a prefix costs a handful of numbers however much it is sent.
//!
//! Decoys count as sent, since what they are is not to be seen from outside.

use std::num::NonZeroU32;

use governor::Quota;

use crate::config::quota::PumpingSettings;

/// What a throttled prefix is left with.
pub const TRICKLE: Quota = Quota::per_minute(NonZeroU32::MIN);

/// What was sent to a prefix and confirmed, in this slot of time and the one before.
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

/// What the window shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tally {
    pub sent: f64,
    pub confirmed: f64,
}

/// That the throttle was put on, or taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Throttled,
    Lifted,
}

impl Window {
    /// The same window at `now_ms`: older slots fall out. A clock that was set back leaves it as it is.
    pub fn slid_to(self, now_ms: i64, rule: &PumpingSettings) -> Self {
        let slot = now_ms.div_euclid(length(rule));
        match slot - self.slot {
            ..=0 => self,
            1 => Self { slot, now: Counts::default(), before: self.now, ..self },
            _ => Self { slot, now: Counts::default(), before: Counts::default(), ..self },
        }
    }

    /// What lies inside the window that ends at `now_ms`.
    pub fn tally(&self, now_ms: i64, rule: &PumpingSettings) -> Tally {
        let length = length(rule);
        let inside = 1.0 - now_ms.rem_euclid(length) as f64 / length as f64;
        Tally {
            sent: f64::from(self.now.sent) + inside * f64::from(self.before.sent),
            confirmed: f64::from(self.now.confirmed) + inside * f64::from(self.before.confirmed),
        }
    }

    /// Judges the window, and says whether the throttle changed by it.
    pub fn judge(&mut self, now_ms: i64, rule: &PumpingSettings) -> (bool, Option<Turn>) {
        let pumped = looks_pumped(self.tally(now_ms, rule), rule);
        let turn = match (self.throttled, pumped) {
            (false, true) => Some(Turn::Throttled),
            (true, false) => Some(Turn::Lifted),
            _ => None,
        };
        self.throttled = pumped;
        (pumped, turn)
    }

    pub fn note_sent(&mut self) {
        self.now.sent = self.now.sent.saturating_add(1);
    }

    /// Takes back a send, and says whether the throttle is on.
    pub fn note_unsent(&mut self) -> bool {
        self.now.sent = self.now.sent.saturating_sub(1);
        self.throttled
    }

    pub fn note_confirmed(&mut self) {
        self.now.confirmed = self.now.confirmed.saturating_add(1);
    }

    /// Whether nothing of it can ever lie in a window again.
    pub fn is_over(&self, now_ms: i64, rule: &PumpingSettings) -> bool {
        now_ms.div_euclid(length(rule)) - self.slot > 1
    }

    /// How much was sent in the slots that it remembers.
    pub fn weight(&self) -> u32 {
        self.now.sent.saturating_add(self.before.sent)
    }
}

/// Much was sent, and too little of it confirmed.
pub fn looks_pumped(tally: Tally, rule: &PumpingSettings) -> bool {
    tally.sent >= f64::from(rule.min_sends.get()) && tally.confirmed < rule.min_conversion * tally.sent
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
        (0..count).for_each(|_| window.note_sent());
        window
    }

    #[test]
    fn a_prefix_is_throttled_at_the_floor_and_lifted_by_confirmations() {
        let rule = rule();
        let mut window = sent(29);
        assert_eq!(window.judge(0, &rule), (false, None));
        window.note_sent();
        assert_eq!(window.judge(0, &rule), (true, Some(Turn::Throttled)));
        assert_eq!(window.judge(0, &rule), (true, None));
        window.note_confirmed();
        window.note_confirmed();
        assert_eq!(window.judge(0, &rule), (true, None));
        window.note_confirmed();
        assert_eq!(window.judge(0, &rule), (false, Some(Turn::Lifted)));
    }

    #[test]
    fn the_window_slides() {
        let rule = rule();
        let mut window = sent(60).slid_to(HOUR + HOUR / 2, &rule);
        assert_eq!(window.tally(HOUR + HOUR / 2, &rule), Tally { sent: 30.0, confirmed: 0.0 });
        assert!(window.judge(HOUR + HOUR / 2, &rule).0);
        assert!(!window.judge(HOUR + HOUR / 2 + HOUR / 60, &rule).0);
        assert_eq!(window.slid_to(3 * HOUR, &rule).weight(), 0);
        assert!(!window.is_over(2 * HOUR, &rule) && window.is_over(3 * HOUR, &rule));
    }

    #[test]
    fn a_clock_set_back_keeps_the_counts() {
        let window = sent(30).slid_to(5 * HOUR, &rule());
        assert_eq!(window.slid_to(4 * HOUR, &rule()), window);
    }

    proptest! {
        #[test]
        fn a_confirmation_never_puts_the_throttle_on(sends in 0u32..500, confirmed in 0u32..500, now in 0..HOUR) {
            let rule = rule();
            let mut window = sent(sends);
            (0..confirmed).for_each(|_| window.note_confirmed());
            let before = looks_pumped(window.tally(now, &rule), &rule);
            window.note_confirmed();
            prop_assert!(before || !looks_pumped(window.tally(now, &rule), &rule));
        }

        #[test]
        fn fewer_sends_than_the_floor_prove_nothing(sends in 0u32..30, now in 0..HOUR) {
            prop_assert!(!looks_pumped(sent(sends).tally(now, &rule()), &rule()));
        }
    }
}
