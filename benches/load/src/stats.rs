//! Statistics of a run: completed operations, latencies of their steps, and errors.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::error::LoadError;

/// Significant digits of the histograms, from one microsecond to one minute.
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
    sent: u64,
    steps: BTreeMap<&'static str, Histogram<u64>>,
    late: Option<Histogram<u64>>,
    errors: BTreeMap<LoadError, u64>,
}

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
        let mut counts = self.counts();
        if let Some(steps) = counts.steps.get_mut(step) {
            record(steps, span);
        } else if let Some(mut fresh) = empty() {
            record(&mut fresh, span);
            counts.steps.insert(step, fresh);
        }
    }

    /// Records the delay of an operation after its due time, because no client was free or the generator was busy.
    pub fn record_delay(&self, span: Duration) {
        let mut counts = self.counts();
        counts.late = counts.late.take().or_else(empty);
        if let Some(late) = &mut counts.late {
            record(late, span);
        }
    }

    /// Counts a message that the server has to deliver.
    pub fn sent(&self) {
        self.counts().sent += 1;
    }

    pub fn messages(&self) -> u64 {
        self.counts().sent
    }

    pub fn done(&self) -> u64 {
        self.counts().done
    }

    pub fn errors(&self) -> Value {
        let counts = self.counts();
        counts.errors.iter().map(|(error, count)| (error.0.clone(), json!(count))).collect()
    }

    /// The percentiles of each step in milliseconds.
    pub fn latencies(&self) -> Value {
        let counts = self.counts();
        counts.steps.iter().map(|(step, steps)| ((*step).to_owned(), percentiles(steps))).collect()
    }

    /// The delays of operations in milliseconds; null without a rate.
    pub fn delays(&self) -> Value {
        self.counts().late.as_ref().map_or(Value::Null, percentiles)
    }

    /// The latency of each step in milliseconds at a percentile.
    pub fn curve(&self, percentile: f64) -> Vec<(&'static str, f64)> {
        self.counts().steps.iter().map(|(step, steps)| (*step, millis(steps, percentile))).collect()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn empty() -> Option<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST, DIGITS).ok()
}

fn record(spans: &mut Histogram<u64>, span: Duration) {
    let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    spans.saturating_record(micros.clamp(1, LONGEST));
}

fn percentiles(spans: &Histogram<u64>) -> Value {
    let figures = PERCENTILES.iter().map(|(name, at)| ((*name).to_owned(), json!(millis(spans, *at))));
    figures.chain([("count".to_owned(), json!(spans.len()))]).collect()
}

fn millis(steps: &Histogram<u64>, percentile: f64) -> f64 {
    steps.value_at_percentile(percentile) as f64 / 1000.0
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
