//! How long a text is for Korean carriers, and whether they can carry it at all.
//!
//! A short message holds 90 bytes of EUC-KR, a long one 2,000 (SENS, Aligo and Solapi agree). Carriers take the
//! characters of KS X 1001 alone. `encoding_rs` speaks Windows-949, which has some 8,800 syllables more: there both bytes
//! of a character of KS X 1001 are 0xA1 or above.

use encoding_rs::EUC_KR;
use unicode_normalization::UnicodeNormalization;

use crate::contact::PhoneNumber;

/// The calling code of Korea.
pub const KOREA: u16 = 82;

const SHORT: usize = 90;
const LONG: usize = 2000;

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
    match bytes(&text).ok_or(Unfit::Character)? {
        length if length <= SHORT => Ok((text, Kind::Short)),
        length if length <= LONG => Ok((text, Kind::Long)),
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

/// The length in EUC-KR, of a text that is in KS X 1001 throughout.
fn bytes(text: &str) -> Option<usize> {
    let (encoded, _, unmappable) = EUC_KR.encode(text);
    let mut bytes = encoded.iter();
    while let Some(byte) = bytes.next() {
        let fits = byte.is_ascii() || (*byte >= 0xA1 && bytes.next().is_some_and(|second| *second >= 0xA1));
        if !fits {
            return None;
        }
    }
    (!unmappable).then_some(encoded.len())
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
        for (text, length) in [("①㈜♥€", 8), ("“인증”", 8), ("￦1,000", 7)] {
            assert_eq!(bytes(text), Some(length), "{text}");
        }
    }
}
