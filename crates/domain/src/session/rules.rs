//! Rules of sessions, as pure functions of state and time.

use std::time::Duration;

use crate::{Timestamp, session::Session};

/// How long a failed login is counted.
pub const FAILURE_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Effective status of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectiveStatus {
    Live,
    /// It was not used for too long, or has reached its maximum age.
    Expired,
    /// It was ended explicitly.
    Ended,
}

/// The effective status of a session at `now`.
pub fn effective_status(session: &Session, now: Timestamp) -> EffectiveStatus {
    match session.ended_at {
        Some(_) => EffectiveStatus::Ended,
        None if session.expires_at <= now => EffectiveStatus::Expired,
        None => EffectiveStatus::Live,
    }
}

/// The expiry of a session that is used at `now`.
pub fn expires_at(created_at: Timestamp, now: Timestamp, refresh_ttl: Duration, max_age: Duration) -> Timestamp {
    (now + refresh_ttl).min(created_at + max_age)
}

/// State of a presented refresh token, as far as the decision depends on it. Durations are measured up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// The newest token of its session.
    Newest,
    /// It was already exchanged.
    Exchanged { since: Duration, same_network: bool, successor: SuccessorState },
    /// It was replaced by another token before it was presented.
    Replaced { since: Duration },
}

/// State of the token that a presented one was exchanged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuccessorState {
    /// Neither it nor its access token was seen: the response that carried it may have been lost.
    Unconfirmed,
    /// Its access token was used with this service, so the response arrived.
    Confirmed,
    /// It was presented itself.
    Presented,
}

/// Decision on a presented refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Issue a new successor.
    Exchange,
    /// Return the existing successor: a response was lost, or two tabs refreshed concurrently.
    Repeat,
    /// Issue a new successor in place of the one that was never seen.
    Replace,
    /// Change nothing; the client retries after the grace period, and it is decided then.
    Wait(Duration),
    /// Two clients hold tokens of one session: end the session.
    ReuseDetected,
}

/// Decides on a presented refresh token (RFC 9700, section 4.14.2).
///
/// The tabs of a browser share one token store. A store presents an exchanged token again only if a response was lost
/// or several of its requests were concurrent; anything else shows that there is a second store.
///
/// Within `grace` of the exchange, only the client network that exchanged the token (an IPv4 address or an IPv6 /64, as
/// for quotas) gets the successor again. Another network gets neither a token nor a decision until the grace period is
/// over: an attacker there gains nothing, and a phone that changed its network when a response was lost retries and
/// then gets a replacement. For the same reason a token that was just replaced waits: the response with its replacement
/// may still be on its way to the same store.
pub fn decide_refresh(presented: TokenState, grace: Duration) -> RefreshDecision {
    let within = |since: Duration| !grace.is_zero() && since <= grace;
    match presented {
        TokenState::Newest => RefreshDecision::Exchange,
        TokenState::Exchanged { since, same_network, .. } if within(since) => match same_network {
            true => RefreshDecision::Repeat,
            false => RefreshDecision::Wait(grace - since),
        },
        TokenState::Replaced { since } if within(since) => RefreshDecision::Wait(grace - since),
        TokenState::Exchanged { successor: SuccessorState::Unconfirmed, .. } => RefreshDecision::Replace,
        TokenState::Exchanged { .. } | TokenState::Replaced { .. } => RefreshDecision::ReuseDetected,
    }
}

/// A time as shown in an account's list of sessions: rounded down to five minutes, so that the holder of a stolen
/// access token learns only roughly when the owner was active.
pub fn round_down(at: Timestamp) -> Timestamp {
    const STEP: i64 = 5 * 60;
    Timestamp::from_timestamp(at.timestamp().div_euclid(STEP) * STEP, 0).unwrap_or(at)
}

/// The lockout after wrong passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lockout {
    pub attempts: i32,
    pub first_duration: Duration,
    pub max_duration: Duration,
}

/// The lock duration after so many consecutive failures. None: not locked. Each failure beyond the limit doubles it.
pub fn lock_duration(failures: i32, lockout: &Lockout) -> Option<Duration> {
    let excess = u32::try_from(failures - lockout.attempts).ok()?;
    let doubled = 2u32.checked_pow(excess).and_then(|factor| lockout.first_duration.checked_mul(factor));
    Some(doubled.map_or(lockout.max_duration, |span| span.min(lockout.max_duration)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Every row of the decision table.
    #[test]
    fn tk_03_tk_04_decision_on_a_presented_refresh_token() {
        use RefreshDecision::{Exchange, Repeat, Replace, ReuseDetected, Wait};
        use SuccessorState::{Confirmed, Presented as Seen, Unconfirmed};
        let grace = SECOND * 10;
        let late = grace + Duration::from_millis(1);
        assert_eq!(decide_refresh(TokenState::Newest, grace), Exchange);
        for successor in [Unconfirmed, Confirmed, Seen] {
            let exchanged =
                |since, same_network| decide_refresh(TokenState::Exchanged { since, same_network, successor }, grace);
            assert_eq!(exchanged(grace, true), Repeat, "{successor:?}");
            assert_eq!(exchanged(SECOND * 3, false), Wait(SECOND * 7), "{successor:?}");
            let afterwards = if successor == Unconfirmed { Replace } else { ReuseDetected };
            assert_eq!([true, false].map(|same| exchanged(late, same)), [afterwards; 2], "{successor:?}");
            let without_grace = TokenState::Exchanged { since: Duration::ZERO, same_network: true, successor };
            assert_eq!(decide_refresh(without_grace, Duration::ZERO), afterwards, "{successor:?}");
        }
        assert_eq!(decide_refresh(TokenState::Replaced { since: SECOND }, grace), Wait(SECOND * 9));
        assert_eq!(decide_refresh(TokenState::Replaced { since: late }, grace), ReuseDetected);
        assert_eq!(decide_refresh(TokenState::Replaced { since: Duration::ZERO }, Duration::ZERO), ReuseDetected);
    }

    #[test]
    fn times_are_rounded_down_to_five_minutes() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(round_down(at("2026-03-02T03:09:59.999Z")), at("2026-03-02T03:05:00Z"));
        assert_eq!(round_down(at("2026-03-02T03:10:00Z")), at("2026-03-02T03:10:00Z"));
        assert_eq!(round_down(at("1969-12-31T23:59:59Z")), at("1969-12-31T23:55:00Z"));
    }

    #[test]
    fn bf_12_lock_duration_doubles_up_to_a_maximum() {
        let lockout = Lockout { attempts: 10, first_duration: SECOND * 900, max_duration: SECOND * 86_400 };
        let locks: Vec<_> =
            (8..14).map(|failures| lock_duration(failures, &lockout).map(|span| span.as_secs())).collect();
        assert_eq!(locks, [None, None, Some(900), Some(1800), Some(3600), Some(7200)]);
        assert_eq!(lock_duration(i32::MAX, &lockout), Some(lockout.max_duration));
    }
}
