//! The circuit breaker of one provider: consecutive failures open it, a successful probe closes it. It has no side
//! effects: the time and the random number are parameters.

use std::time::Duration;

use domain::Timestamp;

/// The number of consecutive failures that open the breaker, so that single failures do not.
const FAILURE_THRESHOLD: u32 = 5;
/// How long the breaker is open at first; each failed probe doubles it.
const INITIAL_OPEN: Duration = Duration::from_secs(5);
/// The maximum. Short compared to the lifetime of a code, so that a recovered provider is used again soon.
const MAX_OPEN: Duration = Duration::from_secs(60);
/// How long other messages wait for the outcome of a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Whether a message may be sent to the provider now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    /// The circuit is open until this time.
    Open {
        until: Timestamp,
    },
}

/// How an outcome changed the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerChange {
    Unchanged,
    /// The first failure after a success.
    FirstFailure,
    /// Too many consecutive failures: the circuit opened.
    Opened,
    /// The circuit closed.
    Closed,
}

/// The state of the breaker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    failures: u32,
    outage: Option<Outage>,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    until: Timestamp,
    open_for: Duration,
    /// A probe is running.
    probing: bool,
}

impl Breaker {
    /// Whether a message may be sent now. While the circuit is open, one message is sent as a probe after each open
    /// period. If the outcome of the probe is never reported, another probe is sent after `MAX_OPEN`.
    pub fn admit(&mut self, now: Timestamp) -> BreakerState {
        if let Some(until) = self.open_until(now) {
            return BreakerState::Open { until };
        }
        if let Some(outage) = &mut self.outage {
            outage.probing = true;
            outage.until = now + MAX_OPEN;
        }
        BreakerState::Closed
    }

    /// Until when no message is sent. None if the circuit is closed or a probe may be sent.
    pub fn open_until(&self, now: Timestamp) -> Option<Timestamp> {
        let outage = self.outage.filter(|outage| now < outage.until)?;
        Some(if outage.probing { outage.until.min(now + PROBE_TIMEOUT) } else { outage.until })
    }

    /// The provider responded normally, whether or not it accepted the message.
    pub fn succeeded(&mut self) -> BreakerChange {
        self.failures = 0;
        if self.outage.take().is_some() { BreakerChange::Closed } else { BreakerChange::Unchanged }
    }

    /// The outcome is unrelated to the state of the provider: another probe may be sent immediately.
    pub fn inconclusive(&mut self, now: Timestamp) {
        if let Some(outage) = self.outage.as_mut().filter(|outage| outage.probing) {
            outage.probing = false;
            outage.until = now;
        }
    }

    /// The provider did not respond or is unavailable. `jitter`, from 0 to 1, keeps processes from probing at the same
    /// moment.
    pub fn failed(&mut self, now: Timestamp, jitter: f64) -> BreakerChange {
        let open_for = match &self.outage {
            // Calls that started before the circuit opened don't extend the open period.
            Some(outage) if !outage.probing => return BreakerChange::Unchanged,
            Some(outage) => (outage.open_for * 2).min(MAX_OPEN),
            None => {
                self.failures += 1;
                match self.failures {
                    1 => return BreakerChange::FirstFailure,
                    failures if failures < FAILURE_THRESHOLD => return BreakerChange::Unchanged,
                    _ => INITIAL_OPEN,
                }
            }
        };
        let change = if self.outage.is_none() { BreakerChange::Opened } else { BreakerChange::Unchanged };
        self.outage = Some(Outage { until: now + open_for.mul_f64(1.0 - jitter / 4.0), open_for, probing: false });
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn open_breaker() -> Breaker {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.failed(at(0), 0.0), BreakerChange::FirstFailure);
        for _ in 2..FAILURE_THRESHOLD {
            assert_eq!(breaker.failed(at(0), 0.0), BreakerChange::Unchanged);
            assert_eq!(breaker.admit(at(0)), BreakerState::Closed);
        }
        assert_eq!(breaker.failed(at(0), 0.0), BreakerChange::Opened);
        breaker
    }

    #[test]
    fn consecutive_failures_open_it_and_a_success_resets_the_count() {
        let mut breaker = open_breaker();
        assert_eq!(breaker.admit(at(4)), BreakerState::Open { until: at(5) });
        let mut intermittent = Breaker::default();
        for _ in 0..100 {
            assert_ne!(intermittent.failed(at(0), 0.0), BreakerChange::Opened);
            assert_eq!(intermittent.succeeded(), BreakerChange::Unchanged);
        }
    }

    #[test]
    fn one_probe_is_sent_after_the_open_period() {
        let mut breaker = open_breaker();
        assert_eq!(breaker.admit(at(5)), BreakerState::Closed);
        assert_eq!(breaker.admit(at(5)), BreakerState::Open { until: at(6) });
        assert_eq!(breaker.failed(at(6), 0.0), BreakerChange::Unchanged);
        assert_eq!(breaker.admit(at(15)), BreakerState::Open { until: at(16) });
        assert_eq!(breaker.admit(at(16)), BreakerState::Closed);
        assert_eq!(breaker.succeeded(), BreakerChange::Closed);
        assert_eq!(breaker.admit(at(16)), BreakerState::Closed);
        assert_eq!(breaker.failed(at(16), 0.0), BreakerChange::FirstFailure);
    }

    #[test]
    fn calls_started_before_it_opened_do_not_extend_the_open_period() {
        let mut breaker = open_breaker();
        for _ in 0..100 {
            assert_eq!(breaker.failed(at(1), 0.0), BreakerChange::Unchanged);
        }
        assert_eq!(breaker.admit(at(5)), BreakerState::Closed);
    }

    #[test]
    fn a_probe_without_an_outcome_is_followed_by_another() {
        let mut breaker = open_breaker();
        assert_eq!(breaker.admit(at(5)), BreakerState::Closed);
        assert_eq!(breaker.admit(at(64)), BreakerState::Open { until: at(65) });
        assert_eq!(breaker.admit(at(65)), BreakerState::Closed);
    }

    #[test]
    fn an_undecided_probe_is_followed_by_another_immediately() {
        let mut breaker = open_breaker();
        assert_eq!(breaker.admit(at(5)), BreakerState::Closed);
        breaker.inconclusive(at(5));
        assert_eq!(breaker.admit(at(5)), BreakerState::Closed);
        assert_eq!(breaker.failed(at(5), 0.0), BreakerChange::Unchanged);
        breaker.inconclusive(at(6));
        assert_eq!(breaker.admit(at(6)), BreakerState::Open { until: at(15) });
    }

    #[test]
    fn jitter_shortens_the_open_period_by_at_most_a_quarter() {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURE_THRESHOLD {
            breaker.failed(at(0), 1.0);
        }
        let BreakerState::Open { until } = breaker.admit(at(0)) else { panic!() };
        assert_eq!(until, at(0) + INITIAL_OPEN.mul_f64(0.75));
    }
}
