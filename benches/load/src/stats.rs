//! Statistics of a run: completed operations, latencies of their steps, and errors.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::error::LoadError;

/// Significant digits of the histograms, in microseconds up to one minute.
const DIGITS: u8 = 3;
const LONGEST: u64 = 60_000_000;

/// The reported percentiles.
pub const PERCENTILES: [(&str, f64); 5] = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p999", 99.9), ("max", 100.0)];

/// Statistics of one phase.
#[derive(Default)]
pub struct Stats(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    done: u64,
    steps: BTreeMap<&'static str, Distribution>,
    late: Distribution,
    errors: BTreeMap<LoadError, u64>,
}

/// A distribution of durations.
#[derive(Default)]
pub struct Distribution(Option<Histogram<u64>>);

impl Stats {
    /// Counts a completed or failed operation.
    pub fn end(&self, outcome: Result<(), LoadError>) {
        let mut counts = self.counts();
        match outcome {
            Ok(()) => counts.done += 1,
            Err(error) => *counts.errors.entry(error).or_default() += 1,
        }
    }

    /// Records the latency of one step of an operation.
    pub fn record_latency(&self, step: &'static str, span: Duration) {
        self.counts().steps.entry(step).or_default().record(span);
    }

    /// Records the delay of an operation after its due time, because no client was free or the generator was busy.
    pub fn record_delay(&self, span: Duration) {
        self.counts().late.record(span);
    }

    pub fn done(&self) -> u64 {
        self.counts().done
    }

    /// The number of errors by kind.
    pub fn errors(&self) -> Value {
        let counts = self.counts();
        counts.errors.iter().map(|(error, count)| (error.0.clone(), json!(count))).collect()
    }

    /// The percentiles of each step in milliseconds.
    pub fn latencies(&self) -> Value {
        let counts = self.counts();
        counts.steps.iter().map(|(step, steps)| ((*step).to_owned(), steps.json())).collect()
    }

    /// The delays of operations in milliseconds; null if operations have no due time.
    pub fn delays(&self) -> Value {
        self.counts().late.json()
    }

    /// The latency of each step in milliseconds at a percentile.
    pub fn curve(&self, percentile: f64) -> Vec<(&'static str, f64)> {
        self.counts().steps.iter().map(|(step, steps)| (*step, steps.millis(percentile))).collect()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Distribution {
    /// Adds a duration.
    pub fn record(&mut self, span: Duration) {
        self.0 = self.0.take().or_else(|| Histogram::new_with_bounds(1, LONGEST, DIGITS).ok());
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        if let Some(spans) = &mut self.0 {
            spans.saturating_record(micros.min(LONGEST));
        }
    }

    /// The reported percentiles in milliseconds, and the number of durations; null if there are none.
    pub fn json(&self) -> Value {
        let Some(spans) = &self.0 else { return Value::Null };
        let figures = PERCENTILES.iter().map(|(name, at)| ((*name).to_owned(), json!(self.millis(*at))));
        figures.chain([("count".to_owned(), json!(spans.len()))]).collect()
    }

    /// Milliseconds at a percentile; 0 if there are no durations.
    pub fn millis(&self, percentile: f64) -> f64 {
        self.0.as_ref().map_or(0.0, |spans| spans.value_at_percentile(percentile) as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_match_recorded_latencies() {
        let stats = Stats::default();
        (1..=1000).for_each(|millis| stats.record_latency("send", Duration::from_millis(millis)));
        let send = &stats.latencies()["send"];
        assert_eq!(send["count"], 1000);
        for (name, expected) in [("p50", 500.0), ("p99", 990.0), ("max", 1000.0)] {
            let shown = send[name].as_f64().unwrap();
            assert!((shown - expected).abs() / expected < 0.002, "{name}: {shown}");
        }
    }

    #[test]
    fn delays_are_reported_only_if_recorded() {
        let stats = Stats::default();
        assert_eq!(stats.delays(), Value::Null);
        stats.record_delay(Duration::from_millis(7));
        assert_eq!(stats.delays()["count"], 1);
        assert!(stats.delays()["max"].as_f64().is_some_and(|max| (max - 7.0).abs() < 0.02));
        assert_eq!(stats.latencies(), json!({}));
    }

    #[test]
    fn failures_are_counted_by_kind_and_not_as_operations() {
        let stats = Stats::default();
        stats.end(Ok(()));
        stats.end(Err(LoadError::new("UNAVAILABLE")));
        stats.end(Err(LoadError::new("UNAVAILABLE")));
        assert_eq!(stats.done(), 1);
        assert_eq!(stats.errors(), json!({"UNAVAILABLE": 2}));
    }
}
