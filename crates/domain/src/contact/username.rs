//! Usernames.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::{GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection, skeleton};

use super::{rejection::rejection, script::fold};

rejection! {
    /// Why a text is not a valid username.
    UsernameRejection {
        Empty => "empty",
        TooShort => "too_short",
        TooLong => "too_long",
        /// A character other than letters, digits, dot, underscore and hyphen; or one of the last three at an end or
        /// repeated.
        InvalidCharacter => "invalid_character",
        /// Without a letter it could be taken for a phone number.
        NoLetter => "no_letter",
        /// A mix of scripts that no language uses, or a whole name that looks like Latin letters.
        Confusable => "confusable",
        /// A name that suggests the service or its staff, or has a technical meaning.
        Reserved => "reserved",
    }
}

/// A sign-in name: 3 to 30 letters and digits, with single dots, underscores and hyphens between them.
///
/// Stored in NFKC with its case as typed; unique by its key (NFKC, lower case).
///
/// Against confusable names it applies Unicode Technical Standard 39: its identifier profile, at most the script mixes
/// that "highly restrictive" allows (Latin with Chinese, Japanese or Korean), and no name in another script whose
/// skeleton is plain Latin (`сосо` in Cyrillic). Non-ASCII Latin letters are allowed (`yıldız`, `præst`), but a
/// reserved name is also reserved in confusable spellings. At least one letter and no at sign, so that a username is
/// never taken for a phone number or an e-mail address at sign-in.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Username {
    display: String,
    key: String,
}

/// Names that suggest the service or its staff, standard mailbox names (RFC 2142), and placeholder names. Compared
/// without separators and trailing digits: `Admin_1` is reserved.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "abuse", "account", "accounts", "admin", "administrator", "anonymous", "api", "auth", "billing", "bot",
    "contact", "countersign", "customerservice", "daemon", "everyone", "graphql", "guest", "help", "helpdesk",
    "hostmaster", "info", "login", "mailerdaemon", "me", "mod", "moderator", "nobody", "noreply", "null",
    "official", "operator", "owner", "postmaster", "root", "security", "service", "signin", "signup", "staff",
    "superuser", "support", "sys", "sysadmin", "system", "team", "undefined", "verification", "verify", "webmaster",
    "관리자", "운영자", "운영진", "고객센터", "공식", "시스템",
];

impl Username {
    pub const LENGTH: std::ops::RangeInclusive<usize> = 3..=30;

    /// Parses a username as a user types it.
    ///
    /// # Errors
    /// See [`UsernameRejection`].
    pub fn parse(text: &str) -> Result<Self, UsernameRejection> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UsernameRejection::Empty);
        }
        if text.len() > 1024 {
            return Err(UsernameRejection::TooLong);
        }
        let name: String = text.nfkc().collect();
        if !well_formed(&name) {
            return Err(UsernameRejection::InvalidCharacter);
        }
        match name.chars().count() {
            short if short < *Self::LENGTH.start() => return Err(UsernameRejection::TooShort),
            long if long > *Self::LENGTH.end() => return Err(UsernameRejection::TooLong),
            _ => {}
        }
        if !name.chars().any(is_letter) {
            return Err(UsernameRejection::NoLetter);
        }
        if confusable(&name) {
            return Err(UsernameRejection::Confusable);
        }
        let name = Self::from_stored(name);
        if reserved(&name.key) { Err(UsernameRejection::Reserved) } else { Ok(name) }
    }

    /// From a stored row, without validation.
    pub fn from_stored(text: impl Into<String>) -> Self {
        let shown = text.into();
        let key = fold(&shown);
        Self { display: shown, key }
    }

    /// The display form.
    pub fn as_str(&self) -> &str {
        &self.display
    }

    /// The form used for uniqueness and sign-in.
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn is_letter(character: char) -> bool {
    character.general_category_group() == GeneralCategoryGroup::Letter
}

fn is_separator(character: char) -> bool {
    matches!(character, '.' | '_' | '-')
}

fn well_formed(name: &str) -> bool {
    let mut before = None;
    for character in name.chars() {
        let letter_or_digit = is_letter(character) || character.general_category() == GeneralCategory::DecimalNumber;
        let mark = character.general_category_group() == GeneralCategoryGroup::Mark;
        let follows_letter = before.is_some_and(|before| !is_separator(before));
        let fits = if is_separator(character) || mark { follows_letter } else { letter_or_digit };
        if !fits || !(is_separator(character) || character.identifier_allowed()) {
            return false;
        }
        before = Some(character);
    }
    before.is_some_and(|last| !is_separator(last))
}

fn confusable(name: &str) -> bool {
    if name.is_ascii() {
        return false;
    }
    let latin = |character: char| matches!(character.script(), Script::Latin | Script::Common | Script::Inherited);
    !name.check_restriction_level(RestrictionLevel::HighlyRestrictive)
        || (skeleton(name).all(|shape| shape.is_ascii()) && !name.chars().all(latin))
}

fn reserved(key: &str) -> bool {
    let letters: String = key.chars().filter(|character| !is_separator(*character)).collect();
    let name = letters.trim_end_matches(|character: char| character.is_ascii_digit());
    let looks_like = |known: &&str| !name.is_ascii() && skeleton(known).eq(skeleton(name));
    RESERVED.iter().any(|known| *known == name || looks_like(known))
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[username]")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<String, &'static str> {
        Username::parse(text).map(|name| name.key().to_owned()).map_err(UsernameRejection::reason)
    }

    #[test]
    fn name_keeps_its_case_and_is_compared_case_insensitively() {
        assert_eq!(Username::parse("Min.Jun_7").unwrap().as_str(), "Min.Jun_7");
        assert_eq!(parse("Min.Jun_7").as_deref(), Ok("min.jun_7"));
        assert_eq!(parse("ＭｉｎＪｕｎ").as_deref(), Ok("minjun"));
        assert_eq!(parse("민준kim").as_deref(), Ok("민준kim"));
        assert_eq!(parse("минск").as_deref(), Ok("минск"));
        assert_eq!(parse("supporter").as_deref(), Ok("supporter"));
        for latin in ["yıldız", "præst", "øystein", "łukasz", "đorđe", "weiß"] {
            assert_eq!(parse(latin).as_deref(), Ok(latin));
        }
    }

    #[test]
    fn invalid_usernames_are_rejected_with_a_reason() {
        for (text, reason) in [
            ("", "empty"),
            ("ab", "too_short"),
            ("a b c", "invalid_character"),
            ("min@jun", "invalid_character"),
            (".minjun", "invalid_character"),
            ("minjun-", "invalid_character"),
            ("min..jun", "invalid_character"),
            ("min\u{200B}jun", "invalid_character"),
            ("\u{3164}\u{3164}\u{3164}", "invalid_character"),
            ("\u{301}abc", "invalid_character"),
            ("min\u{301}\u{0}", "invalid_character"),
            ("01012345678", "no_letter"),
            ("010-1234-5678", "no_letter"),
            ("аdmin", "confusable"),
            ("pаypal", "confusable"),
            ("сосо", "confusable"),
            ("ραυ", "confusable"),
            ("Admin_1", "reserved"),
            ("r-o-o-t", "reserved"),
            ("admın", "reserved"),
            ("고객센터", "reserved"),
        ] {
            assert_eq!(parse(text), Err(reason), "{text:?}");
        }
        assert_eq!(parse(&"a".repeat(31)), Err("too_long"));
        assert_eq!(parse(&"a".repeat(100_000)), Err("too_long"));
    }

    proptest! {
        #[test]
        fn parsing_is_idempotent(text in "\\PC{0,40}") {
            if let Ok(name) = Username::parse(&text) {
                prop_assert_eq!(Username::parse(name.as_str()), Ok(name.clone()));
                prop_assert_eq!(Username::parse(name.key()).map(|again| again.key), Ok(name.key));
            }
        }
    }
}
