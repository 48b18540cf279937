//! Names of persons.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::{
    rejection::rejection,
    script::{ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER, fold, is_hidden},
};

rejection! {
    /// Why a text is no person's name.
    NameRejection {
        Empty => "empty",
        TooShort => "too_short",
        TooLong => "too_long",
        /// Something other than letters, spaces, apostrophes and hyphens; or these without letters between them.
        InvalidCharacter => "invalid_character",
    }
}

/// The name of a person: 2 to 50 letters of any script, with spaces, apostrophes and hyphens between them.
///
/// Kept in NFC, trimmed, its inner white space single. Joiners that show nothing (Persian and Indic spelling uses them)
/// are dropped, so that no two stored names look alike and differ.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName(String);

impl PersonName {
    pub const LENGTH: std::ops::RangeInclusive<usize> = 2..=50;

    /// Reads a name as a person types it.
    ///
    /// # Errors
    /// See [`NameRejection`].
    pub fn parse(text: &str) -> Result<Self, NameRejection> {
        // A name of 50 characters in its longest decomposed form; what is longer is not worth normalising.
        if text.len() > 4096 {
            return Err(NameRejection::TooLong);
        }
        let composed: String = text
            .nfc()
            .filter(|character| !matches!(*character, ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER))
            .map(|character| if matches!(character, '\u{2010}' | '\u{2011}') { '-' } else { character })
            .collect();
        let name = composed.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return Err(NameRejection::Empty);
        }
        if name.chars().any(|character| !part_of_a_name(character)) {
            return Err(NameRejection::InvalidCharacter);
        }
        match name.chars().count() {
            short if short < *Self::LENGTH.start() => return Err(NameRejection::TooShort),
            long if long > *Self::LENGTH.end() => return Err(NameRejection::TooLong),
            _ => {}
        }
        if name.starts_with(['-', ' '])
            || name.ends_with('-')
            || starts_with_mark(&name)
            || !name.chars().any(is_letter)
        {
            return Err(NameRejection::InvalidCharacter);
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

    /// What "the same name" compares: NFKC, lower case, without spaces, one kind of apostrophe. `Kim Min Jun`,
    /// `kim minjun` and `ＫＩＭ ＭＩＮＪＵＮ` are one.
    pub fn key(&self) -> String {
        let folded = fold(&self.0);
        let letters = folded.chars().filter(|character| !character.is_whitespace());
        letters.map(|character| if character == '’' { '\'' } else { character }).collect()
    }
}

fn is_letter(character: char) -> bool {
    character.general_category_group() == GeneralCategoryGroup::Letter
}

fn starts_with_mark(text: &str) -> bool {
    text.chars().next().is_some_and(|first| first.general_category_group() == GeneralCategoryGroup::Mark)
}

fn part_of_a_name(character: char) -> bool {
    let group = character.general_category_group();
    let letter = matches!(group, GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark) && !is_hidden(character);
    letter || matches!(character, ' ' | '\'' | '’' | '-')
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[name]")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, &'static str> {
        PersonName::parse(text).map(|name| name.as_str().to_owned()).map_err(NameRejection::reason)
    }

    #[test]
    fn names_of_many_scripts_are_taken() {
        for name in
            ["김솔", "Nguyễn Thị Minh Khai", "O'Brien", "D’Angelo", "Jean-Luc", "محمد", "राम", "山田 太郎", "'t Hooft"]
        {
            assert_eq!(parse(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn a_name_is_kept_in_one_form() {
        assert_eq!(parse("  Kim   Min\u{A0}Jun \n").as_deref(), Ok("Kim Min Jun"));
        assert_eq!(parse("Jose\u{301}").as_deref(), Ok("José"));
        assert_eq!(parse("علی\u{200C}رضا").as_deref(), Ok("علیرضا"));
    }

    #[test]
    fn what_is_no_name_says_why() {
        for (text, reason) in [
            ("", "empty"),
            (" \t", "empty"),
            ("김", "too_short"),
            ("R2D2", "invalid_character"),
            ("John <b>", "invalid_character"),
            ("a\u{202E}b", "invalid_character"),
            ("\u{3164}\u{3164}", "invalid_character"),
            ("''", "invalid_character"),
            ("-ab", "invalid_character"),
            ("\u{301}\u{301}", "invalid_character"),
            ("a\0b", "invalid_character"),
        ] {
            assert_eq!(parse(text), Err(reason), "{text:?}");
        }
        assert_eq!(parse(&"a".repeat(50)).map(|name| name.len()), Ok(50));
        assert_eq!(parse(&"a".repeat(51)), Err("too_long"));
        assert_eq!(parse(&"a".repeat(1_000_000)), Err("too_long"));
    }

    #[test]
    fn spellings_of_one_name_have_one_key() {
        let key = |text| PersonName::parse(text).unwrap().key();
        assert_eq!(key("Kim Min Jun"), key("ＫＩＭ ＭＩＮＪＵＮ"));
        assert_eq!(key("D’Angelo"), key("d'angelo"));
        assert_ne!(key("김민준"), key("김민주"));
    }

    proptest! {
        #[test]
        fn what_was_taken_is_taken_again_unchanged(text in "\\PC{0,60}") {
            if let Ok(name) = PersonName::parse(&text) {
                prop_assert_eq!(PersonName::parse(name.as_str()), Ok(name));
            }
        }
    }
}
