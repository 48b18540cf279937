//! The circuit breaker of one provider: failures in a row open it, a probe after a rest closes it. Pure: the time and
//! the chance are handed in.

use std::time::Duration;

use crate::clock::Timestamp;

/// Failures in a row that open it. Fewer would punish a hiccup.
const TOLERATED: u32 = 5;
/// The first rest; each failed probe doubles it.
const FIRST_REST: Duration = Duration::from_secs(5);
/// Short beside a code's life, so that a provider that is back is used soon.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How long the others wait for the outcome of a probe before they ask again.
const PROBE: Duration = Duration::from_secs(1);

/// Whether a provider may be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Go,
    /// Not before this instant.
    Rests {
        until: Timestamp,
    },
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Nothing,
    /// The first failure after a success.
    Stumbled,
    /// Too many failures: an outage begins.
    Opened,
    /// The outage is over.
    Closed,
}

/// How a provider did of late.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    failures: u32,
    outage: Option<Outage>,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    until: Timestamp,
    rest: Duration,
    /// Somebody is finding out whether it is over.
    probing: bool,
}

impl Breaker {
    /// Asks whether to go. During an outage one goes after each rest, as a probe; if its outcome is never told, another
    /// goes after as long again.
    pub fn admit(&mut self, now: Timestamp) -> Admission {
        if let Some(until) = self.rests(now) {
            return Admission::Rests { until };
        }
        if let Some(outage) = &mut self.outage {
            outage.probing = true;
            outage.until = now + LONGEST_REST;
        }
        Admission::Go
    }

    /// Until when nobody goes, if that is so.
    pub fn rests(&self, now: Timestamp) -> Option<Timestamp> {
        let outage = self.outage.filter(|outage| now < outage.until)?;
        Some(if outage.probing { outage.until.min(now + PROBE) } else { outage.until })
    }

    /// The provider answered as a provider in order does, whatever it said of the message.
    pub fn succeeded(&mut self) -> Turn {
        self.failures = 0;
        if self.outage.take().is_some() { Turn::Closed } else { Turn::Nothing }
    }

    /// What came says nothing of the provider: another probe may go at once.
    pub fn undecided(&mut self, now: Timestamp) {
        if let Some(outage) = self.outage.as_mut().filter(|outage| outage.probing) {
            outage.probing = false;
            outage.until = now;
        }
    }

    /// The provider did not answer, or said that it can't. `chance`, from 0 to 1, spreads the rests of processes.
    pub fn failed(&mut self, now: Timestamp, chance: f64) -> Turn {
        let rest = match &self.outage {
            // Calls that were on their way when it opened say nothing new.
            Some(outage) if !outage.probing => return Turn::Nothing,
            Some(outage) => (outage.rest * 2).min(LONGEST_REST),
            None => {
                self.failures += 1;
                match self.failures {
                    1 => return Turn::Stumbled,
                    failures if failures < TOLERATED => return Turn::Nothing,
                    _ => FIRST_REST,
                }
            }
        };
        let turn = if self.outage.is_none() { Turn::Opened } else { Turn::Nothing };
        self.outage = Some(Outage { until: now + rest.mul_f64(1.0 - chance / 4.0), rest, probing: false });
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        assert_eq!(breaker.failed(at(0), 0.0), Turn::Stumbled);
        for _ in 2..TOLERATED {
            assert_eq!(breaker.failed(at(0), 0.0), Turn::Nothing);
            assert_eq!(breaker.admit(at(0)), Admission::Go);
        }
        assert_eq!(breaker.failed(at(0), 0.0), Turn::Opened);
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_in_between_does_not_let_them_add_up() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(at(4)), Admission::Rests { until: at(5) });
        let mut patchy = Breaker::default();
        for _ in 0..100 {
            assert_ne!(patchy.failed(at(0), 0.0), Turn::Opened);
            assert_eq!(patchy.succeeded(), Turn::Nothing);
        }
    }

    #[test]
    fn one_probe_goes_after_a_rest_and_decides() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(at(5)), Admission::Go);
        assert_eq!(breaker.admit(at(5)), Admission::Rests { until: at(6) });
        assert_eq!(breaker.failed(at(6), 0.0), Turn::Nothing);
        assert_eq!(breaker.admit(at(15)), Admission::Rests { until: at(16) });
        assert_eq!(breaker.admit(at(16)), Admission::Go);
        assert_eq!(breaker.succeeded(), Turn::Closed);
        assert_eq!(breaker.admit(at(16)), Admission::Go);
        assert_eq!(breaker.failed(at(16), 0.0), Turn::Stumbled);
    }

    #[test]
    fn what_was_on_its_way_when_it_opened_does_not_lengthen_the_rest() {
        let mut breaker = opened();
        for _ in 0..100 {
            assert_eq!(breaker.failed(at(1), 0.0), Turn::Nothing);
        }
        assert_eq!(breaker.admit(at(5)), Admission::Go);
    }

    #[test]
    fn a_probe_that_never_comes_back_is_followed_by_another() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(at(5)), Admission::Go);
        assert_eq!(breaker.admit(at(64)), Admission::Rests { until: at(65) });
        assert_eq!(breaker.admit(at(65)), Admission::Go);
    }

    #[test]
    fn a_probe_that_says_nothing_of_the_provider_is_followed_by_another_at_once() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(at(5)), Admission::Go);
        breaker.undecided(at(5));
        assert_eq!(breaker.admit(at(5)), Admission::Go);
        assert_eq!(breaker.failed(at(5), 0.0), Turn::Nothing);
        breaker.undecided(at(6));
        assert_eq!(breaker.admit(at(6)), Admission::Rests { until: at(15) });
    }

    #[test]
    fn chance_shortens_a_rest_by_a_quarter_at_most() {
        let mut breaker = Breaker::default();
        for _ in 0..TOLERATED {
            breaker.failed(at(0), 1.0);
        }
        let Admission::Rests { until } = breaker.admit(at(0)) else { panic!() };
        assert_eq!(until, at(0) + FIRST_REST.mul_f64(0.75));
    }
}
