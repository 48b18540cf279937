//! Whether a text is written in the alphabet of GSM 03.38, which packs 160 characters into one message.

/// The basic alphabet and its extension, without ASCII letters and digits.
const SIGNS: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€\u{c}";

/// Whether every character is in GSM-7; one that is not makes the whole text UCS-2.
pub fn fits(text: &str) -> bool {
    text.chars().all(|char| char.is_ascii_alphanumeric() || SIGNS.contains(char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_foreign_character_is_enough() {
        for text in ["123456 is your ExampleCo code.\n\n@example.com #123456", "[Acme] {€}~^|\\", "a\r\nb"] {
            assert!(fits(text), "{text}");
        }
        for text in ["인증번호", "code `123456`", "“123456”", "a\u{a0}b", "😀", "e\u{301}"] {
            assert!(!fits(text), "{text}");
        }
    }
}
