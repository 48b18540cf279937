//! How long a text message is, and whether it can be carried at all: as Korean carriers count, and as all others do.

use encoding_rs::EUC_KR;

use super::korean_text::KOREA;
use domain::contact::PhoneNumber;

/// Bytes of EUC-KR in a Korean short message (SENS, Aligo and Solapi agree). What is longer becomes an LMS, which
/// arrives as MMS: phones read no codes out of it.
pub const KOREAN_SMS: usize = 90;
/// Bytes of EUC-KR in a Korean long message.
pub const KOREAN_LMS: usize = 2000;

/// Whose rules a text message must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carriers {
    /// Bytes of EUC-KR, and the characters of KS X 1001 alone.
    Korean,
    /// Segments of GSM-7 or UCS-2 (3GPP TS 23.038).
    Others,
}

impl Carriers {
    /// The carriers that a number belongs to.
    pub fn of(number: &PhoneNumber) -> Self {
        if number.country_code() == KOREA { Carriers::Korean } else { Carriers::Others }
    }
}

/// The length of a text in EUC-KR.
///
/// Windows-949, which `encoding_rs` calls EUC-KR, has some 8,800 syllables that carriers refuse or show as `?`; those
/// of KS X 1001 are the ones with both bytes from 0xA1 on.
///
/// # Errors
/// The first character that Korean carriers don't take.
pub fn korean_bytes(text: &str) -> Result<usize, char> {
    let mut length = 0;
    for character in text.chars() {
        let mut utf8 = [0; 4];
        let (bytes, _, unmappable) = EUC_KR.encode(character.encode_utf8(&mut utf8));
        let taken = match *bytes {
            [byte] => byte.is_ascii(),
            [lead, trail] => !unmappable && lead >= 0xA1 && trail >= 0xA1,
            _ => false,
        };
        if !taken {
            return Err(character);
        }
        length += bytes.len();
    }
    Ok(length)
}

/// What a text message is written in outside Korea.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Seven bits for a character of the basic table, fourteen for one of the extension.
    Gsm7,
    /// Sixteen bits for a UTF-16 unit: where a single character is not in GSM-7.
    Ucs2,
}

/// How long a text is in segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    pub alphabet: Alphabet,
    /// Septets or UTF-16 units.
    pub units: usize,
    pub count: usize,
}

/// The basic table without ASCII letters and digits (3GPP TS 23.038, 6.2.1).
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// The extension (6.2.1.1): an escape goes before each.
const EXTENSION: &str = "^{}\\[~]|€\u{c}";

impl Alphabet {
    /// Units that fit into a message alone, and into each part of a longer one.
    pub const fn capacity(self) -> (usize, usize) {
        match self {
            Alphabet::Gsm7 => (160, 153),
            Alphabet::Ucs2 => (70, 67),
        }
    }

    fn of(text: &str) -> Self {
        if text.chars().all(|character| septets(character).is_some()) { Alphabet::Gsm7 } else { Alphabet::Ucs2 }
    }

    fn units(self, character: char) -> usize {
        match self {
            Alphabet::Gsm7 => septets(character).unwrap_or_default(),
            Alphabet::Ucs2 => character.len_utf16(),
        }
    }
}

fn septets(character: char) -> Option<usize> {
    if character.is_ascii_alphanumeric() || BASIC.contains(character) {
        Some(1)
    } else {
        EXTENSION.contains(character).then_some(2)
    }
}

impl Segments {
    pub fn of(text: &str) -> Self {
        let alphabet = Alphabet::of(text);
        let units = text.chars().map(|character| alphabet.units(character)).sum();
        let (alone, part) = alphabet.capacity();
        let count = if units <= alone { 1 } else { parts(text, alphabet, part) };
        Self { alphabet, units, count }
    }
}

/// Parts of a longer message; no character is cut in two, so a part may stay one unit short.
fn parts(text: &str, alphabet: Alphabet, capacity: usize) -> usize {
    let (mut count, mut used) = (1, 0);
    for character in text.chars() {
        let units = alphabet.units(character);
        if used + units > capacity {
            count += 1;
            used = 0;
        }
        used += units;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths as CPython's cp949 codec has them; membership in KS X 1001 by both bytes from 0xA1 on.
    #[test]
    fn korean_lengths_are_those_of_another_codec() {
        let cases = [
            ("[예시] 인증번호 123456", Ok(22)),
            ("[예시서비스] 인증번호 [123456]를 입력해 주세요. 타인에게 알려주지 마세요.", Ok(73)),
            ("[예시] 인증번호 123456\n\n@verify.example.com #123456", Ok(51)),
            (&"가".repeat(45), Ok(90)),
            (&("가".repeat(45) + "a"), Ok(91)),
            ("①㈜♥€", Ok(8)),
            ("“인증”", Ok(8)),
            ("a\r\nb", Ok(4)),
            ("￦1,000", Ok(7)),
            ("됬습니다", Err('됬')),
            ("뷁", Err('뷁')),
            ("가—나", Err('—')),
            ("가–나", Err('–')),
            ("😀", Err('😀')),
            ("한\u{1112}", Err('\u{1112}')),
            ("₩1,000", Err('₩')),
        ];
        for (text, length) in cases {
            assert_eq!(korean_bytes(text), length, "{text}");
        }
    }

    /// Units and segments as Twilio's sms-segments-calculator 1.3.0 has them.
    #[test]
    fn segments_are_those_of_another_calculator() {
        let cases = [
            ("a".repeat(160), Alphabet::Gsm7, 160, 1),
            ("a".repeat(161), Alphabet::Gsm7, 161, 2),
            ("a".repeat(306), Alphabet::Gsm7, 306, 2),
            ("a".repeat(307), Alphabet::Gsm7, 307, 3),
            ("[Acme] Your code is 123456".to_owned(), Alphabet::Gsm7, 28, 1),
            ("[".repeat(80), Alphabet::Gsm7, 160, 1),
            ("[".repeat(81), Alphabet::Gsm7, 162, 2),
            ("€".repeat(80), Alphabet::Gsm7, 160, 1),
            ("가".repeat(70), Alphabet::Ucs2, 70, 1),
            ("가".repeat(71), Alphabet::Ucs2, 71, 2),
            ("가".repeat(134), Alphabet::Ucs2, 134, 2),
            ("가".repeat(135), Alphabet::Ucs2, 135, 3),
            ("😀".repeat(35), Alphabet::Ucs2, 70, 1),
            ("😀".repeat(36), Alphabet::Ucs2, 72, 2),
            ("Your code is “123456”".to_owned(), Alphabet::Ucs2, 21, 1),
            ("code `123456`".to_owned(), Alphabet::Ucs2, 13, 1),
            ("[예시] 인증번호 [123456]를 입력해 주세요.".to_owned(), Alphabet::Ucs2, 28, 1),
            ("123456 is your ExampleCo code.\n\n@example.com #123456".to_owned(), Alphabet::Gsm7, 52, 1),
            ("a\r\nb".to_owned(), Alphabet::Gsm7, 4, 1),
            ("a\u{a0}b".to_owned(), Alphabet::Ucs2, 3, 1),
            ("e\u{301}".to_owned(), Alphabet::Ucs2, 2, 1),
        ];
        for (text, alphabet, units, count) in cases {
            assert_eq!(Segments::of(&text), Segments { alphabet, units, count }, "{text}");
        }
    }

    #[test]
    fn an_escaped_character_is_not_cut_in_two() {
        // 152 septets and an escape pair: the pair moves to the next part, and 154 septets are left for it and after.
        let text = "a".repeat(152) + "[" + &"a".repeat(151);
        assert_eq!(Segments::of(&text), Segments { alphabet: Alphabet::Gsm7, units: 305, count: 2 });
        assert_eq!(Segments::of(&(text + "a")), Segments { alphabet: Alphabet::Gsm7, units: 306, count: 3 });
    }
}
