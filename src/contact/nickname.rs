//! Nicknames.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::{
    rejection::rejection,
    script::{ZERO_WIDTH_JOINER, fold, is_hidden},
};

rejection! {
    /// Why a text is no nickname.
    NicknameRejection {
        Empty => "empty",
        TooShort => "too_short",
        TooLong => "too_long",
        /// Something that shows nothing, or changes the direction of text.
        InvalidCharacter => "invalid_character",
    }
}

/// How others see somebody: 2 to 30 visible characters, emoji included.
///
/// Kept in NFC, trimmed, its inner white space single. Unique by its key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Nickname {
    shown: String,
    key: String,
}

/// Asks for the coloured form of the symbol before it.
const EMOJI_PRESENTATION: char = '\u{FE0F}';

impl Nickname {
    pub const LENGTH: std::ops::RangeInclusive<usize> = 2..=30;

    /// Reads a nickname as a person types it.
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
        if !visible(&shown) {
            return Err(NicknameRejection::InvalidCharacter);
        }
        match shown.chars().count() {
            short if short < *Self::LENGTH.start() => Err(NicknameRejection::TooShort),
            long if long > *Self::LENGTH.end() => Err(NicknameRejection::TooLong),
            _ => Ok(Self::from_stored(shown)),
        }
    }

    /// From a row of ours.
    pub fn from_stored(text: impl Into<String>) -> Self {
        let shown = text.into();
        let key = fold(&shown.replace([ZERO_WIDTH_JOINER, EMOJI_PRESENTATION], "")).trim().to_owned();
        Self { shown, key }
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// What uniqueness compares: NFKC, lower case, without what only changes the look of an emoji.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Whether every character shows something. The joiner and the presentation selector that emoji are built with are
/// taken after a symbol; everywhere else they would hide.
fn visible(text: &str) -> bool {
    let mut after_symbol = false;
    for character in text.chars() {
        let builds_emoji = matches!(character, ZERO_WIDTH_JOINER | EMOJI_PRESENTATION);
        if is_hidden(character) && !(builds_emoji && after_symbol) {
            return false;
        }
        after_symbol = is_emoji_part(character) || (builds_emoji && character == EMOJI_PRESENTATION);
    }
    !text.ends_with(ZERO_WIDTH_JOINER)
}

fn is_emoji_part(character: char) -> bool {
    use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
    matches!(character.general_category(), GeneralCategory::OtherSymbol | GeneralCategory::ModifierSymbol)
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
    fn visible_text_is_taken_emoji_included() {
        for name in ["별빛 여행자", "no.1 fan!", "👩\u{200D}💻 dev", "❤\u{FE0F}하트", "x2"] {
            assert_eq!(parse(name).as_deref(), Ok(name));
        }
    }

    #[test]
    fn what_hides_or_does_not_fit_says_why() {
        for (text, reason) in [
            ("", "empty"),
            ("a", "too_short"),
            ("\u{3164}\u{3164}", "invalid_character"),
            ("ad\u{200B}min", "invalid_character"),
            ("a\u{200D}b", "invalid_character"),
            ("👩\u{200D}", "invalid_character"),
            ("\u{202E}abc", "invalid_character"),
            ("ab\0", "invalid_character"),
        ] {
            assert_eq!(parse(text), Err(reason), "{text:?}");
        }
        assert_eq!(parse(&"별".repeat(31)), Err("too_long"));
    }

    #[test]
    fn look_alikes_have_one_key() {
        let key = |text| Nickname::parse(text).unwrap().key().to_owned();
        assert_eq!(key("ＳＴＡＲ"), key("star"));
        assert_eq!(key("❤\u{FE0F}a"), key("❤A"));
        assert_ne!(key("별 빛"), key("별빛"));
    }

    proptest! {
        #[test]
        fn what_was_taken_is_taken_again_unchanged(text in any::<String>()) {
            if let Ok(name) = Nickname::parse(&text) {
                prop_assert_eq!(Nickname::parse(name.as_str()), Ok(name));
            }
        }
    }
}
