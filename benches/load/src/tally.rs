//! What happened: operations done, how long their steps took, and what went wrong.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::trouble::Trouble;

/// Three digits of each figure are kept, from a microsecond to a minute.
const DIGITS: u8 = 3;
const LONGEST: u64 = 60_000_000;

/// The percentiles that are reported.
pub const PERCENTILES: [(&str, f64); 5] = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p999", 99.9), ("max", 100.0)];

/// Counts of one stretch of load.
#[derive(Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    done: u64,
    sent: u64,
    steps: BTreeMap<&'static str, Histogram<u64>>,
    late: Option<Histogram<u64>>,
    troubles: BTreeMap<Trouble, u64>,
}

impl Tally {
    /// An operation is done, or failed.
    pub fn end(&self, outcome: Result<(), Trouble>) {
        let mut counts = self.counts();
        match outcome {
            Ok(()) => counts.done += 1,
            Err(trouble) => *counts.troubles.entry(trouble).or_default() += 1,
        }
    }

    /// One step of an operation took so long.
    pub fn took(&self, step: &'static str, span: Duration) {
        let mut counts = self.counts();
        if let Some(steps) = counts.steps.get_mut(step) {
            record(steps, span);
        } else if let Some(mut fresh) = empty() {
            record(&mut fresh, span);
            counts.steps.insert(step, fresh);
        }
    }

    /// An operation was begun so long after it was due: for want of a free client, or of the generator's own time.
    pub fn began_late(&self, span: Duration) {
        let mut counts = self.counts();
        counts.late = counts.late.take().or_else(empty);
        if let Some(late) = &mut counts.late {
            record(late, span);
        }
    }

    /// A message is owed to a provider.
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
        counts.troubles.iter().map(|(trouble, count)| (trouble.0.clone(), json!(count))).collect()
    }

    /// Each step's percentiles in milliseconds.
    pub fn latencies(&self) -> Value {
        let counts = self.counts();
        counts.steps.iter().map(|(step, steps)| ((*step).to_owned(), percentiles(steps))).collect()
    }

    /// How late operations were begun, in milliseconds; null where none was due at any instant.
    pub fn lateness(&self) -> Value {
        self.counts().late.as_ref().map_or(Value::Null, percentiles)
    }

    /// Each step's latency in milliseconds at a percentile.
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
    fn percentiles_are_of_what_was_noted() {
        let tally = Tally::default();
        (1..=1000).for_each(|millis| tally.took("send", Duration::from_millis(millis)));
        let send = &tally.latencies()["send"];
        assert_eq!(send["count"], 1000);
        for (name, expected) in [("p50", 500.0), ("p99", 990.0), ("max", 1000.0)] {
            let shown = send[name].as_f64().unwrap();
            assert!((shown - expected).abs() / expected < 0.002, "{name}: {shown}");
        }
    }

    #[test]
    fn how_late_the_generator_was_is_told_where_anything_was_due() {
        let tally = Tally::default();
        assert_eq!(tally.lateness(), Value::Null);
        tally.began_late(Duration::from_millis(7));
        assert_eq!(tally.lateness()["count"], 1);
        assert!(tally.lateness()["max"].as_f64().is_some_and(|max| (max - 7.0).abs() < 0.02));
        assert_eq!(tally.latencies(), json!({}));
    }

    #[test]
    fn failures_are_counted_by_kind_and_are_no_operations() {
        let tally = Tally::default();
        tally.end(Ok(()));
        tally.end(Err(Trouble::new("UNAVAILABLE")));
        tally.end(Err(Trouble::new("UNAVAILABLE")));
        assert_eq!(tally.done(), 1);
        assert_eq!(tally.errors(), json!({"UNAVAILABLE": 2}));
    }
}
