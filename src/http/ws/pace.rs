//! How fast a client may send messages on one socket, and the frames that they come in.

use std::time::Duration;

use tokio::time::Instant;

/// Messages at once: a page that reconnects starts all its operations anew.
const MESSAGES: u32 = 200;
/// One more message each so often: 50 a second.
const MESSAGE: Duration = Duration::from_millis(20);
/// Frames at once, and one more each so often: 250 a second. A long message may come in many.
const FRAMES: u32 = 1000;
const FRAME: Duration = Duration::from_millis(4);

/// A bucket, as the instant at which it would be full again (the generic cell rate algorithm).
#[derive(Debug)]
pub struct Pace {
    full: Instant,
    burst: Duration,
    refill: Duration,
}

impl Pace {
    pub fn of_messages(now: Instant) -> Self {
        Self { full: now, burst: MESSAGE * MESSAGES, refill: MESSAGE }
    }

    pub fn of_frames(now: Instant) -> Self {
        Self { full: now, burst: FRAME * FRAMES, refill: FRAME }
    }

    /// Counts one; false when the bucket is empty.
    pub fn allows(&mut self, now: Instant) -> bool {
        let full = self.full.max(now) + self.refill;
        let allowed = full - now <= self.burst;
        if allowed {
            self.full = full;
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
        for (mut pace, burst, each_second) in [(Pace::of_messages(start), 200, 50), (Pace::of_frames(start), 1000, 250)]
        {
            assert!((0..burst).all(|_| pace.allows(start)));
            assert!(!pace.allows(start));
            let later = start + Duration::from_secs(1);
            assert_eq!((0..burst).filter(|_| pace.allows(later)).count(), each_second);
        }
    }
}
