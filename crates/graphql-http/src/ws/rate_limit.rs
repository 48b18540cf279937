//! Rate limits for the messages and frames of a client on one socket.

use std::time::Duration;

use tokio::time::Instant;

/// Burst of messages: a page that reconnects restarts all its operations.
const MESSAGES: u32 = 200;
/// Interval of further messages: 50 a second.
const MESSAGE: Duration = Duration::from_millis(20);
/// Burst of frames, and interval of further frames: 250 a second. A long message may consist of many frames.
const FRAMES: u32 = 1000;
const FRAME: Duration = Duration::from_millis(4);

/// A token bucket, stored as the instant at which it would be full again (generic cell rate algorithm).
#[derive(Debug)]
pub struct TokenBucket {
    full: Instant,
    burst: Duration,
    refill: Duration,
}

impl TokenBucket {
    pub fn of_messages(now: Instant) -> Self {
        Self { full: now, burst: MESSAGE * MESSAGES, refill: MESSAGE }
    }

    pub fn of_frames(now: Instant) -> Self {
        Self { full: now, burst: FRAME * FRAMES, refill: FRAME }
    }

    /// Takes a token; false if the bucket is empty.
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
    fn sb_08_burst_is_allowed_and_flood_is_not() {
        let start = Instant::now();
        for (mut pace, burst, each_second) in
            [(TokenBucket::of_messages(start), 200, 50), (TokenBucket::of_frames(start), 1000, 250)]
        {
            assert!((0..burst).all(|_| pace.allows(start)));
            assert!(!pace.allows(start));
            let later = start + Duration::from_secs(1);
            assert_eq!((0..burst).filter(|_| pace.allows(later)).count(), each_second);
        }
    }
}
