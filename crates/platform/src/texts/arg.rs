//! What a message is told: texts, numbers, and spans of time, which are said as a person would say them.

use std::time::Duration;

/// One value for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg<'a> {
    Text(&'a str),
    Number(u64),
    /// How long to wait, rounded up: who waits that long has waited long enough.
    Wait(Duration),
    /// How long something still works, rounded down: who comes within it is not late.
    Lifetime(Duration),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(text: &'a str) -> Self {
        Arg::Text(text)
    }
}

impl From<u32> for Arg<'_> {
    fn from(number: u32) -> Self {
        Arg::Number(number.into())
    }
}

impl From<u64> for Arg<'_> {
    fn from(number: u64) -> Self {
        Arg::Number(number)
    }
}

/// A span in the unit that a person would choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub unit: Unit,
    pub count: u64,
}

/// A unit of time, named as in the messages `span-seconds` to `span-days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl Unit {
    pub const ALL: [Unit; 4] = [Unit::Seconds, Unit::Minutes, Unit::Hours, Unit::Days];

    /// The message that says `$count` of this unit.
    pub const fn message(self) -> &'static str {
        match self {
            Unit::Seconds => "span-seconds",
            Unit::Minutes => "span-minutes",
            Unit::Hours => "span-hours",
            Unit::Days => "span-days",
        }
    }

    const fn seconds(self) -> u64 {
        match self {
            Unit::Seconds => 1,
            Unit::Minutes => 60,
            Unit::Hours => 3_600,
            Unit::Days => 86_400,
        }
    }
}

impl Span {
    /// Rounded up; at least one second, since nobody is asked to wait for none.
    pub fn up(span: Duration) -> Self {
        let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
        Self::of(seconds.max(1), u64::div_ceil)
    }

    /// Rounded down.
    pub fn down(span: Duration) -> Self {
        Self::of(span.as_secs(), |span, unit| span / unit)
    }

    /// The largest unit that divides the span, or of which there are two: 90 s stay seconds, 5 min are minutes.
    fn of(seconds: u64, round: impl Fn(u64, u64) -> u64) -> Self {
        let fits = |unit: &Unit| {
            let whole = seconds >= unit.seconds() && seconds.is_multiple_of(unit.seconds());
            whole || seconds >= 2 * unit.seconds()
        };
        let unit = Unit::ALL.into_iter().rev().find(fits).unwrap_or(Unit::Seconds);
        Self { unit, count: round(seconds, unit.seconds()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Unit::*, *};

    #[test]
    fn a_span_is_said_in_the_unit_that_a_person_would_choose() {
        let cases = [
            (0, (1, Seconds), (0, Seconds)),
            (42, (42, Seconds), (42, Seconds)),
            (60, (1, Minutes), (1, Minutes)),
            (90, (90, Seconds), (90, Seconds)),
            (121, (3, Minutes), (2, Minutes)),
            (300, (5, Minutes), (5, Minutes)),
            (3_600, (1, Hours), (1, Hours)),
            (5_400, (90, Minutes), (90, Minutes)),
            (40_000, (12, Hours), (11, Hours)),
            (86_400, (1, Days), (1, Days)),
            (259_200, (3, Days), (3, Days)),
        ];
        for (seconds, up, down) in cases {
            let span = Duration::from_secs(seconds);
            assert_eq!((Span::up(span).count, Span::up(span).unit), up, "{seconds} up");
            assert_eq!((Span::down(span).count, Span::down(span).unit), down, "{seconds} down");
        }
        assert_eq!(Span::up(Duration::from_millis(1_001)).count, 2);
    }
}
