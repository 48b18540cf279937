//! The alarm for guessing across accounts: many codes are tried in the whole service and few of them are correct.
//!
//! The limits by verification, contact and client stop an attacker who guesses at one account or from one network. An
//! attacker who guesses once at each of many accounts from many networks stays below all of them, and is only visible
//! in the ratio of right codes to tried codes. The alarm is reported in the audit trail and the metrics. It refuses no
//! request: otherwise an attacker could make the service refuse all users.
//!
//! It uses the window of [`pumping`](super::pumping), with codes tried instead of codes sent.

use std::sync::{Mutex, PoisonError};

use super::pumping::{ThrottleChange, Window, WindowCounts};
use platform::{
    clock::Clock,
    config::quota::{GuessingSettings, PumpingSettings},
    telemetry::metrics,
};

/// Counts the codes tried in this process. While Redis counts, it only keeps up, so that it can continue without Redis.
pub struct GuessingAlarm {
    pub rule: PumpingSettings,
    clock: Clock,
    window: Mutex<Window>,
}

/// The result of counting one code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlarmState {
    pub raised: bool,
    /// Whether this code raised or ended the alarm.
    pub change: Option<ThrottleChange>,
    pub counts: WindowCounts,
}

/// The alarm was raised or has ended, with the counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    pub raised: bool,
    /// Codes tried and codes that were right, within the window.
    pub guesses: f64,
    pub confirmed: f64,
}

impl GuessingAlarm {
    pub fn new(settings: GuessingSettings, clock: Clock) -> Self {
        let rule = PumpingSettings {
            min_sends: settings.min_guesses,
            min_conversion: settings.min_confirmed,
            window: settings.window,
        };
        Self { rule, clock, window: Mutex::default() }
    }

    /// Counts a code that was tried.
    pub fn count(&self, right: bool) -> AlarmState {
        let now = self.clock.now().timestamp_millis();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        *window = window.advanced_to(now, &self.rule);
        window.count_sent();
        if right {
            window.count_confirmed();
        }
        let (raised, change) = window.evaluate(now, &self.rule);
        AlarmState { raised, change, counts: window.counts(now, &self.rule) }
    }
}

impl AlarmState {
    /// Updates the metrics, and returns the entry for the audit trail, if any.
    pub fn report(self) -> Option<Alarm> {
        metrics::guessing(self.raised);
        self.change?;
        let WindowCounts { sent: guesses, confirmed } = self.counts;
        metrics::guessing_alarm(self.raised);
        Some(Alarm { raised: self.raised, guesses, confirmed })
    }
}
