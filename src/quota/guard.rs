//! The guard against SMS pumping in this process: it keeps a window for each destination prefix and applies the rule
//! of `pumping`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    act::{Act, Scope},
    cells::Ticker,
    ledger::{Ledger, Wait},
    pumping::{TRICKLE, Tally, Turn, Window},
};
use crate::{
    clock::Clock,
    config::quota::PumpingSettings,
    telemetry::{audit, metrics},
};
use domain::caller::Caller;

/// The most prefixes that are remembered; the plans of all countries know fewer.
const MOST: usize = 100_000;

/// Watches destination prefixes. While Redis judges, it only counts, so that it can judge when Redis is gone.
pub struct Guard {
    pub rule: PumpingSettings,
    clock: Clock,
    trickle: Ledger,
    windows: Mutex<HashMap<Box<str>, Window>>,
}

impl Guard {
    pub fn new(rule: PumpingSettings, clock: Clock, ticker: Ticker) -> Self {
        let trickle = Ledger::new("trickle", ticker, &[(Scope::Destination, Some(TRICKLE))]);
        Self { rule, clock, trickle, windows: Mutex::default() }
    }

    /// Judges a send to `prefix`, and counts it if it is granted.
    ///
    /// # Errors
    /// The wait, where the prefix is throttled and its trickle used up.
    pub fn admit(&self, prefix: &str, caller: &Caller) -> Result<(), Wait> {
        let now = self.now();
        let (throttled, turn, tally) = self.with_window(prefix, |window| {
            let (throttled, turn) = window.judge(now, &self.rule);
            (throttled, turn, window.tally(now, &self.rule))
        });
        if let Some(turn) = turn {
            announce(turn, prefix, tally);
        }
        if throttled {
            let act = Act::SendCode { destination: Some(prefix) };
            self.trickle.charge(&self.trickle.claims(act, caller))?;
        }
        self.count_sent(prefix);
        Ok(())
    }

    pub fn count_sent(&self, prefix: &str) {
        self.with_window(prefix, Window::note_sent);
    }

    /// A send that was admitted did not happen.
    pub fn count_unsent(&self, prefix: &str, caller: &Caller) {
        let throttled = self.with_window(prefix, Window::note_unsent);
        if throttled {
            let act = Act::SendCode { destination: Some(prefix) };
            self.trickle.refund(&self.trickle.claims(act, caller));
        }
    }

    pub fn count_confirmed(&self, prefix: &str) {
        self.with_window(prefix, Window::note_confirmed);
    }

    fn with_window<T>(&self, prefix: &str, change: impl FnOnce(&mut Window) -> T) -> T {
        let now = self.now();
        let mut windows = self.lock();
        if windows.len() >= MOST && !windows.contains_key(prefix) {
            self.make_room(&mut windows, now);
        }
        let window = windows.entry(prefix.into()).or_default();
        *window = window.slid_to(now, &self.rule);
        change(window)
    }

    /// Forgets the windows that are over; where that is not half of them, those of the prefixes sent least.
    fn make_room(&self, windows: &mut HashMap<Box<str>, Window>, now: i64) {
        windows.retain(|_, window| !window.is_over(now, &self.rule));
        if windows.len() > MOST / 2 {
            let mut weights: Vec<u32> = windows.values().map(Window::weight).collect();
            let (_, bar, _) = weights.select_nth_unstable(MOST / 2);
            let bar = *bar;
            windows.retain(|_, window| window.weight() > bar);
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the audit trail and the metrics that a prefix was throttled, or is free again. Of several processes on one
/// Redis, one tells.
pub fn announce(turn: Turn, prefix: &str, Tally { sent, confirmed }: Tally) {
    metrics::destination_throttled(turn == Turn::Throttled);
    let act = match turn {
        Turn::Throttled => audit::Act::DestinationThrottled,
        Turn::Lifted => audit::Act::DestinationFreed,
    };
    tracing::warn!(target: audit::TARGET, act = act.as_str(), outcome = audit::OK, prefix, sent, confirmed, "audit");
}
