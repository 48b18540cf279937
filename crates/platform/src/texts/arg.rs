//! Arguments of messages: texts, numbers and durations, which are formatted in a suitable unit.

use std::time::Duration;

/// The value of a variable of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg<'a> {
    Text(&'a str),
    Number(u64),
    /// A waiting time, rounded up, so that waiting this long is sufficient.
    Wait(Duration),
    /// The remaining lifetime of something, rounded down, so that it is still valid within this time.
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

/// A duration as a count of a suitable unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub unit: Unit,
    pub count: u64,
}

/// A unit of time; the messages `span-seconds` to `span-days` format it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl Unit {
    pub const ALL: [Unit; 4] = [Unit::Seconds, Unit::Minutes, Unit::Hours, Unit::Days];

    /// The id of the message that formats `$count` of this unit.
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
    /// Rounded up; at least one second, because a waiting time of zero seconds makes no sense.
    pub fn up(span: Duration) -> Self {
        let seconds = span.as_secs() + u64::from(span.subsec_nanos() > 0);
        Self::of(seconds.max(1), u64::div_ceil)
    }

    /// Rounded down.
    pub fn down(span: Duration) -> Self {
        Self::of(span.as_secs(), |span, unit| span / unit)
    }

    /// Chooses the largest unit that divides the duration or fits into it twice: 90 s stays in seconds, 300 s becomes 5
    /// minutes.
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
    fn duration_is_rounded_in_a_suitable_unit() {
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
