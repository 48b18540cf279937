//! When messages leave: the time between the answer to a send and the arrival of its message at the gateway.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::stats::Distribution;

/// The messages of one phase, matched by the phone number that they are sent to.
#[derive(Default)]
pub struct Departures {
    /// Sends whose answer was read and whose message has not arrived, with the time of the answer.
    awaited: HashMap<String, Instant>,
    /// Messages that arrived before the answer to their send was read.
    early: HashSet<String>,
    spans: Distribution,
    expected: u64,
    last_answer: Option<Instant>,
}

impl Departures {
    /// Records when the answer to a send was read. A message that arrived before counts as zero.
    pub fn answered(&mut self, phone: &str, at: Instant) {
        self.expected += 1;
        if self.early.remove(phone) {
            self.spans.record(Duration::ZERO);
        } else {
            self.awaited.insert(phone.to_owned(), at);
        }
    }

    /// Records when a message arrived at the gateway, and when the gateway answered it.
    pub fn arrived(&mut self, phone: &str, at: Instant, answered: Instant) {
        self.last_answer = Some(answered);
        match self.awaited.remove(phone) {
            Some(sent) => self.spans.record(at.saturating_duration_since(sent)),
            None => drop(self.early.insert(phone.to_owned())),
        }
    }

    /// The number of sends that were answered.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// The number of sends that were answered and whose message has not arrived.
    pub fn awaited(&self) -> u64 {
        self.awaited.len() as u64
    }

    /// When the gateway answered the newest message.
    pub fn last_answer(&self) -> Option<Instant> {
        self.last_answer
    }

    /// The times from answer to arrival in milliseconds; null without messages.
    pub fn json(&self) -> Value {
        self.spans.json()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn time_counts_from_the_answer_to_the_arrival_of_the_same_number() {
        let (mut departures, begun) = (Departures::default(), Instant::now());
        let at = |millis| begun + Duration::from_millis(millis);
        departures.answered("+1", at(0));
        departures.answered("+2", at(10));
        departures.arrived("+2", at(30), at(31));
        assert_eq!((departures.expected(), departures.awaited()), (2, 1));
        departures.arrived("+1", at(100), at(101));
        assert_eq!((departures.expected(), departures.awaited()), (2, 0));
        assert_eq!(departures.last_answer(), Some(at(101)));
        let json = departures.json();
        assert_eq!(json["count"], 2);
        assert!((json["p50"].as_f64().unwrap() - 20.0).abs() < 0.1, "{json}");
        assert!((json["max"].as_f64().unwrap() - 100.0).abs() < 0.1, "{json}");
    }

    #[test]
    fn message_before_its_answer_counts_as_zero() {
        let (mut departures, now) = (Departures::default(), Instant::now());
        assert_eq!(departures.json(), Value::Null);
        departures.arrived("+1", now, now);
        assert_eq!(departures.json(), Value::Null);
        departures.answered("+1", now + Duration::from_millis(5));
        assert_eq!(departures.awaited(), 0);
        assert_eq!((&departures.json()["max"], &departures.json()["count"]), (&json!(0.0), &json!(1)));
    }
}
