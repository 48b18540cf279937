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
    script::{ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER, allows_joiners, fold, is_combining_mark, is_letter},
};

rejection! {
    /// Why a text is not a valid name of a person.
    NameRejection {
        Empty => "empty",
        TooLong => "too_long",
        /// A character that does not occur in names (a control, a direction override, a symbol, markup), a character in
        /// an invalid position, or no letter at all.
        InvalidCharacter => "invalid_character",
        /// A web address, which mail programs would turn into a link.
        LooksLikeLink => "looks_like_link",
    }
}

/// The name of a person, following the W3C's "Personal names around the world": 1 to 150 characters of any script, one
/// or several words, with the punctuation of names (`O’Brien`, `Gal·la`, `Homer J. Simpson`, `Ravi s/o Kumar`, `King,
/// Jr.`) and digits (`Jennifer 8. Lee`).
///
/// Stored as typed, in NFC, trimmed, with each run of white space as one space. Compared by [`PersonName::key`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName(String);

/// The largest number of consecutive combining marks. Real spellings need at most five or six (Tibetan, Hebrew with
/// vowels and accents); longer stacks overlap the lines above and below.
const MAX_MARKS: usize = 8;

/// The largest input in bytes: a name of the maximum length in its longest decomposed form.
const MAX_BYTES: usize = 4096;

impl PersonName {
    /// In characters (Unicode code points in NFC), so at most 600 bytes of UTF-8.
    pub const LENGTH: std::ops::RangeInclusive<usize> = 1..=150;

    /// Parses a name as a user types it.
    ///
    /// # Errors
    /// See [`NameRejection`].
    pub fn parse(text: &str) -> Result<Self, NameRejection> {
        if text.len() > MAX_BYTES {
            return Err(NameRejection::TooLong);
        }
        let text = text.trim();
        if text.contains(is_line_break) {
            return Err(NameRejection::InvalidCharacter);
        }
        let characters: Vec<char> = text.chars().collect();
        let name = normalise_spaces(&without_ineffective_marks(&characters).nfc().collect::<String>());
        if name.is_empty() {
            return Err(NameRejection::Empty);
        }
        if name.chars().count() > *Self::LENGTH.end() {
            return Err(NameRejection::TooLong);
        }
        if !is_well_formed(&name) {
            return Err(NameRejection::InvalidCharacter);
        }
        if link::contains_link(&name) {
            return Err(NameRejection::LooksLikeLink);
        }
        Ok(Self(name))
    }

    /// From a stored row, without validation.
    pub fn from_stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The display form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form for comparing names: see [`comparison_key`].
    pub fn key(&self) -> String {
        comparison_key(&self.0)
    }
}

/// Only the letters, marks and digits of a name, in NFKC and in one case. All spellings of one name have the same key:
/// `Kim Min-jun`, `kim minjun` and `ＫＩＭ ＭＩＮＪＵＮ`; `O’Brien`, `O'Brien` and `OʼBrien`; `Gal·la` and `Gal•la`; `葛󠄀城` with
/// its variation selector and without.
///
/// Letters with different diacritics stay different. `ß` equals `ss`, and `ı`, `İ` and `i` are equal, since upper case
/// does not distinguish them in every language.
fn comparison_key(text: &str) -> String {
    let compared: String = text.chars().filter(|character| is_compared(*character)).collect();
    let folded = fold(&compared).replace('ß', "ss").replace('ı', "i").replace("i\u{307}", "i");
    folded.chars().filter(|character| is_compared(*character)).collect()
}

/// Removes characters that have no visible effect: direction marks (text copied from Arabic and Hebrew documents
/// contains them), and joiners except between letters whose script needs them.
fn without_ineffective_marks(characters: &[char]) -> String {
    let mut kept = String::with_capacity(characters.len());
    for (index, &character) in characters.iter().enumerate() {
        let ineffective = match character {
            '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{FEFF}' => true,
            ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => {
                let joined = |index: Option<usize>| {
                    index.and_then(|index| characters.get(index)).copied().is_some_and(allows_joiners)
                };
                !(joined(index.checked_sub(1)) && joined(index.checked_add(1)))
            }
            _ => false,
        };
        if !ineffective {
            kept.push(character);
        }
    }
    kept
}

fn normalise_spaces(text: &str) -> String {
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
        if marks > MAX_MARKS || !(0..=1).contains(&depth) {
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
