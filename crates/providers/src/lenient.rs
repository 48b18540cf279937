//! Lenient parsing of provider responses.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The maximum length of a stored text of a provider, in characters.
const MAX_CHARACTERS: usize = 80;

/// A field that may be a string or a number. Absent and null are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LenientString(String);

impl LenientString {
    /// The field, without surrounding white space. Empty if it is absent or null.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The field. None if it is empty.
    pub fn non_empty(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.clone())
    }
}

impl<'de> Deserialize<'de> for LenientString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(yes) => yes.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        }))
    }
}

/// A provider code in a form that can be stored and shown: one short line. None if it is empty.
pub fn code(text: impl AsRef<str>) -> Option<String> {
    let text: String = text.as_ref().trim().chars().filter(|char| !char.is_control()).take(MAX_CHARACTERS).collect();
    (!text.is_empty()).then_some(text)
}

/// A provider code with its reason text. Runs of four or more digits in the reason are masked, since they may be a
/// phone number or a code.
pub fn code_and_reason(code: &str, reason: &str) -> Option<String> {
    let mut masked = String::new();
    let mut digits = String::new();
    for char in reason.chars().chain(['\n']) {
        if char.is_ascii_digit() {
            digits.push(char);
            continue;
        }
        masked.push_str(if digits.len() < 4 { &digits } else { "…" });
        digits.clear();
        masked.push(char);
    }
    self::code(format!("{code} {}", masked.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_may_be_a_number_or_a_string_or_missing() {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            result_code: LenientString,
        }
        let read = |json| serde_json::from_str::<Answer>(json).unwrap().result_code;
        assert_eq!(read(r#"{"result_code": -101}"#).as_str(), "-101");
        assert_eq!(read(r#"{"result_code": " -101 "}"#).as_str(), "-101");
        assert_eq!(read(r#"{"result_code": null}"#).non_empty(), None);
        assert_eq!(read("{}").non_empty(), None);
    }

    #[test]
    fn a_reason_loses_long_numbers_and_line_breaks() {
        assert_eq!(code_and_reason("-101", "인증오류입니다.").unwrap(), "-101 인증오류입니다.");
        assert_eq!(code_and_reason("9", "01012345678 refused\r\nin 30 s").unwrap(), "9 … refusedin 30 s");
        assert_eq!(code_and_reason("9", "code 123456").unwrap(), "9 code …");
        assert_eq!(code("\r\n"), None);
        assert_eq!(code("x".repeat(500)).unwrap().len(), MAX_CHARACTERS);
    }
}
