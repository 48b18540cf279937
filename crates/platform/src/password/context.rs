//! What a password must not be made of.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// What is known of a person and of the service: names, username, contacts, birth date. A password that holds one of
/// these is among the first that anybody tries (NIST SP 800-63B, 3.1.1.2: context-specific words).
#[derive(Clone, Default)]
pub struct Context {
    /// Folded words, long enough to mean something.
    words: Vec<String>,
    /// Phone numbers and dates: digits alone.
    numbers: Vec<String>,
}

/// A word of four letters, or of two where the script has no case (Korean and Chinese names): shorter ones are in half
/// of all passwords by chance.
const LEAST_LETTERS: usize = 4;
const LEAST_CASELESS_LETTERS: usize = 2;
/// Six digits in a row of a phone number or a birth date (`900517`). Shorter runs only make a password weaker.
const LEAST_DIGITS: usize = 6;
/// Facts beyond this length are cut: no name is longer, and each costs time.
const MOST_CHARACTERS: usize = 150;

impl Context {
    /// From facts as they are known: `Kim Min Jun`, `minjun@example.com`, `+821012345678`, `1990-05-17`, `Acme`.
    pub fn new(facts: impl IntoIterator<Item = String>) -> Self {
        let mut context = Self::default();
        for fact in facts {
            context.add(&fact);
        }
        context
    }

    /// One more fact.
    pub fn add(&mut self, fact: &str) {
        let fact: String = fold(fact).chars().take(MOST_CHARACTERS).collect();
        match fact.split_once('@') {
            // The last label of a domain belongs to everybody.
            Some((local, domain)) => {
                self.add_words(local);
                self.add_words(domain.rsplit_once('.').map_or(domain, |(name, _)| name));
            }
            None => self.add_words(&fact),
        }
    }

    /// The words of a fact, and the whole of it without what stands between them.
    fn add_words(&mut self, fact: &str) {
        let parts = fact.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty());
        let whole: String = parts.clone().collect();
        if !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit()) {
            self.numbers.push(whole);
            return;
        }
        for word in parts.chain([whole.as_str()]).filter(|word| means_something(word)) {
            if !self.words.iter().any(|known| known == word) {
                self.words.push(word.to_owned());
            }
        }
    }

    /// Whether the password is made of any of it: as it stands, or with the characters between letters left out.
    pub fn is_in(&self, password: &str) -> bool {
        let password = Zeroizing::new(fold(password));
        let joined =
            Zeroizing::new(password.chars().filter(|character| character.is_alphanumeric()).collect::<String>());
        self.words.iter().any(|word| password.contains(word.as_str()) || joined.contains(word.as_str()))
            || self.numbers.iter().any(|number| shares_digits(&password, number) || shares_digits(&joined, number))
    }

    /// What a guesser tries first, for the estimate of strength: the words, and the ends of the numbers.
    pub fn guesses(&self) -> Vec<&str> {
        let ends = self.numbers.iter().flat_map(|number| [4, 8].map(|length| end(number, length)));
        self.words.iter().map(String::as_str).chain(ends).take(32).collect()
    }
}

fn fold(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase()
}

fn means_something(word: &str) -> bool {
    let letters = word.chars().count();
    let caseless = word.chars().all(|letter| letter.is_alphabetic() && !letter.is_lowercase());
    letters >= if caseless { LEAST_CASELESS_LETTERS } else { LEAST_LETTERS }
}

fn end(number: &str, length: usize) -> &str {
    &number[number.len().saturating_sub(length)..]
}

fn shares_digits(password: &str, number: &str) -> bool {
    let mut runs = number.as_bytes().windows(LEAST_DIGITS);
    runs.any(|run| password.as_bytes().windows(LEAST_DIGITS).any(|part| part == run))
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} words, {} numbers]", self.words.len(), self.numbers.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kim() -> Context {
        let facts = ["Kim Min Jun", "김민준", "mj.kim", "minjun@acmecorp.com", "+821012345678", "1990-05-17"];
        Context::new(facts.map(str::to_owned))
    }

    #[test]
    fn pw_02_a_password_made_of_a_person_is_seen_through() {
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
            assert!(kim().is_in(password), "{password}");
        }
    }

    #[test]
    fn chance_is_not_a_likeness() {
        for password in ["NewPassword123!", "kim-chi-is-fine-9A", "Mint-Junction-77!", "1990sMusic!", "Com-Pass-2026!"]
        {
            assert!(!kim().is_in(password), "{password}");
        }
        assert!(!Context::default().is_in("anything"));
        assert!(!Context::new([String::new(), " ".into(), "@".into()]).is_in("anything at all"));
    }

    #[test]
    fn it_does_not_print_what_it_knows() {
        assert_eq!(format!("{:?}", kim()), "[5 words, 2 numbers]");
    }
}
