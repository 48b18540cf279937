//! The fields of an object that describes a password.

use serde_json::{Map, Value};

use super::{
    FormatRefusal, ImportRejection,
    ImportRejection::{Malformed, Missing, UnknownField},
};
use crate::password::schemes::text;

pub struct Fields<'a>(pub &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Rejects unknown fields: a misspelt one would otherwise be ignored silently.
    pub fn only(&self, known: &[&str]) -> Result<(), FormatRefusal> {
        match self.0.keys().all(|name| known.contains(&name.as_str())) {
            true => Ok(()),
            false => Err(UnknownField.into()),
        }
    }

    pub fn text(&self, name: &'static str) -> Result<&'a str, FormatRefusal> {
        self.read(name, |value| value.as_str().ok_or(Malformed))
    }

    pub fn base64(&self, name: &'static str) -> Result<Vec<u8>, FormatRefusal> {
        self.read(name, |value| text::base64(value.as_str().ok_or(Malformed)?))
    }

    /// A number, or a string of digits.
    pub fn number(&self, name: &'static str) -> Result<u32, FormatRefusal> {
        self.read(name, |value| match value {
            Value::String(digits) => text::number(digits),
            Value::Number(number) => text::number(&number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(Malformed),
        })
    }

    pub fn read<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&'a Value) -> Result<T, ImportRejection>,
    ) -> Result<T, FormatRefusal> {
        let found = self.0.get(name).ok_or(Missing).and_then(read);
        found.map_err(|reason| FormatRefusal { field: Some(name), reason })
    }
}
