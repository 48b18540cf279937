//! Which refusals become entries of the trail: of those that no quota bounds, the first of each kind, of each act, from each
//! network, in each minute.
//!
//! A flood over a limit must cost next to nothing, least of all a write for each request; that it goes on is counted by
//! the metrics. Every other outcome has its entry each time, since what may be had of those is bounded by the quotas.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use crate::telemetry::audit::{
    Act, DELETION_HELD_BACK, Event, FORBIDDEN, INVALID_INPUT, MALFORMED_ID, QUOTA_EXCEEDED, REAUTHENTICATION_REQUIRED,
    SESSION_NOT_FOUND, UNAUTHENTICATED,
};

/// What may be had as often as anybody likes: what is over a quota, and what is refused before one is asked.
const UNBOUNDED: [&str; 8] = [
    QUOTA_EXCEEDED,
    INVALID_INPUT,
    MALFORMED_ID,
    UNAUTHENTICATED,
    FORBIDDEN,
    SESSION_NOT_FOUND,
    REAUTHENTICATION_REQUIRED,
    DELETION_HELD_BACK,
];

/// The most refusals that are remembered, about 80 bytes each; in a minute that has more, the rest is counted alone.
const MOST: usize = 10_000;

/// What was refused in this minute.
#[derive(Default)]
pub struct Refusals(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    /// Since the epoch.
    number: i64,
    seen: HashSet<(IpAddr, Act, &'static str)>,
}

impl Refusals {
    /// Whether an event is worth an entry.
    pub fn is_news(&self, event: &Event) -> bool {
        let Some(address) = event.address.filter(|_| UNBOUNDED.contains(&event.outcome)) else { return true };
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = event.at.timestamp().div_euclid(60);
        if minute.number != number {
            *minute = Minute { number, ..Minute::default() };
        }
        minute.seen.len() < MOST && minute.seen.insert((address.network(), event.act, event.outcome))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use chrono::DateTime;

    use super::*;
    use crate::telemetry::audit::OK;
    use domain::{
        caller::{Caller, ClientAddress},
        locale::Locale,
    };

    fn event(client: u32, outcome: &'static str, second: i64) -> Event {
        let caller = Caller {
            address: ClientAddress::new(Ipv4Addr::from(client).into()),
            user_agent: None,
            request_id: "req".into(),
            locale: Locale::En,
        };
        Event::new(&caller, Act::SignIn, outcome, DateTime::from_timestamp(second, 0).unwrap())
    }

    #[test]
    fn a_flood_has_one_entry_a_minute_and_everything_else_has_one_each() {
        let refusals = Refusals::default();
        let refused = |client, second| refusals.is_news(&event(client, QUOTA_EXCEEDED, second));
        assert!(refused(1, 0) && !refused(1, 0) && !refused(1, 59));
        assert!(refused(2, 59));
        // Another kind is news of its own: it can't be hidden behind a flood.
        let forbidden = || refusals.is_news(&event(1, FORBIDDEN, 59));
        assert!(forbidden() && !forbidden());
        assert!(refused(1, 60));
        for _ in 0..3 {
            assert!(refusals.is_news(&event(1, OK, 60)));
            assert!(refusals.is_news(&event(1, "credentials_rejected", 60)));
        }
    }

    #[test]
    fn memory_and_entries_are_bounded_however_many_networks_come() {
        let refusals = Refusals::default();
        let refused = |client, second| refusals.is_news(&event(client, QUOTA_EXCEEDED, second));
        let first = (0..50_000).filter(|client| refused(*client, 0)).count();
        assert_eq!(first, MOST);
        assert!(refused(u32::MAX, 60));
    }
}
