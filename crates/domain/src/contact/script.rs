//! Invisible Unicode characters, and the normalisation of spellings.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

/// Joiners that some scripts need between letters; invisible by themselves.
pub const ZERO_WIDTH_NON_JOINER: char = '\u{200C}';
pub const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// Whether a character is invisible, or changes how its neighbours are displayed: controls, format characters (bidi
/// overrides, zero-width spaces), unassigned and private code points, and blank letters and symbols.
///
/// The blank ones are Unicode's `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt) outside the general
/// categories above, and the empty Braille cell. Among them are the Hangul fillers, which have the category of letters
/// and are used for "empty" Korean nicknames.
pub fn is_invisible(character: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, Surrogate, Unassigned};
    let category = character.general_category();
    matches!(category, Control | Format | LineSeparator | ParagraphSeparator | PrivateUse | Surrogate | Unassigned)
        || matches!(
            character,
            '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{2800}'
                | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}'
        )
}

/// Removes characters around a text that copying often adds: all white space, line breaks, byte order marks and
/// zero-width characters. Such characters inside the text are kept for validation.
pub fn trim_copied(text: &str) -> &str {
    text.trim_matches(|character: char| {
        character.is_whitespace() || matches!(character, '\u{FEFF}' | '\u{2060}' | '\u{200B}')
    })
}

/// A letter of an alphabet, a syllabary or an ideographic script.
pub fn is_letter(character: char) -> bool {
    character.general_category_group() == GeneralCategoryGroup::Letter && !is_invisible(character)
}

/// A mark that combines with the letter before it. Variation selectors are excluded: they select a form of a letter.
pub fn is_combining_mark(character: char) -> bool {
    use GeneralCategory::{NonspacingMark, SpacingMark};
    matches!(character.general_category(), NonspacingMark | SpacingMark) && !is_invisible(character)
}

/// Whether the character's script joins letters, so that a joiner or non-joiner between two of them changes the
/// display: Arabic and related scripts, Mongolian, and the scripts of India and its neighbours.
pub fn allows_joiners(character: char) -> bool {
    use Script::{
        Adlam, Arabic, Bengali, Devanagari, Gujarati, Gurmukhi, Hanifi_Rohingya, Kannada, Khmer, Malayalam, Mandaic,
        Mongolian, Myanmar, Nko, Oriya, Sinhala, Syriac, Tamil, Telugu, Thaana, Tibetan,
    };
    let joining = matches!(
        character.script(),
        Adlam
            | Arabic
            | Bengali
            | Devanagari
            | Gujarati
            | Gurmukhi
            | Hanifi_Rohingya
            | Kannada
            | Khmer
            | Malayalam
            | Mandaic
            | Mongolian
            | Myanmar
            | Nko
            | Oriya
            | Sinhala
            | Syriac
            | Tamil
            | Telugu
            | Thaana
            | Tibetan
    );
    joining && (is_letter(character) || is_combining_mark(character))
}

/// Selects a form of the character before it. `U+180E` separates a Mongolian vowel from its word.
pub fn is_variation_selector(character: char) -> bool {
    matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' | '\u{180B}'..='\u{180F}')
}

/// Whether the selector can change the form of this character: ideographs with Japanese and Hong Kong registered forms,
/// and letters of a few other scripts. After any other character a selector is only invisible.
pub fn has_variants(character: char, selector: char) -> bool {
    let script = character.script();
    match selector {
        '\u{FE00}'..='\u{FE02}' => matches!(script, Script::Han | Script::Myanmar | Script::Phags_Pa),
        '\u{E0100}'..='\u{E01EF}' => script == Script::Han,
        '\u{180B}'..='\u{180F}' => script == Script::Mongolian && is_letter(character),
        _ => false,
    }
}

/// The form for comparing names: compatibility forms resolved (NFKC), lower case.
///
/// It uses Unicode's simple lower case and not full case folding, so that `straße` and `strasse` stay different. The
/// final sigma is the only letter whose lower case depends on its position; it becomes an ordinary sigma.
pub fn fold(text: &str) -> String {
    let lower = text.nfkc().collect::<String>().to_lowercase();
    // Lower-casing may decompose (`İ`), so it is composed again.
    lower.nfkc().map(|character| if character == 'ς' { 'σ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blank_letters_and_direction_marks_are_hidden() {
        for hidden in
            ['\u{3164}', '\u{115F}', '\u{FFA0}', '\u{200B}', '\u{202E}', '\u{2066}', '\u{AD}', '\0', '\u{E000}']
        {
            assert!(is_invisible(hidden), "{hidden:?}");
        }
        for shown in ['a', '김', ' ', '\u{301}', '👍', '’', 'ʻ', '٣'] {
            assert!(!is_invisible(shown), "{shown:?}");
        }
    }

    #[test]
    fn spellings_of_one_name_fold_to_the_same_form() {
        assert_eq!(fold("Ｋｉｍ"), fold("KIM"));
        assert_eq!(fold("ΟΔΥΣΣΕΥΣ"), fold("οδυσσευσ"));
        assert_eq!(fold("e\u{301}"), fold("É"));
        assert_ne!(fold("straße"), fold("strasse"));
        assert_ne!(fold("ı"), fold("i"));
    }

    proptest! {
        #[test]
        fn folding_is_idempotent(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
