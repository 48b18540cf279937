//! Texts and numbers in the form that Korean carriers accept: which type of message a text needs, and whether it can be
//! sent at all.

use unicode_normalization::UnicodeNormalization;

pub use crate::segments::KOREA;
use crate::segments::{KOREAN_LMS, KOREAN_SMS, korean_bytes};
use domain::contact::PhoneNumber;

/// The type of message that a text needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SMS. Codes must fit into it: an LMS arrives as MMS, from which phones don't autofill codes.
    Short,
    /// LMS.
    Long,
}

impl Kind {
    /// The name at SENS, Aligo and Solapi.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Short => "SMS",
            Kind::Long => "LMS",
        }
    }
}

/// Why carriers would truncate, garble or reject a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsupportedText {
    TooLong,
    /// A character outside KS X 1001 (an emoji, a dash, a rare syllable).
    Character,
}

impl UnsupportedText {
    /// The provider code that this service reports for it.
    pub fn as_str(self) -> &'static str {
        match self {
            UnsupportedText::TooLong => "text_too_long",
            UnsupportedText::Character => "character_not_in_ks_x_1001",
        }
    }
}

/// The text in NFC with LF line breaks, and the type of message that it needs.
///
/// # Errors
/// If no Korean carrier would deliver the text unchanged.
pub fn prepare(text: &str) -> Result<(String, Kind), UnsupportedText> {
    let text = text.nfc().collect::<String>().replace("\r\n", "\n");
    match korean_bytes(&text).map_err(|_| UnsupportedText::Character)? {
        length if length <= KOREAN_SMS => Ok((text, Kind::Short)),
        length if length <= KOREAN_LMS => Ok((text, Kind::Long)),
        _ => Err(UnsupportedText::TooLong),
    }
}

/// The number without its country code, as Korean providers expect it: `01012345678` in Korea, elsewhere without
/// prefix.
pub fn national(number: &PhoneNumber) -> String {
    match number.country_code() {
        KOREA => number.national_digits(),
        _ => number.significant_digits().to_owned(),
    }
}

/// The digits of a sender number in any notation.
pub fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_more_than_ninety_bytes_is_long() {
        assert_eq!(prepare(&"가".repeat(45)).unwrap().1, Kind::Short);
        assert_eq!(prepare(&("가".repeat(45) + "a")).unwrap().1, Kind::Long);
        assert_eq!(prepare(&"가".repeat(1000)).unwrap().1, Kind::Long);
        assert_eq!(prepare(&"가".repeat(1001)), Err(UnsupportedText::TooLong));
    }

    #[test]
    fn prepare_normalises_to_nfc_and_lf() {
        assert_eq!(prepare("\u{1112}\u{1161}\u{11ab}\r\n1").unwrap().0, "한\n1");
    }

    #[test]
    fn characters_outside_ks_x_1001_are_unsupported() {
        for text in ["됬습니다", "뷁", "가—나", "😀", "₩1,000", "한\u{1112}"] {
            assert_eq!(prepare(text), Err(UnsupportedText::Character), "{text}");
        }
    }
}
