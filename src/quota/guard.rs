//! The protection against SMS pumping in this process: it keeps a window for each destination prefix and applies the
//! rule of `pumping`.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    key_states::Ticker,
    operation::{Operation, Scope},
    operation_limits::{OperationLimits, Wait},
    pumping::{THROTTLED_RATE, ThrottleChange, Window, WindowCounts},
};
use domain::caller::RequestInfo;
use platform::{
    clock::Clock,
    config::quota::PumpingSettings,
    telemetry::{audit, metrics},
};

/// The largest number of prefixes; the numbering plans of all countries have fewer.
const MAX_PREFIXES: usize = 100_000;

/// Monitors destination prefixes. While Redis decides, it only counts, so that it can decide when Redis is unavailable.
pub struct PumpingGuard {
    pub rule: PumpingSettings,
    clock: Clock,
    throttled_limits: OperationLimits,
    windows: Mutex<HashMap<Box<str>, Window>>,
}

impl PumpingGuard {
    pub fn new(rule: PumpingSettings, clock: Clock, ticker: Ticker) -> Self {
        let throttled_limits = OperationLimits::new("trickle", ticker, &[(Scope::Destination, Some(THROTTLED_RATE))]);
        Self { rule, clock, throttled_limits, windows: Mutex::default() }
    }

    /// Decides whether a send to `prefix` is allowed, and counts it if so.
    ///
    /// # Errors
    /// The wait, if the prefix is throttled and its remaining rate is used up.
    pub fn admit(&self, prefix: &str, caller: &RequestInfo) -> Result<(), Wait> {
        let now = self.now();
        let (throttled, change, counts) = self.with_window(prefix, |window| {
            let (throttled, change) = window.evaluate(now, &self.rule);
            (throttled, change, window.counts(now, &self.rule))
        });
        if let Some(change) = change {
            announce(change, prefix, counts);
        }
        if throttled {
            let act = Operation::SendCode { destination: Some(prefix) };
            self.throttled_limits.charge(&self.throttled_limits.claims(act, caller))?;
        }
        self.count_sent(prefix);
        Ok(())
    }

    pub fn count_sent(&self, prefix: &str) {
        self.with_window(prefix, Window::count_sent);
    }

    /// Reverses the count of an admitted send that did not happen.
    pub fn count_unsent(&self, prefix: &str, caller: &RequestInfo) {
        let throttled = self.with_window(prefix, Window::count_unsent);
        if throttled {
            let act = Operation::SendCode { destination: Some(prefix) };
            self.throttled_limits.refund(&self.throttled_limits.claims(act, caller));
        }
    }

    pub fn count_confirmed(&self, prefix: &str) {
        self.with_window(prefix, Window::count_confirmed);
    }

    fn with_window<T>(&self, prefix: &str, change: impl FnOnce(&mut Window) -> T) -> T {
        let now = self.now();
        let mut windows = self.lock();
        if windows.len() >= MAX_PREFIXES && !windows.contains_key(prefix) {
            self.evict(&mut windows, now);
        }
        let window = windows.entry(prefix.into()).or_default();
        *window = window.advanced_to(now, &self.rule);
        change(window)
    }

    /// Drops the windows that have passed; if that is less than half, also those of the prefixes with the fewest sends.
    fn evict(&self, windows: &mut HashMap<Box<str>, Window>, now: i64) {
        windows.retain(|_, window| !window.is_over(now, &self.rule));
        if windows.len() > MAX_PREFIXES / 2 {
            let mut weights: Vec<u32> = windows.values().map(Window::weight).collect();
            let (_, threshold, _) = weights.select_nth_unstable(MAX_PREFIXES / 2);
            let threshold = *threshold;
            windows.retain(|_, window| window.weight() > threshold);
        }
    }

    fn now(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports to the audit trail and the metrics that a prefix was throttled or released. Of several processes on one
/// Redis, one reports it.
pub fn announce(change: ThrottleChange, prefix: &str, WindowCounts { sent, confirmed }: WindowCounts) {
    metrics::destination_throttled(change == ThrottleChange::Throttled);
    let act = match change {
        ThrottleChange::Throttled => audit::Act::DestinationThrottled,
        ThrottleChange::Lifted => audit::Act::DestinationFreed,
    };
    tracing::warn!(target: audit::TARGET, act = act.as_str(), outcome = audit::OK, prefix, sent, confirmed, "audit");
}
