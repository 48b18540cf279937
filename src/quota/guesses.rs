//! The alarm for guessing across accounts: many codes are tried all over the service and few of them are right.
//!
//! Limits by verification, contact and client stop whoever guesses at one account or from one network. Whoever guesses
//! once at each of many accounts from many networks stays below all of them, and shows in the ratio of right codes to
//! tried ones alone. The alarm is raised in the audit trail and the metrics. It refuses nobody: an attacker could
//! otherwise make the service refuse everybody.
//!
//! It is the window of [`pumping`](super::pumping), with codes tried in place of codes sent.

use std::sync::{Mutex, PoisonError};

use super::pumping::{Tally, Turn, Window};
use crate::{
    clock::Clock,
    config::quota::{GuessingSettings, PumpingSettings},
    telemetry::metrics,
};

/// Counts the codes that are tried at this process. While Redis counts, it only keeps up, so that it can go on alone.
pub struct GuessAlarm {
    pub rule: PumpingSettings,
    clock: Clock,
    window: Mutex<Window>,
}

/// What the window shows after a code was tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    pub raised: bool,
    /// That the alarm was raised by this, or is over.
    pub turn: Option<Turn>,
    pub tally: Tally,
}

/// That the alarm was raised, or is over, and what was counted.
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
    /// Shows it in the metrics, and returns what belongs in the audit trail.
    pub fn announce(self) -> Option<Alarm> {
        metrics::guessing(self.raised);
        self.turn?;
        let Tally { sent: guesses, confirmed } = self.tally;
        metrics::guessing_alarm(self.raised);
        Some(Alarm { raised: self.raised, guesses, confirmed })
    }
}
