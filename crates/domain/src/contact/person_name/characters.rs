//! Which characters names are made of, and where they may stand.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use crate::contact::script::{
    ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER, is_combining_mark, is_letter, is_variation_selector, takes_joiners,
    varies,
};

/// Ends a line, or controls a terminal. None of these is white space that a name may have between its words.
pub fn is_line_break(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// Whether `character` may stand in a name after `before` (none: it is the first).
pub fn may_follow(before: Option<char>, character: char) -> bool {
    let after = |fits: fn(char) -> bool| before.is_some_and(fits);
    match character {
        ' ' => true,
        ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => after(takes_joiners),
        '/' | '／' => after(is_letter),
        _ if is_variation_selector(character) => before.is_some_and(|before| varies(before, character)),
        _ if is_combining_mark(character) => after(|before| {
            is_combining_mark(before) || is_part(before) || joins(before) || is_variation_selector(before)
        }),
        // Nothing but a letter behind a slash: `s/o`, and no `//`.
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

/// How a bracket changes the number of open ones.
pub fn depth(character: char) -> i32 {
    match character {
        '(' | '（' => 1,
        ')' | '）' => -1,
        _ => 0,
    }
}

/// Whether it counts when two names are compared: letters, their marks, digits. Apostrophes count for nothing, also
/// those that Unicode calls letters (ʻokina), nor does the stroke that only makes an Arabic word longer.
pub fn is_compared(character: char) -> bool {
    (is_part(character) || is_combining_mark(character)) && !is_apostrophe(character) && character != '\u{0640}'
}

/// Letters, digits (`Jennifer 8. Lee`), and numerals that are written like letters (`Ⅲ`, `〇`).
fn is_part(character: char) -> bool {
    use GeneralCategory::{DecimalNumber, LetterNumber};
    is_letter(character) || matches!(character.general_category(), DecimalNumber | LetterNumber)
}

fn joins(character: char) -> bool {
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

/// Every character that is typed for one: quotation marks, primes, accents that stand alone, the apostrophes of Armenian
/// and Hebrew, and the modifier letters that some spellings use.
fn is_apostrophe(character: char) -> bool {
    matches!(
        character,
        '\'' | '`' | '´' | '‘' | '’' | '‛' | '′' | '＇' | '\u{055A}' | '\u{05F3}' | '\u{05F4}' | 'ʹ'
            ..='ʿ' | 'ˈ' | 'Ꞌ' | 'ꞌ'
    )
}

/// Around a nickname that a name is known with: `John "Jack" Smith`.
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

/// Dashes of every length, and the double hyphens that Japanese puts between the parts of a foreign name. The wavy dash
/// is drawn as an emoji.
fn is_dash(character: char) -> bool {
    let dash = character.general_category() == GeneralCategory::DashPunctuation && character != '\u{3030}';
    dash || matches!(character, '−' | '＝')
}

fn is_comma(character: char) -> bool {
    matches!(character, ',' | '，' | '、' | '\u{060C}')
}

/// Of Catalan (`Gal·la`), of names in Chinese and Japanese that come from elsewhere, and what is typed for them.
fn is_middle_dot(character: char) -> bool {
    matches!(character, '·' | '‧' | '•' | '∙' | '⋅' | '・' | '･' | '\u{2E31}')
}

/// Behind an initial or an abbreviation.
pub fn is_full_stop(character: char) -> bool {
    matches!(character, '.' | '．' | '․' | '\u{0970}')
}
