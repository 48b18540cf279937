//! Scalars of the schema: strict on output, and on input only where a form can't produce a wrong value.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{NaiveDate, SecondsFormat, Utc};

use domain::Timestamp;

/// A point in time.
pub struct DateTime(pub Timestamp);

/// Point in time in UTC, RFC 3339 with milliseconds, e.g. 2026-01-31T09:30:00.000Z.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        instant(&value).map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// A calendar date.
pub struct Date(pub NaiveDate);

/// Calendar date in the format YYYY-MM-DD. Output only: input fields take free-form strings and return InvalidInput.
#[Scalar(name = "Date", specified_by_url = "https://scalars.graphql.org/andimarek/local-date.html")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        date(&value).map(Self).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format("%Y-%m-%d").to_string())
    }
}

/// Why `value` is not valid for the scalar `name`. None if it is valid, or if the scalar is output only.
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
