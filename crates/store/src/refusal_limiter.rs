//! Limits the audit entries for refusals: of those that no quota limits, only the first of each outcome, operation and
//! network per minute is written.
//!
//! A flood above a limit must cost almost nothing, and in particular no write per request; the metrics count all of it.
//! Every other outcome is always written, since the quotas limit its number.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use platform::telemetry::audit::{
    Act, DELETION_HELD_BACK, Event, FORBIDDEN, INVALID_INPUT, MALFORMED_ID, QUOTA_EXCEEDED, REAUTHENTICATION_REQUIRED,
    SESSION_NOT_FOUND, UNAUTHENTICATED,
};

/// Outcomes that can be caused without limit: refusals by a quota, and refusals before a quota is charged.
const UNLIMITED: [&str; 8] = [
    QUOTA_EXCEEDED,
    INVALID_INPUT,
    MALFORMED_ID,
    UNAUTHENTICATED,
    FORBIDDEN,
    SESSION_NOT_FOUND,
    REAUTHENTICATION_REQUIRED,
    DELETION_HELD_BACK,
];

/// The largest number of remembered refusals, about 80 bytes each; further ones in the same minute are only counted.
const MAX_REFUSALS: usize = 10_000;

/// The refusals of the current minute.
#[derive(Default)]
pub struct RefusalLimiter(Mutex<Minute>);

#[derive(Default)]
struct Minute {
    /// Minutes since the epoch.
    number: i64,
    seen: HashSet<(IpAddr, Act, &'static str)>,
}

impl RefusalLimiter {
    /// Whether to write an entry for an event.
    pub fn should_record(&self, event: &Event) -> bool {
        let Some(address) = event.address.filter(|_| UNLIMITED.contains(&event.outcome)) else { return true };
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = event.at.timestamp().div_euclid(60);
        if minute.number != number {
            *minute = Minute { number, ..Minute::default() };
        }
        minute.seen.len() < MAX_REFUSALS && minute.seen.insert((address.network(), event.act, event.outcome))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use chrono::DateTime;

    use super::*;
    use domain::{
        caller::{ClientAddress, RequestInfo},
        locale::Locale,
    };
    use platform::telemetry::audit::OK;

    fn event(client: u32, outcome: &'static str, second: i64) -> Event {
        let caller = RequestInfo {
            address: ClientAddress::new(Ipv4Addr::from(client).into()),
            user_agent: None,
            request_id: "req".into(),
            locale: Locale::En,
        };
        Event::new(&caller, Act::SignIn, outcome, DateTime::from_timestamp(second, 0).unwrap())
    }

    #[test]
    fn repeated_refusals_have_one_entry_per_minute_and_other_events_one_each() {
        let refusals = RefusalLimiter::default();
        let refused = |client, second| refusals.should_record(&event(client, QUOTA_EXCEEDED, second));
        assert!(refused(1, 0) && !refused(1, 0) && !refused(1, 59));
        assert!(refused(2, 59));
        // Another outcome is written: a flood can't hide it.
        let forbidden = || refusals.should_record(&event(1, FORBIDDEN, 59));
        assert!(forbidden() && !forbidden());
        assert!(refused(1, 60));
        for _ in 0..3 {
            assert!(refusals.should_record(&event(1, OK, 60)));
            assert!(refusals.should_record(&event(1, "credentials_rejected", 60)));
        }
    }

    #[test]
    fn memory_and_entries_are_bounded_for_any_number_of_networks() {
        let refusals = RefusalLimiter::default();
        let refused = |client, second| refusals.should_record(&event(client, QUOTA_EXCEEDED, second));
        let first = (0..50_000).filter(|client| refused(*client, 0)).count();
        assert_eq!(first, MAX_REFUSALS);
        assert!(refused(u32::MAX, 60));
    }
}
