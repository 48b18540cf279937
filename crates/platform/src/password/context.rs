//! Personal data that a password must not contain.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Known facts about a person and the service: names, username, contacts, birth date. A password that contains one of
/// these is among the first guesses of an attacker (NIST SP 800-63B, 3.1.1.2: context-specific words).
#[derive(Clone, Default)]
pub struct PasswordContext {
    /// Case-folded words above the minimum length.
    words: Vec<String>,
    /// Phone numbers and dates, only their digits.
    numbers: Vec<String>,
}

/// The minimum length of a word: four letters, or two in scripts without case (Korean and Chinese names). Shorter words
/// occur in half of all passwords by chance.
const MIN_LETTERS: usize = 4;
const MIN_CASELESS_LETTERS: usize = 2;
/// Six consecutive digits of a phone number or a birth date (`900517`). Shorter runs only lower the strength score.
const MIN_DIGITS: usize = 6;
/// Longer facts are truncated: no name is longer, and each character costs time.
const MAX_CHARACTERS: usize = 150;

impl PasswordContext {
    /// From unprocessed facts: `Kim Min Jun`, `minjun@example.com`, `+821012345678`, `1990-05-17`, `Acme`.
    pub fn new(facts: impl IntoIterator<Item = String>) -> Self {
        let mut context = Self::default();
        for fact in facts {
            context.add(&fact);
        }
        context
    }

    /// Adds a fact.
    pub fn add(&mut self, fact: &str) {
        let fact: String = fold(fact).chars().take(MAX_CHARACTERS).collect();
        match fact.split_once('@') {
            // The last label of a domain is not personal.
            Some((local, domain)) => {
                self.add_words(local);
                self.add_words(domain.rsplit_once('.').map_or(domain, |(name, _)| name));
            }
            None => self.add_words(&fact),
        }
    }

    /// Adds the words of a fact, and all of them joined without separators.
    fn add_words(&mut self, fact: &str) {
        let parts = fact.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty());
        let whole: String = parts.clone().collect();
        if !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit()) {
            self.numbers.push(whole);
            return;
        }
        for word in parts.chain([whole.as_str()]).filter(|word| is_long_enough(word)) {
            if !self.words.iter().any(|known| known == word) {
                self.words.push(word.to_owned());
            }
        }
    }

    /// Whether the password contains any of the facts, as it is or without its separators.
    pub fn occurs_in(&self, password: &str) -> bool {
        let password = Zeroizing::new(fold(password));
        let joined =
            Zeroizing::new(password.chars().filter(|character| character.is_alphanumeric()).collect::<String>());
        self.words.iter().any(|word| password.contains(word.as_str()) || joined.contains(word.as_str()))
            || self.numbers.iter().any(|number| shares_digits(&password, number) || shares_digits(&joined, number))
    }

    /// Words for the strength estimate, which an attacker tries first: the words, and the ends of the numbers.
    pub fn guesses(&self) -> Vec<&str> {
        let ends = self.numbers.iter().flat_map(|number| [4, 8].map(|length| end(number, length)));
        self.words.iter().map(String::as_str).chain(ends).take(32).collect()
    }
}

fn fold(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase()
}

fn is_long_enough(word: &str) -> bool {
    let letters = word.chars().count();
    let caseless = word.chars().all(|letter| letter.is_alphabetic() && !letter.is_lowercase());
    letters >= if caseless { MIN_CASELESS_LETTERS } else { MIN_LETTERS }
}

fn end(number: &str, length: usize) -> &str {
    &number[number.len().saturating_sub(length)..]
}

fn shares_digits(password: &str, number: &str) -> bool {
    let mut runs = number.as_bytes().windows(MIN_DIGITS);
    runs.any(|run| password.as_bytes().windows(MIN_DIGITS).any(|part| part == run))
}

impl fmt::Debug for PasswordContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} words, {} numbers]", self.words.len(), self.numbers.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kim() -> PasswordContext {
        let facts = ["Kim Min Jun", "김민준", "mj.kim", "minjun@acmecorp.com", "+821012345678", "1990-05-17"];
        PasswordContext::new(facts.map(str::to_owned))
    }

    #[test]
    fn pw_02_passwords_with_personal_data_are_detected() {
        for password in [
            "MinJun!2026",
            "min-jun-2026!",
            "kimminjun1A!",
            "xX김민준Xx1!",
            "Hello-Acmecorp-9",
            "Aa!12345678",
            "Aa!1234-5678",
            "Seoul19900517!",
            "Seoul900517!a",
            "ＭＩＮＪＵＮ!9a",
        ] {
            assert!(kim().occurs_in(password), "{password}");
        }
    }

    #[test]
    fn accidental_similarities_are_accepted() {
        for password in ["NewPassword123!", "kim-chi-is-fine-9A", "Mint-Junction-77!", "1990sMusic!", "Com-Pass-2026!"]
        {
            assert!(!kim().occurs_in(password), "{password}");
        }
        assert!(!PasswordContext::default().occurs_in("anything"));
        assert!(!PasswordContext::new([String::new(), " ".into(), "@".into()]).occurs_in("anything at all"));
    }

    #[test]
    fn debug_output_contains_no_facts() {
        assert_eq!(format!("{:?}", kim()), "[5 words, 2 numbers]");
    }
}
