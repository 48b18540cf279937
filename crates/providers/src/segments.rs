//! The length of a text message and whether it can be sent, by the rules of Korean carriers and of all others.

use encoding_rs::EUC_KR;

use domain::contact::PhoneNumber;

/// The calling code of Korea.
pub const KOREA: u16 = 82;

/// The maximum length of a Korean SMS in bytes of EUC-KR (the same at SENS, Aligo and Solapi). A longer text becomes an
/// LMS, which arrives as MMS: phones don't autofill codes from it.
pub const KOREAN_SMS: usize = 90;
/// The maximum length of a Korean LMS in bytes of EUC-KR.
pub const KOREAN_LMS: usize = 2000;

/// The carriers whose rules apply to a text message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carriers {
    /// Bytes of EUC-KR, and only the characters of KS X 1001.
    Korean,
    /// Segments of GSM-7 or UCS-2 (3GPP TS 23.038).
    Others,
}

impl Carriers {
    /// The carriers of a number.
    pub fn of(number: &PhoneNumber) -> Self {
        if number.country_code() == KOREA { Carriers::Korean } else { Carriers::Others }
    }
}

/// The length of a text in EUC-KR.
///
/// Windows-949, which `encoding_rs` calls EUC-KR, has about 8,800 syllables that carriers reject or show as `?`. The
/// characters of KS X 1001 are those with both bytes at 0xA1 or above.
///
/// # Errors
/// The first character that Korean carriers don't accept.
pub fn korean_bytes(text: &str) -> Result<usize, char> {
    let mut length = 0;
    for character in text.chars() {
        let mut utf8 = [0; 4];
        let (bytes, _, unmappable) = EUC_KR.encode(character.encode_utf8(&mut utf8));
        let valid = match *bytes {
            [byte] => byte.is_ascii(),
            [lead, trail] => !unmappable && lead >= 0xA1 && trail >= 0xA1,
            _ => false,
        };
        if !valid {
            return Err(character);
        }
        length += bytes.len();
    }
    Ok(length)
}

/// The encoding of a text message outside Korea.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Seven bits for a character of the basic table, fourteen for one of the extension table.
    Gsm7,
    /// Sixteen bits per UTF-16 unit: used if any character is not in GSM-7.
    Ucs2,
}

/// The length of a text in segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    pub alphabet: Alphabet,
    /// Septets or UTF-16 units.
    pub units: usize,
    pub count: usize,
}

/// The basic table without ASCII letters and digits (3GPP TS 23.038, 6.2.1).
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// The extension table (6.2.1.1): each character is preceded by an escape.
const EXTENSION: &str = "^{}\\[~]|€\u{c}";

impl Alphabet {
    /// The number of units that fit into a single message, and into each part of a longer one.
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
    /// The length of `text` in the encoding that it needs.
    pub fn of(text: &str) -> Self {
        let alphabet = Alphabet::of(text);
        let units = text.chars().map(|character| alphabet.units(character)).sum();
        let (alone, part) = alphabet.capacity();
        let count = if units <= alone { 1 } else { parts(text, alphabet, part) };
        Self { alphabet, units, count }
    }
}

/// The number of parts of a longer message. A character is never split, so a part may be one unit shorter.
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

    /// Lengths as computed by CPython's cp949 codec; membership in KS X 1001 by both bytes at 0xA1 or above.
    #[test]
    fn korean_lengths_match_cpython() {
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

    /// Units and segments as computed by Twilio's sms-segments-calculator 1.3.0.
    #[test]
    fn segments_match_the_calculator_of_twilio() {
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
    fn an_escaped_character_is_not_split() {
        // 152 septets and an escape pair: the pair moves to the next part, and 154 septets are left for it and after.
        let text = "a".repeat(152) + "[" + &"a".repeat(151);
        assert_eq!(Segments::of(&text), Segments { alphabet: Alphabet::Gsm7, units: 305, count: 2 });
        assert_eq!(Segments::of(&(text + "a")), Segments { alphabet: Alphabet::Gsm7, units: 306, count: 3 });
    }
}
