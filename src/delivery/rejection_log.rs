//! Logs rejections for a destination or a sender once a day, not once per message.

use std::{collections::HashMap, time::Duration};

use domain::{Timestamp, contact::Contact};
use providers::{Outcome, Outgoing};

/// The minimum interval between log lines for the same rejection.
const INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// The maximum number of remembered rejections: the codes are chosen by providers, so their number is unbounded.
const MAX_ENTRIES: usize = 1000;

/// The logged rejections of one provider, and when each was logged.
#[derive(Debug, Default)]
pub(super) struct RejectionLog(HashMap<LoggedRejection, Timestamp>);

/// The fields by which rejections are deduplicated in the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LoggedRejection {
    outcome: &'static str,
    pub code: String,
    /// Empty for e-mail, and for numbers without a country.
    pub country: String,
}

impl LoggedRejection {
    /// None if the outcome is not a rejection of a destination or a sender.
    pub fn of(outcome: &Outcome, message: &Outgoing) -> Option<Self> {
        let (Outcome::RejectedDestination { code } | Outcome::RejectedSender { code }) = outcome else { return None };
        let country = match &message.to {
            Contact::Phone(number) => number.region().map(|region| region.to_string()).unwrap_or_default(),
            Contact::Email(_) => String::new(),
        };
        Some(Self { outcome: outcome.name(), code: code.clone().unwrap_or_default(), country })
    }
}

impl RejectionLog {
    /// Whether this rejection should be logged now.
    pub fn is_due(&mut self, rejection: &LoggedRejection, now: Timestamp) -> bool {
        if self.0.get(rejection).is_some_and(|logged| now < *logged + INTERVAL) {
            return false;
        }
        if self.0.len() >= MAX_ENTRIES {
            self.0.retain(|_, logged| now < *logged + INTERVAL);
        }
        if self.0.len() >= MAX_ENTRIES {
            return false;
        }
        self.0.insert(rejection.clone(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(code: usize) -> LoggedRejection {
        LoggedRejection { outcome: "rejected_destination", code: code.to_string(), country: "KR".to_owned() }
    }

    #[test]
    fn a_rejection_is_logged_once_a_day_and_the_number_of_entries_is_bounded() {
        let mut log = RejectionLog::default();
        let now = Timestamp::UNIX_EPOCH;
        assert!(log.is_due(&rejection(0), now) && !log.is_due(&rejection(0), now));
        assert!(log.is_due(&LoggedRejection { country: "US".to_owned(), ..rejection(0) }, now));
        assert!(log.is_due(&rejection(0), now + INTERVAL));
        let logged = (1..2 * MAX_ENTRIES).filter(|code| log.is_due(&rejection(*code), now)).count();
        assert_eq!(logged, MAX_ENTRIES - 2);
        assert!(log.is_due(&rejection(1), now + 2 * INTERVAL));
    }
}
