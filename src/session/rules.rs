//! The rules of sessions, as functions of what is and what time it is.

use std::time::Duration;

use crate::{
    clock::Instant,
    config::{self, session::Lockout},
    store::entity::session::Model,
};

/// How long a wrong password is held against anybody.
pub const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Live,
    /// It was not used for too long, or is as old as a session may get.
    Expired,
    /// Somebody ended it.
    Ended,
}

/// How a session stands now.
pub fn standing(session: &Model, now: Instant) -> Standing {
    match session.ended_at {
        Some(_) => Standing::Ended,
        None if session.expires_at <= now => Standing::Expired,
        None => Standing::Live,
    }
}

/// When a session ends that is used now.
pub fn expires_at(created_at: Instant, now: Instant, settings: &config::Session) -> Instant {
    (now + settings.refresh_ttl).min(created_at + settings.max_age)
}

/// What a refresh token that was exchanged before is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// The same successor once more: an answer was lost, or two tabs asked at once.
    Again,
    /// Two hold tokens of one family: it ends.
    Reused,
}

/// Judges a refresh token that was exchanged before, at `used_at`. A short grace covers tabs that ask at once; beyond
/// it, a successor that nobody used tells that its answer was lost (RFC 9700, section 4.14.2, softened as DESIGN.md's
/// second invariant has it).
pub fn replay(used_at: Instant, successor_used: bool, grace: Duration, now: Instant) -> Replay {
    if successor_used && now > used_at + grace { Replay::Reused } else { Replay::Again }
}

/// How long so many wrong passwords in a row lock; none: not yet. Each one past the bound doubles it.
pub fn lock(failures: i32, lockout: &Lockout) -> Option<Duration> {
    let beyond = u32::try_from(failures - lockout.attempts).ok()?;
    let doubled = 2u32.checked_pow(beyond).and_then(|factor| lockout.first.checked_mul(factor));
    Some(doubled.map_or(lockout.longest, |span| span.min(lockout.longest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn tk_03_tk_04_a_replay_is_forgiven_within_the_grace_or_while_its_successor_is_unused() {
        let used = Instant::UNIX_EPOCH;
        let grace = SECOND * 10;
        assert_eq!(replay(used, true, grace, used + grace), Replay::Again);
        assert_eq!(replay(used, true, grace, used + grace + Duration::from_millis(1)), Replay::Reused);
        assert_eq!(replay(used, false, grace, used + grace * 1000), Replay::Again);
        assert_eq!(replay(used, true, Duration::ZERO, used + Duration::from_millis(1)), Replay::Reused);
    }

    #[test]
    fn bf_12_locks_lengthen_up_to_a_bound() {
        let lockout = Lockout { attempts: 10, first: SECOND * 900, longest: SECOND * 86_400 };
        let locks: Vec<_> = (8..14).map(|failures| lock(failures, &lockout).map(|span| span.as_secs())).collect();
        assert_eq!(locks, [None, None, Some(900), Some(1800), Some(3600), Some(7200)]);
        assert_eq!(lock(i32::MAX, &lockout), Some(lockout.longest));
    }
}
