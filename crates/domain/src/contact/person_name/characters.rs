//! The characters of names, and where they are allowed.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::contact::script::{
    ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER, allows_joiners, has_variants, is_combining_mark, is_letter,
    is_variation_selector,
};

/// Ends a line, or controls a terminal. A name must not have any of these between its words.
pub fn is_line_break(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Whether `character` may follow `before` in a name (None: it is the first).
pub fn may_follow(before: Option<char>, character: char) -> bool {
    let after = |fits: fn(char) -> bool| before.is_some_and(fits);
    match character {
        ' ' => true,
        ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => after(allows_joiners),
        '/' | '／' => after(is_letter),
        _ if is_variation_selector(character) => before.is_some_and(|before| has_variants(before, character)),
        _ if is_combining_mark(character) => after(|before| {
            is_combining_mark(before) || is_part(before) || is_joiner(before) || is_variation_selector(before)
        }),
        // Only a letter may follow a slash: `s/o`, and no `//`.
        _ if matches!(before, Some('/' | '／')) => is_letter(character),
        _ => is_part(character) || is_punctuation(character),
    }
}

/// Whether a name may begin with it.
pub fn may_begin(character: char) -> bool {
    is_part(character) || is_apostrophe(character) || is_quotation_mark(character) || matches!(character, '(' | '（')
}

/// Whether a name may end with it.
pub fn may_end(character: char) -> bool {
    !(is_dash(character) || is_comma(character) || is_middle_dot(character) || matches!(character, '/' | '／'))
}

/// The change of the bracket depth.
pub fn depth(character: char) -> i32 {
    match character {
        '(' | '（' => 1,
        ')' | '）' => -1,
        _ => 0,
    }
}

/// Whether it is significant when two names are compared: letters, their marks, digits. Apostrophes are not, including
/// those that Unicode classifies as letters (ʻokina), nor is the Arabic tatweel, which only lengthens a word.
pub fn is_compared(character: char) -> bool {
    (is_part(character) || is_combining_mark(character)) && !is_apostrophe(character) && character != '\u{0640}'
}

/// Letters, digits (`Jennifer 8. Lee`), and letter-like numerals (`Ⅲ`, `〇`).
fn is_part(character: char) -> bool {
    use GeneralCategory::{DecimalNumber, LetterNumber};
    is_letter(character) || matches!(character.general_category(), DecimalNumber | LetterNumber)
}

fn is_joiner(character: char) -> bool {
    matches!(character, ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER)
}

fn is_punctuation(character: char) -> bool {
    is_apostrophe(character)
        || is_quotation_mark(character)
        || is_dash(character)
        || is_comma(character)
        || is_middle_dot(character)
        || is_full_stop(character)
        || depth(character) != 0
        // Between the syllables of Tibetan, and the words of Ethiopic.
        || matches!(character, '\u{0F0B}' | '\u{0F0C}' | '\u{1361}')
}

/// Every character that is typed as an apostrophe: quotation marks, primes, spacing accents, the apostrophes of
/// Armenian and Hebrew, and the modifier letters of some orthographies.
fn is_apostrophe(character: char) -> bool {
    matches!(
        character,
        '\'' | '`' | '´' | '‘' | '’' | '‛' | '′' | '＇' | '\u{055A}' | '\u{05F3}' | '\u{05F4}' | 'ʹ'
            ..='ʿ' | 'ˈ' | 'Ꞌ' | 'ꞌ'
    )
}

/// Around a nickname inside a name: `John "Jack" Smith`.
pub fn is_quotation_mark(character: char) -> bool {
    matches!(
        character,
        '"' | '＂'
            | '“'
            | '”'
            | '„'
            | '‟'
            | '«'
            | '»'
            | '‹'
            | '›'
            | '‚'
            | '「'
            | '」'
            | '『'
            | '』'
            | '〝'
            | '〞'
            | '〟'
    )
}

/// Dashes of every length, and the double hyphens that Japanese uses between the parts of a foreign name. The wavy dash
/// is excluded, since it is displayed as an emoji.
fn is_dash(character: char) -> bool {
    let dash = character.general_category() == GeneralCategory::DashPunctuation && character != '\u{3030}';
    dash || matches!(character, '−' | '＝')
}

fn is_comma(character: char) -> bool {
    matches!(character, ',' | '，' | '、' | '\u{060C}')
}

/// The middle dot of Catalan (`Gal·la`) and of foreign names in Chinese and Japanese, and its substitutes.
fn is_middle_dot(character: char) -> bool {
    matches!(character, '·' | '‧' | '•' | '∙' | '⋅' | '・' | '･' | '\u{2E31}')
}

/// After an initial or an abbreviation.
pub fn is_full_stop(character: char) -> bool {
    matches!(character, '.' | '．' | '․' | '\u{0970}')
}
