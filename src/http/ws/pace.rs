//! How fast a client may send messages on one socket.

use std::time::Duration;

use tokio::time::Instant;

/// Messages at once: a page that reconnects starts all its operations anew.
const BURST: u32 = 200;
/// One more message each so often: 50 a second.
const REFILL: Duration = Duration::from_millis(20);

/// A bucket of messages, as the instant at which it would be full again (the generic cell rate algorithm).
#[derive(Debug)]
pub struct Pace(Instant);

impl Pace {
    pub fn new(now: Instant) -> Self {
        Self(now)
    }

    /// Counts a message; false when the bucket is empty.
    pub fn allows(&mut self, now: Instant) -> bool {
        let full = self.0.max(now) + REFILL;
        let allowed = full - now <= REFILL * BURST;
        if allowed {
            self.0 = full;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sb_08_a_burst_passes_and_a_flood_does_not() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!((0..200).all(|_| pace.allows(start)));
        assert!(!pace.allows(start));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| pace.allows(later)).count(), 50);
    }
}
