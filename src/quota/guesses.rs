//! The alarm for guessing across accounts: many codes are tried in the whole service and few of them are right.
//!
//! The limits by verification, contact and client stop an attacker who guesses at one account or from one network. An
//! attacker who guesses once at each of many accounts from many networks stays below all of them, and is only visible
//! in the ratio of right codes to tried codes. The alarm is reported in the audit trail and the metrics. It refuses no
//! request: otherwise an attacker could make the service refuse all users.
//!
//! It uses the window of [`pumping`](super::pumping), with codes tried instead of codes sent.

use std::sync::{Mutex, PoisonError};

use super::pumping::{Tally, Turn, Window};
use platform::{
    clock::Clock,
    config::quota::{GuessingSettings, PumpingSettings},
    telemetry::metrics,
};

/// Counts the codes tried in this process. While Redis counts, it only keeps up, so that it can continue without Redis.
pub struct GuessAlarm {
    pub rule: PumpingSettings,
    clock: Clock,
    window: Mutex<Window>,
}

/// The result of counting one code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    pub raised: bool,
    /// Whether this code raised or ended the alarm.
    pub turn: Option<Turn>,
    pub tally: Tally,
}

/// The alarm was raised or has ended, with the counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    pub raised: bool,
    /// Codes tried and codes that were right, within the window.
    pub guesses: f64,
    pub confirmed: f64,
}

impl GuessAlarm {
    pub fn new(settings: GuessingSettings, clock: Clock) -> Self {
        let rule = PumpingSettings {
            min_sends: settings.min_guesses,
            min_conversion: settings.min_confirmed,
            window: settings.window,
        };
        Self { rule, clock, window: Mutex::default() }
    }

    /// Counts a code that was tried.
    pub fn count(&self, right: bool) -> Reading {
        let now = self.clock.now().timestamp_millis();
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        *window = window.slid_to(now, &self.rule);
        window.note_sent();
        if right {
            window.note_confirmed();
        }
        let (raised, turn) = window.judge(now, &self.rule);
        Reading { raised, turn, tally: window.tally(now, &self.rule) }
    }
}

impl Reading {
    /// Updates the metrics, and returns the entry for the audit trail, if any.
    pub fn announce(self) -> Option<Alarm> {
        metrics::guessing(self.raised);
        self.turn?;
        let Tally { sent: guesses, confirmed } = self.tally;
        metrics::guessing_alarm(self.raised);
        Some(Alarm { raised: self.raised, guesses, confirmed })
    }
}
