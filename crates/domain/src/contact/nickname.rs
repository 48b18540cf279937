//! Nicknames.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::{
    rejection::rejection,
    script::{
        ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER, allows_joiners, fold, has_variants, is_invisible,
        is_variation_selector,
    },
};

rejection! {
    /// Why a text is not a valid nickname.
    NicknameRejection {
        Empty => "empty",
        TooShort => "too_short",
        TooLong => "too_long",
        /// An invisible character, or one that changes the direction of text.
        InvalidCharacter => "invalid_character",
    }
}

/// The name shown to other users: 2 to 30 visible characters, emoji included.
///
/// Stored in NFC, trimmed, with single spaces inside. Unique by its key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Nickname {
    display: String,
    key: String,
}

/// Request the emoji form of the symbol before it, and the text form.
const EMOJI_PRESENTATION: char = '\u{FE0F}';
const TEXT_PRESENTATION: char = '\u{FE0E}';

/// Turns the digit and the presentation selector before it into a keycap emoji.
const KEYCAP: char = '\u{20E3}';

impl Nickname {
    pub const LENGTH: std::ops::RangeInclusive<usize> = 2..=30;

    /// Parses a nickname as a user types it.
    ///
    /// # Errors
    /// See [`NicknameRejection`].
    pub fn parse(text: &str) -> Result<Self, NicknameRejection> {
        if text.len() > 4096 {
            return Err(NicknameRejection::TooLong);
        }
        let composed: String = text.nfc().collect();
        let shown = composed.split_whitespace().collect::<Vec<_>>().join(" ");
        if shown.is_empty() {
            return Err(NicknameRejection::Empty);
        }
        if !is_visible(&shown) {
            return Err(NicknameRejection::InvalidCharacter);
        }
        match shown.chars().count() {
            short if short < *Self::LENGTH.start() => Err(NicknameRejection::TooShort),
            long if long > *Self::LENGTH.end() => Err(NicknameRejection::TooLong),
            _ => Ok(Self::from_stored(shown)),
        }
    }

    /// From a stored row, without validation.
    pub fn from_stored(text: impl Into<String>) -> Self {
        let shown = text.into();
        let appearance_only = |character: char| {
            matches!(character, ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER) || is_variation_selector(character)
        };
        let key = fold(&shown.replace(appearance_only, "")).trim().to_owned();
        Self { display: shown, key }
    }

    /// The display form.
    pub fn as_str(&self) -> &str {
        &self.display
    }

    /// The form used for uniqueness: NFKC, lower case, without characters that only change the appearance of an emoji
    /// or a letter.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Whether every character is visible. Characters that build emoji (the joiner, presentation selectors, flag tags),
/// join letters or select a letter's form are accepted where they have that effect; elsewhere they would be invisible.
fn is_visible(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let at = |index: Option<usize>| index.and_then(|index| characters.get(index)).copied();
    let shown = |(index, &character): (usize, &char)| {
        let (before, after) = (at(index.checked_sub(1)), at(index.checked_add(1)));
        !is_invisible(character) || before.is_some_and(|before| affects_display(before, character, after))
    };
    characters.iter().enumerate().all(shown)
}

/// Whether the invisible `character` changes the appearance of the text between these two.
fn affects_display(before: char, character: char, after: Option<char>) -> bool {
    match character {
        ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER if allows_joiners(before) => after.is_some_and(allows_joiners),
        ZERO_WIDTH_JOINER => {
            let built = is_emoji_part(before) || before == EMOJI_PRESENTATION || is_tag(before);
            built && after.is_some_and(is_emoji_part)
        }
        EMOJI_PRESENTATION if after == Some(KEYCAP) => before.is_ascii_digit() || matches!(before, '#' | '*'),
        EMOJI_PRESENTATION | TEXT_PRESENTATION => is_emoji_part(before),
        _ if is_tag(character) => before == BLACK_FLAG || is_tag(before),
        _ => has_variants(before, character),
    }
}

/// The flag that becomes a region's flag when tags follow it.
const BLACK_FLAG: char = '\u{1F3F4}';

fn is_tag(character: char) -> bool {
    matches!(character, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}' | '\u{E007F}')
}

fn is_emoji_part(character: char) -> bool {
    use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
    let symbol = matches!(character.general_category(), GeneralCategory::OtherSymbol | GeneralCategory::ModifierSymbol);
    // Emoji of other categories: arrows, and punctuation marks with an emoji form.
    symbol || matches!(character, '\u{2190}'..='\u{21FF}' | '\u{25FE}' | '\u{25FD}' | '‼' | '⁉' | '〰')
}

impl fmt::Debug for Nickname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[nickname]")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, &'static str> {
        Nickname::parse(text).map(|name| name.as_str().to_owned()).map_err(NicknameRejection::reason)
    }

    #[test]
    fn visible_text_with_emoji_is_accepted() {
        for name in ["별빛 여행자", "no.1 fan!", "👩\u{200D}💻 dev", "❤\u{FE0F}하트", "x2", "별!"] {
            assert_eq!(parse(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn joiners_and_selectors_are_accepted_where_they_have_an_effect() {
        for name in [
            "1\u{FE0F}\u{20E3}등",
            "❤\u{FE0F}\u{200D}🔥",
            "👨\u{200D}👩\u{200D}👧 가족",
            "👋🏽 hi",
            "🇰🇷 fan",
            "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
            "↔\u{FE0F} swap",
            "❤\u{FE0E} plain",
            "علی\u{200C}رضا",
            "ක්\u{200D}රිෂ",
            "葛\u{E0100}城",
        ] {
            assert_eq!(parse(name).as_deref(), Ok(name), "{name:?}");
        }
    }

    #[test]
    fn invalid_nicknames_are_rejected_with_a_reason() {
        for (text, reason) in [
            ("", "empty"),
            ("a", "too_short"),
            ("\u{3164}\u{3164}", "invalid_character"),
            ("ad\u{200B}min", "invalid_character"),
            ("a\u{200D}b", "invalid_character"),
            ("👩\u{200D}", "invalid_character"),
            ("👩\u{200D}a", "invalid_character"),
            ("ab\u{FE0F}", "invalid_character"),
            ("1\u{FE0F}a", "invalid_character"),
            ("ab\u{E0067}", "invalid_character"),
            ("ab\u{E0100}", "invalid_character"),
            ("علی\u{200C}", "invalid_character"),
            ("\u{202E}abc", "invalid_character"),
            ("ab\0", "invalid_character"),
        ] {
            assert_eq!(parse(text), Err(reason), "{text:?}");
        }
        assert_eq!(parse(&"별".repeat(31)), Err("too_long"));
    }

    #[test]
    fn look_alikes_share_a_key() {
        let key = |text| Nickname::parse(text).unwrap().key().to_owned();
        assert_eq!(key("ＳＴＡＲ"), key("star"));
        assert_eq!(key("❤\u{FE0F}a"), key("❤A"));
        assert_eq!(key("علی\u{200C}رضا"), key("علیرضا"));
        assert_eq!(key("葛\u{E0100}城"), key("葛城"));
        assert_ne!(key("별 빛"), key("별빛"));
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent(text in any::<String>()) {
            if let Ok(name) = Nickname::parse(&text) {
                prop_assert_eq!(Nickname::parse(name.as_str()), Ok(name));
            }
        }
    }
}
