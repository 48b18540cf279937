//! Scalars: strong on the way out, and on the way in where a form can't get them wrong.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{NaiveDate, SecondsFormat, Utc};

use crate::clock::Timestamp;

/// An instant of the API.
pub struct DateTime(pub Timestamp);

/// RFC 3339 instant in UTC, millisecond precision, e.g. 2026-01-31T09:30:00.000Z.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        instant(&value).map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// A date of the API.
pub struct Date(pub NaiveDate);

/// Calendar date, YYYY-MM-DD. Output only: input fields take free-form strings and answer InvalidInput.
#[Scalar(name = "Date", specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        date(&value).map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format("%Y-%m-%d").to_string())
    }
}

/// Why a value is none of the scalar `name`; None where it is one, or nobody can put such a scalar in.
pub fn mistake(name: &str, value: &Value) -> Option<&'static str> {
    match name {
        "DateTime" => instant(value).err(),
        _ => None,
    }
}

fn instant(value: &Value) -> Result<Timestamp, &'static str> {
    let parsed = match value {
        Value::String(text) => chrono::DateTime::parse_from_rfc3339(text).ok(),
        _ => None,
    };
    let instant = parsed.map(|instant| instant.with_timezone(&Utc));
    instant.ok_or("not an RFC 3339 instant such as 2026-01-31T09:30:00.000Z")
}

fn date(value: &Value) -> Result<NaiveDate, &'static str> {
    let date = match value {
        Value::String(text) if text.len() == 10 && text.is_ascii() => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
        _ => None,
    };
    date.ok_or("not a date such as 2001-12-31")
}
