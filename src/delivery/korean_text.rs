//! A text and a number as Korean carriers take them: which kind of message the text needs, and whether they can carry
//! it at all.

use unicode_normalization::UnicodeNormalization;

use super::segments::{KOREAN_LMS, KOREAN_SMS, korean_bytes};
use domain::contact::PhoneNumber;

/// The calling code of Korea.
pub const KOREA: u16 = 82;

/// The kind of message that a text needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SMS. A code belongs here: an LMS arrives as MMS, which no phone reads codes out of.
    Short,
    /// LMS.
    Long,
}

impl Kind {
    /// What SENS, Aligo and Solapi call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Short => "SMS",
            Kind::Long => "LMS",
        }
    }
}

/// Why carriers would cut, garble or refuse a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    TooLong,
    /// A character outside KS X 1001 (an emoji, a dash, a rare syllable).
    Character,
}

impl Unfit {
    /// Our own code for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Unfit::TooLong => "text_too_long",
            Unfit::Character => "character_not_in_ks_x_1001",
        }
    }
}

/// The text as carriers take it (composed, with plain line feeds), and what kind of message it needs.
///
/// # Errors
/// When no Korean carrier would deliver it as it is.
pub fn prepare(text: &str) -> Result<(String, Kind), Unfit> {
    let text = text.nfc().collect::<String>().replace("\r\n", "\n");
    match korean_bytes(&text).map_err(|_| Unfit::Character)? {
        length if length <= KOREAN_SMS => Ok((text, Kind::Short)),
        length if length <= KOREAN_LMS => Ok((text, Kind::Long)),
        _ => Err(Unfit::TooLong),
    }
}

/// A number as Korean providers take it beside its country code: `01012345678` in Korea, elsewhere without any prefix.
pub fn national(number: &PhoneNumber) -> String {
    match number.country_code() {
        KOREA => number.national_digits(),
        _ => number.significant_digits().to_owned(),
    }
}

/// A sender as one writes it, as its digits.
pub fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_bytes_are_short_and_one_more_is_long() {
        assert_eq!(prepare(&"가".repeat(45)).unwrap().1, Kind::Short);
        assert_eq!(prepare(&("가".repeat(45) + "a")).unwrap().1, Kind::Long);
        assert_eq!(prepare(&"가".repeat(1000)).unwrap().1, Kind::Long);
        assert_eq!(prepare(&"가".repeat(1001)), Err(Unfit::TooLong));
    }

    #[test]
    fn a_text_is_composed_and_its_line_breaks_are_one_byte() {
        assert_eq!(prepare("\u{1112}\u{1161}\u{11ab}\r\n1").unwrap().0, "한\n1");
    }

    #[test]
    fn what_carriers_garble_is_unfit() {
        for text in ["됬습니다", "뷁", "가—나", "😀", "₩1,000", "한\u{1112}"] {
            assert_eq!(prepare(text), Err(Unfit::Character), "{text}");
        }
    }
}
