//! Parses typed input into digits.

use super::PhoneRejection;
use crate::contact::script::trim_copied;

/// All digits that were typed, in ASCII.
#[derive(Debug, PartialEq, Eq)]
pub enum TypedNumber {
    /// With a plus: country code first.
    International(String),
    /// Without a plus: as dialled within the default region.
    National(String),
}

/// More digits than any dialled form of a number has; limits the work for long input.
const MAX_DIGITS: usize = 40;
const MAX_INPUT: usize = 512;

/// Reads the input character by character. Only separators and insignificant marks are skipped; a letter, a star, a
/// comma or a second plus is rejected, so that an extension, a vanity number or a list of numbers is never reduced to a
/// number that was not typed.
pub fn read(input: &str) -> Result<TypedNumber, PhoneRejection> {
    if input.len() > MAX_INPUT {
        return Err(PhoneRejection::TooLong);
    }
    let input = input.trim_matches(is_trimmed);
    if ends_with_fraction(input) {
        return Err(PhoneRejection::NotANumber);
    }
    let mut digits = String::with_capacity(16);
    let mut plus = false;
    let mut system = None;
    let mut typed = false;
    for character in input.chars() {
        if is_separator(character) || is_direction_mark(character) {
            continue;
        }
        typed = true;
        if matches!(character, '+' | '＋') {
            if plus || !digits.is_empty() {
                return Err(PhoneRejection::NotANumber);
            }
            plus = true;
            continue;
        }
        let (zero, digit) = digit(character).ok_or(PhoneRejection::NotANumber)?;
        // Some digits of one script look like other digits of another (৪ is four): mixed scripts are rejected.
        if *system.get_or_insert(zero) != zero {
            return Err(PhoneRejection::NotANumber);
        }
        digits.push(digit);
    }
    match (typed, digits.len()) {
        (false, _) => Err(PhoneRejection::Empty),
        (_, 0) => Err(PhoneRejection::NotANumber),
        (_, length) if length > MAX_DIGITS => Err(PhoneRejection::TooLong),
        _ if plus => Ok(TypedNumber::International(digits)),
        _ => Ok(TypedNumber::National(digits)),
    }
}

/// Characters around a copied number: white space, invisible marks, quotation marks.
fn is_trimmed(character: char) -> bool {
    let quote = matches!(character, '"' | '\'' | '\u{2018}'..='\u{201F}' | '«' | '»' | '「' | '」' | '＂' | '＇');
    quote || is_direction_mark(character) || trim_copied(character.encode_utf8(&mut [0; 4])).is_empty()
}

/// Whether the digits end like a spreadsheet number, `1764807701.0`: with its fraction it would be another person's
/// number. It is one digit after the last dot, or at most three digits after the only dot.
fn ends_with_fraction(input: &str) -> bool {
    let Some((before, after)) = input.rsplit_once(DOTS) else { return false };
    match after.chars().filter(|character| digit(*character).is_some()).count() {
        0 => false,
        1 => true,
        count => count <= 3 && !before.contains(DOTS),
    }
}

const DOTS: [char; 2] = ['.', '．'];

/// Usual separators between digits: spaces, hyphens and dashes, dots, slashes, brackets, also in full width.
fn is_separator(character: char) -> bool {
    matches!(
        character,
        ' ' | '\t'
            | '-'
            | '.'
            | '/'
            | '('
            | ')'
            | '['
            | ']'
            | '\u{A0}'
            | '\u{AD}'
            | '\u{2000}'..='\u{200A}'
            | '\u{202F}'
            | '\u{3000}'
            | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}' | '－' | '．' | '／' | '（' | '）' | '［' | '］'
    )
}

/// Direction marks that phones add around a number copied from the address book, and that do not change the display of
/// digits. Marks that reverse the text (U+202B, U+202E, U+2067) are excluded: the user saw another number.
fn is_direction_mark(character: char) -> bool {
    matches!(
        character,
        '\u{200E}' | '\u{200F}' | '\u{202A}' | '\u{202C}' | '\u{202D}' | '\u{2066}' | '\u{2068}' | '\u{2069}'
    )
}

/// The zeros of the decimal digits on phone keyboards.
const ZEROS: &[char] = &[
    '0', '\u{0660}', '\u{06F0}', '\u{0966}', '\u{09E6}', '\u{0A66}', '\u{0AE6}', '\u{0B66}', '\u{0BE6}', '\u{0C66}',
    '\u{0CE6}', '\u{0D66}', '\u{0E50}', '\u{0ED0}', '\u{0F20}', '\u{1040}', '\u{17E0}',
];
const FULL_WIDTH_ZERO: char = '０';

/// The zero of the digit's script, and the digit in ASCII. Full-width digits count as ASCII digits.
fn digit(character: char) -> Option<(char, char)> {
    let ascii = |zero: char| {
        let value = u32::from(character).checked_sub(u32::from(zero))?;
        char::from_digit(value, 10)
    };
    if let Some(digit) = ascii(FULL_WIDTH_ZERO) {
        return Some(('0', digit));
    }
    ZEROS.iter().find_map(|zero| ascii(*zero).map(|digit| (*zero, digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn national(input: &str) -> Result<String, PhoneRejection> {
        match read(input)? {
            TypedNumber::National(digits) => Ok(digits),
            TypedNumber::International(digits) => Ok(format!("+{digits}")),
        }
    }

    #[test]
    fn separators_are_ignored_and_digits_of_any_script_are_accepted() {
        for input in [
            "010-1234-5678",
            "010 1234 5678",
            "010.1234.5678",
            "(010)1234/5678",
            "０１０－１２３４－５６７８",
            "010ー1234ー5678",
            "\u{202D}010-1234-5678\u{202C}",
            "٠١٠١٢٣٤٥٦٧٨",
            "०१०१२३४५६७८",
        ] {
            assert_eq!(national(input).as_deref(), Ok("01012345678"), "{input}");
        }
        for input in ["+82 10 1234 5678", "＋８２ 10-1234-5678", "(+82) 10-1234-5678"] {
            assert_eq!(national(input).as_deref(), Ok("+821012345678"), "{input}");
        }
    }

    #[test]
    fn characters_left_by_copying_are_trimmed() {
        for input in [
            "010-1234-5678\n",
            "\r\n010-1234-5678\u{2028}",
            "\u{FEFF}010-1234-5678",
            "\u{2060}010-1234-5678\u{200B}",
            "\u{2003}010\u{2003}1234\u{2003}5678",
            "[010] 1234-5678",
            "［010］ 1234-5678",
            "\"010-1234-5678\"",
            "“010-1234-5678”",
            "'010-1234-5678",
            "010\u{AD}1234\u{AD}5678",
            "\u{200E}\u{FEFF} 010-1234-5678",
        ] {
            assert_eq!(national(input).as_deref(), Ok("01012345678"), "{input:?}");
        }
    }

    #[test]
    fn number_with_a_fraction_is_rejected() {
        for input in [
            "1764807701.0",
            "+35850126249.0",
            "35850126249.00",
            "35850126249.49",
            "1764807701．0",
            "1764807701. 0",
            "1764807701 .0\n",
            "1764807701.\u{200E}0\u{202C}",
            "1.764.807.701.0",
            "１７６４８０７７０１．０",
            "176480770.125",
        ] {
            assert_eq!(read(input), Err(PhoneRejection::NotANumber), "{input:?}");
        }
        for input in ["06.12.34.56.78", "415.555.2671", "0412.345678", "010.1234.5678", "010-1234-5678."] {
            assert!(read(input).is_ok(), "{input}");
        }
    }

    #[test]
    fn input_other_than_one_number_is_rejected() {
        for input in [
            "0800-FLOWERS",
            "010-1234-5678 x3",
            "010-1234-5678,,3",
            "010-1234-5678;ext=3",
            "010-1234-5678#",
            "*010-1234-5678",
            "+82+1012345678",
            "010+12345678",
            "tel:010-1234-5678",
            "010-1234-5678, 010-2222-3333",
            "010-1234-567²",
            "010-1234-567①",
            "010-1234-567Ⅷ",
            "010-1234-567八",
            "010-1234-567৮",
            "010-1234-567O",
            "\u{202E}8765-4321-010",
            "010\u{200B}12345678",
            "010\n12345678",
            "010\u{0}12345678",
            "+",
            "mail@example.com",
        ] {
            assert_eq!(read(input), Err(PhoneRejection::NotANumber), "{input:?}");
        }
        assert_eq!(read(""), Err(PhoneRejection::Empty));
        assert_eq!(read(" - "), Err(PhoneRejection::Empty));
        assert_eq!(read(&"0".repeat(41)), Err(PhoneRejection::TooLong));
        assert_eq!(read(&"0".repeat(1 << 20)), Err(PhoneRejection::TooLong));
    }
}
