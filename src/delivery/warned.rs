//! What a provider refused for a destination or for our sender, in the log once a day and not once per message.

use std::{collections::HashMap, time::Duration};

use crate::{
    clock::Timestamp,
    contact::Contact,
    delivery::provider::{Outcome, Outgoing},
};

/// How long a refusal that was logged is not logged again.
const AGAIN: Duration = Duration::from_secs(24 * 3600);
/// Refusals that are remembered: codes come from providers, and their number is not ours to bound.
const MOST: usize = 1000;

/// Which refusals of one provider were logged, and when.
#[derive(Debug, Default)]
pub(super) struct Warned(HashMap<Refusal, Timestamp>);

/// What makes two refusals one line in the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Refusal {
    outcome: &'static str,
    pub code: String,
    /// Empty for e-mail, and for numbers of no country.
    pub country: String,
}

impl Refusal {
    /// None: the outcome asks for nothing that an operator could do for a destination.
    pub fn of(outcome: &Outcome, message: &Outgoing) -> Option<Self> {
        let (Outcome::RejectedDestination { code } | Outcome::RejectedSender { code }) = outcome else { return None };
        let country = match &message.to {
            Contact::Phone(number) => number.region().map(|region| region.to_string()).unwrap_or_default(),
            Contact::Email(_) => String::new(),
        };
        Some(Self { outcome: outcome.name(), code: code.clone().unwrap_or_default(), country })
    }
}

impl Warned {
    /// Whether this refusal is to be logged now.
    pub fn is_due(&mut self, refusal: &Refusal, now: Timestamp) -> bool {
        if self.0.get(refusal).is_some_and(|logged| now < *logged + AGAIN) {
            return false;
        }
        if self.0.len() >= MOST {
            self.0.retain(|_, logged| now < *logged + AGAIN);
        }
        if self.0.len() >= MOST {
            return false;
        }
        self.0.insert(refusal.clone(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: usize) -> Refusal {
        Refusal { outcome: "rejected_destination", code: code.to_string(), country: "KR".to_owned() }
    }

    #[test]
    fn a_refusal_is_logged_once_a_day_and_their_number_is_bounded() {
        let mut warned = Warned::default();
        let now = Timestamp::UNIX_EPOCH;
        assert!(warned.is_due(&refusal(0), now) && !warned.is_due(&refusal(0), now));
        assert!(warned.is_due(&Refusal { country: "US".to_owned(), ..refusal(0) }, now));
        assert!(warned.is_due(&refusal(0), now + AGAIN));
        let logged = (1..2 * MOST).filter(|code| warned.is_due(&refusal(*code), now)).count();
        assert_eq!(logged, MOST - 2);
        assert!(warned.is_due(&refusal(1), now + 2 * AGAIN));
    }
}
