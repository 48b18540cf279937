//! Birth dates.

use std::fmt;

use chrono::NaiveDate;

use super::rejection::rejection;

rejection! {
    /// Why a text is not a valid birth date.
    BirthDateRejection {
        Empty => "empty",
        /// Not `YYYY-MM-DD`, or a day that does not exist.
        NotADate => "not_a_date",
        /// Before 1900.
        TooEarly => "too_early",
        InTheFuture => "in_the_future",
    }
}

/// A plausible birth date of a living person: from 1900 to today.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BirthDate(NaiveDate);

impl BirthDate {
    /// Parses `YYYY-MM-DD`. `today` is the date in the service's time zone.
    ///
    /// # Errors
    /// See [`BirthDateRejection`].
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, BirthDateRejection> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BirthDateRejection::Empty);
        }
        // chrono alone also accepts `2000-1-1`, `+2000-01-01` and `2000 -01-01`.
        let strict = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !strict {
            return Err(BirthDateRejection::NotADate);
        }
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| BirthDateRejection::NotADate)?;
        Self::new(date, today)
    }

    /// Validates a date.
    ///
    /// # Errors
    /// [`BirthDateRejection::TooEarly`] and [`BirthDateRejection::InTheFuture`].
    pub fn new(date: NaiveDate, today: NaiveDate) -> Result<Self, BirthDateRejection> {
        if date < EARLIEST {
            Err(BirthDateRejection::TooEarly)
        } else if date > today {
            Err(BirthDateRejection::InTheFuture)
        } else {
            Ok(Self(date))
        }
    }

    /// From a stored row, without validation.
    pub fn from_stored(date: NaiveDate) -> Self {
        Self(date)
    }

    pub fn date(self) -> NaiveDate {
        self.0
    }
}

const EARLIEST: NaiveDate = match NaiveDate::from_ymd_opt(1900, 1, 1) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[birth date]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, &'static str> {
        let today = NaiveDate::from_ymd_opt(2026, 10, 3).unwrap();
        BirthDate::parse(text, today).map(|date| date.date().to_string()).map_err(BirthDateRejection::reason)
    }

    #[test]
    fn existing_days_from_1900_to_today_are_accepted() {
        for day in ["1900-01-01", "1996-02-29", "2026-10-03"] {
            assert_eq!(parse(day).as_deref(), Ok(day));
        }
    }

    #[test]
    fn invalid_dates_are_rejected_with_a_reason() {
        for (text, reason) in [
            ("", "empty"),
            ("1997-02-29", "not_a_date"),
            ("2000-13-01", "not_a_date"),
            ("2000-1-1", "not_a_date"),
            ("+2000-1-01", "not_a_date"),
            ("20000101", "not_a_date"),
            ("２０００-０１-０１", "not_a_date"),
            ("1899-12-31", "too_early"),
            ("2026-10-04", "in_the_future"),
        ] {
            assert_eq!(parse(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn debug_hides_the_date() {
        let date = BirthDate::from_stored(NaiveDate::from_ymd_opt(1990, 5, 17).unwrap());
        assert_eq!(format!("{date:?}"), "[birth date]");
    }
}
