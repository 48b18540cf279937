//! Closed workload (as fast as the clients can) or open workload (at a fixed rate).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// A phase of load, shared by all workers.
pub struct Pacer {
    begun: Instant,
    lasts: Duration,
    rate: Option<f64>,
    next: AtomicU64,
}

impl Pacer {
    /// With a rate, operations are due that many times per second; without one, whenever a worker is free.
    pub fn begin(lasts: Duration, rate: Option<f64>) -> Self {
        Self { begun: Instant::now(), lasts, rate, next: AtomicU64::new(0) }
    }

    /// Whether operations have due times.
    pub fn is_due(&self) -> bool {
        self.rate.is_some()
    }

    /// Waits for the next operation and returns the time from which its latency counts; `None` at the end of the phase.
    ///
    /// With a rate this is the time at which the operation was due, not when a worker was free. Otherwise a server that
    /// stalls for a second would receive fewer requests in that second, and the stall would be missing from the results
    /// (coordinated omission).
    pub async fn next_turn(&self) -> Option<Instant> {
        let now = Instant::now();
        let due = match self.rate {
            Some(rate) => {
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                self.begun + Duration::from_secs_f64(number as f64 / rate)
            }
            None => now,
        };
        if due >= self.begun + self.lasts {
            return None;
        }
        if due > now {
            tokio::time::sleep_until(due.into()).await;
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rate_is_kept_if_workers_are_late() {
        let pacer = Pacer::begin(Duration::from_millis(50), Some(100.0));
        let mut due = Vec::new();
        while let Some(at) = pacer.next_turn().await {
            due.push(at);
        }
        assert_eq!(due.len(), 5);
        assert_eq!(due[4] - due[0], Duration::from_millis(40));
    }

    #[tokio::test]
    async fn without_a_rate_it_ends_after_its_duration() {
        let pacer = Pacer::begin(Duration::ZERO, None);
        assert!(pacer.next_turn().await.is_none());
    }
}
