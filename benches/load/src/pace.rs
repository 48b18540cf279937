//! How fast: as fast as so many clients can, or at a rate that does not wait for the server.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// A stretch of load that workers take turns from.
pub struct Pace {
    begun: Instant,
    lasts: Duration,
    rate: Option<f64>,
    next: AtomicU64,
}

impl Pace {
    /// With a rate, turns come so many times a second; without, whenever a worker is free.
    pub fn begin(lasts: Duration, rate: Option<f64>) -> Self {
        Self { begun: Instant::now(), lasts, rate, next: AtomicU64::new(0) }
    }

    /// Whether turns come at instants of their own.
    pub fn is_due(&self) -> bool {
        self.rate.is_some()
    }

    /// Waits for a turn, and says from when its time counts; none when the stretch is over.
    ///
    /// At a rate that is the instant at which it was due, not the one at which a worker came free: otherwise a server
    /// that stops for a second would be asked less in that second, and the second would be missing from the figures.
    pub async fn turn(&self) -> Option<Instant> {
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
    async fn a_rate_is_kept_whoever_is_late() {
        let pace = Pace::begin(Duration::from_millis(50), Some(100.0));
        let mut due = Vec::new();
        while let Some(at) = pace.turn().await {
            due.push(at);
        }
        assert_eq!(due.len(), 5);
        assert_eq!(due[4] - due[0], Duration::from_millis(40));
    }

    #[tokio::test]
    async fn without_a_rate_it_ends_when_its_time_is_over() {
        let pace = Pace::begin(Duration::ZERO, None);
        assert!(pace.turn().await.is_none());
    }
}
