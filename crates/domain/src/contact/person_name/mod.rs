//! Names of persons.

mod characters;
mod link;
#[cfg(test)]
mod tests;

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use self::characters::{is_compared, is_line_break, may_begin, may_end, may_follow};
use super::{
    rejection::rejection,
    script::{ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER, fold, is_combining_mark, is_letter, takes_joiners},
};

rejection! {
    /// Why a text is no person's name.
    NameRejection {
        Empty => "empty",
        TooLong => "too_long",
        /// A character that no name has (a control, a direction override, a symbol, markup), one in a place where it
        /// means nothing, or no letter at all.
        InvalidCharacter => "invalid_character",
        /// The address of a page: mail programs would make a link of it.
        LooksLikeLink => "looks_like_link",
    }
}

/// The name of a person, following the W3C's "Personal names around the world": 1 to 150 characters of any script, one
/// or several words, with the punctuation that names have (`O’Brien`, `Gal·la`, `Homer J. Simpson`, `Ravi s/o Kumar`,
/// `King, Jr.`) and digits (`Jennifer 8. Lee`).
///
/// Kept as typed, in NFC, trimmed, each run of white space a single space. Compared by [`PersonName::key`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName(String);

/// Combining marks in a row. Real spelling needs at most five or six (Tibetan, Hebrew with vowels and accents); stacks
/// of more run over the lines above and below.
const MOST_MARKS: usize = 8;

/// Bytes of a text that is worth normalising: a name of the greatest length in its longest decomposed form.
const MOST_BYTES: usize = 4096;

impl PersonName {
    /// In characters (Unicode code points in NFC), so at most 600 bytes of UTF-8.
    pub const LENGTH: std::ops::RangeInclusive<usize> = 1..=150;

    /// Reads a name as a person types it.
    ///
    /// # Errors
    /// See [`NameRejection`].
    pub fn parse(text: &str) -> Result<Self, NameRejection> {
        if text.len() > MOST_BYTES {
            return Err(NameRejection::TooLong);
        }
        let text = text.trim();
        if text.contains(is_line_break) {
            return Err(NameRejection::InvalidCharacter);
        }
        let characters: Vec<char> = text.chars().collect();
        let name = words(&without_idle_marks(&characters).nfc().collect::<String>());
        if name.is_empty() {
            return Err(NameRejection::Empty);
        }
        if name.chars().count() > *Self::LENGTH.end() {
            return Err(NameRejection::TooLong);
        }
        if !is_well_formed(&name) {
            return Err(NameRejection::InvalidCharacter);
        }
        if link::is_in(&name) {
            return Err(NameRejection::LooksLikeLink);
        }
        Ok(Self(name))
    }

    /// From a row of ours.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What "the same name" compares: see [`comparison_key`].
    pub fn key(&self) -> String {
        comparison_key(&self.0)
    }
}

/// The letters, marks and digits of a name alone, in NFKC and in one case. Two spellings of one name have one key:
/// `Kim Min-jun`, `kim minjun` and `ＫＩＭ ＭＩＮＪＵＮ`; `O’Brien`, `O'Brien` and `OʼBrien`; `Gal·la` and `Gal•la`;
/// `葛󠄀城` with its variation selector and without.
///
/// Letters with other diacritics stay other letters. `ß` is `ss`, and `ı`, `İ` and `i` are one letter, since upper case
/// does not tell them apart everywhere.
fn comparison_key(text: &str) -> String {
    let compared: String = text.chars().filter(|character| is_compared(*character)).collect();
    let folded = fold(&compared).replace('ß', "ss").replace('ı', "i").replace("i\u{307}", "i");
    folded.chars().filter(|character| is_compared(*character)).collect()
}

/// Drops what shows nothing where it stands: marks of direction (text copied out of Arabic and Hebrew documents brings
/// them along), and joiners other than between letters whose script needs them.
fn without_idle_marks(characters: &[char]) -> String {
    let mut kept = String::with_capacity(characters.len());
    for (place, &character) in characters.iter().enumerate() {
        let idle = match character {
            '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{FEFF}' => true,
            ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => {
                let joined = |place: Option<usize>| {
                    place.and_then(|place| characters.get(place)).copied().is_some_and(takes_joiners)
                };
                !(joined(place.checked_sub(1)) && joined(place.checked_add(1)))
            }
            _ => false,
        };
        if !idle {
            kept.push(character);
        }
    }
    kept
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_well_formed(name: &str) -> bool {
    let mut before = None;
    let mut marks = 0;
    let mut depth = 0_i32;
    for character in name.chars() {
        if !may_follow(before, character) {
            return false;
        }
        marks = if is_combining_mark(character) { marks + 1 } else { 0 };
        depth += characters::depth(character);
        if marks > MOST_MARKS || !(0..=1).contains(&depth) {
            return false;
        }
        before = Some(character);
    }
    depth == 0
        && name.chars().next().is_some_and(may_begin)
        && before.is_some_and(may_end)
        && name.chars().any(|character| is_letter(character) && is_compared(character))
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[name]")
    }
}
