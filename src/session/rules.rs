//! The rules of sessions, as functions of what is and what time it is.

use std::time::Duration;

use crate::{
    clock::Timestamp,
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
pub fn standing(session: &Model, now: Timestamp) -> Standing {
    match session.ended_at {
        Some(_) => Standing::Ended,
        None if session.expires_at <= now => Standing::Expired,
        None => Standing::Live,
    }
}

/// When a session ends that is used now.
pub fn expires_at(created_at: Timestamp, now: Timestamp, settings: &config::Session) -> Timestamp {
    (now + settings.refresh_ttl).min(created_at + settings.max_age)
}

/// A refresh token that was presented, as far as the answer to it depends on it. Spans run until now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// The newest of its session.
    Newest,
    /// It was exchanged before.
    Exchanged { since: Duration, same_network: bool, successor: Successor },
    /// Another token took its place before it was presented.
    Replaced { since: Duration },
}

/// What is known of the token that a presented one was exchanged for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successor {
    /// Neither it nor its access token was seen: perhaps the answer that carried it was lost.
    Unconfirmed,
    /// Its access token was used with this service, so its answer arrived.
    Confirmed,
    /// It was presented itself.
    Presented,
}

/// What a presented refresh token is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A new successor.
    Exchange,
    /// The successor that it has: an answer was lost, or two tabs asked at once.
    Repeat,
    /// A new successor in the place of the one that was never seen.
    Replace,
    /// Nothing yet, and nothing changes: it is decided once the grace is over.
    Wait(Duration),
    /// Two stores hold tokens of one session: it ends.
    Theft,
}

/// Decides what a presented refresh token is answered (RFC 9700, section 4.14.2).
///
/// The tabs of a browser share one store of tokens. A store presents a token that was exchanged before only where an
/// answer was lost or several of its requests were under way at once; anything else shows that there is a second store.
///
/// Within `grace` of the exchange only the client network that exchanged the token (an IPv4 address, an IPv6 /64: what
/// quotas count) gets the successor again. Another network gets neither a token nor a verdict until the grace is over: a
/// thief there gains nothing, and a phone that changed its network while an answer was lost asks again and then gets a
/// replacement. For the same reason a token that was replaced a moment ago waits: the answer with its replacement may
/// still be on its way to the same store.
pub fn verdict(presented: Presented, grace: Duration) -> Verdict {
    let within = |since: Duration| !grace.is_zero() && since <= grace;
    match presented {
        Presented::Newest => Verdict::Exchange,
        Presented::Exchanged { since, same_network, .. } if within(since) => match same_network {
            true => Verdict::Repeat,
            false => Verdict::Wait(grace - since),
        },
        Presented::Replaced { since } if within(since) => Verdict::Wait(grace - since),
        Presented::Exchanged { successor: Successor::Unconfirmed, .. } => Verdict::Replace,
        Presented::Exchanged { .. } | Presented::Replaced { .. } => Verdict::Theft,
    }
}

/// An instant as an account's list of sessions shows it: rounded down to five minutes, so that it tells a thief of an
/// access token only roughly when the owner was there.
pub fn coarse(at: Timestamp) -> Timestamp {
    const STEP: i64 = 5 * 60;
    Timestamp::from_timestamp(at.timestamp().div_euclid(STEP) * STEP, 0).unwrap_or(at)
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

    /// Every row of the rule.
    #[test]
    fn tk_03_tk_04_what_a_refresh_token_is_answered() {
        use Successor::{Confirmed, Presented as Seen, Unconfirmed};
        use Verdict::{Exchange, Repeat, Replace, Theft, Wait};
        let grace = SECOND * 10;
        let late = grace + Duration::from_millis(1);
        assert_eq!(verdict(Presented::Newest, grace), Exchange);
        for successor in [Unconfirmed, Confirmed, Seen] {
            let exchanged =
                |since, same_network| verdict(Presented::Exchanged { since, same_network, successor }, grace);
            assert_eq!(exchanged(grace, true), Repeat, "{successor:?}");
            assert_eq!(exchanged(SECOND * 3, false), Wait(SECOND * 7), "{successor:?}");
            let afterwards = if successor == Unconfirmed { Replace } else { Theft };
            assert_eq!([true, false].map(|same| exchanged(late, same)), [afterwards; 2], "{successor:?}");
            let without_grace = Presented::Exchanged { since: Duration::ZERO, same_network: true, successor };
            assert_eq!(verdict(without_grace, Duration::ZERO), afterwards, "{successor:?}");
        }
        assert_eq!(verdict(Presented::Replaced { since: SECOND }, grace), Wait(SECOND * 9));
        assert_eq!(verdict(Presented::Replaced { since: late }, grace), Theft);
        assert_eq!(verdict(Presented::Replaced { since: Duration::ZERO }, Duration::ZERO), Theft);
    }

    #[test]
    fn an_instant_is_shown_to_five_minutes() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(coarse(at("2026-03-02T03:09:59.999Z")), at("2026-03-02T03:05:00Z"));
        assert_eq!(coarse(at("2026-03-02T03:10:00Z")), at("2026-03-02T03:10:00Z"));
        assert_eq!(coarse(at("1969-12-31T23:59:59Z")), at("1969-12-31T23:55:00Z"));
    }

    #[test]
    fn bf_12_locks_lengthen_up_to_a_bound() {
        let lockout = Lockout { attempts: 10, first: SECOND * 900, longest: SECOND * 86_400 };
        let locks: Vec<_> = (8..14).map(|failures| lock(failures, &lockout).map(|span| span.as_secs())).collect();
        assert_eq!(locks, [None, None, Some(900), Some(1800), Some(3600), Some(7200)]);
        assert_eq!(lock(i32::MAX, &lockout), Some(lockout.longest));
    }
}
