//! Verification codes: derived with HMAC, never stored.
//!
//! A code is a function of a server key and of the verification's id, purpose and generation. So a resend, a second
//! provider or a restart uses the same code, and a stolen database reveals no codes without the key. Guessing is
//! limited to `CODE_MAX_ATTEMPTS`, so codes can be short.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use domain::{ids::VerificationId, purpose::Purpose, status::CodeFormat};
use platform::{
    config::Secret,
    keys::{ServerKey, ServerKeys},
};

/// 32 characters that are hard to confuse: no 0 or O, no 1 or I. Five bits each, so there is no bias.
const ALPHANUMERIC: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The inputs that a code is derived from, except the key. Stored with a message in the outbox; it reveals nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeSpec {
    pub key_id: String,
    pub purpose: Purpose,
    pub generation: i32,
    /// Number of characters.
    pub length: usize,
    pub format: CodeFormat,
}

impl CodeSpec {
    /// The code of this verification. None: this process does not have the key with this id.
    pub fn derive(&self, id: &VerificationId, keys: &ServerKeys) -> Option<Secret> {
        let key = keys.get(&self.key_id)?;
        let code: Zeroizing<String> = Zeroizing::new(match self.format {
            CodeFormat::Numeric => self.characters(id, key).filter_map(digit).take(self.length).collect(),
            CodeFormat::Alphanumeric => self.characters(id, key).map(alphanumeric).take(self.length).collect(),
        });
        Some(Secret::new(code.as_str()))
    }

    /// Whether `guess` is the code. Takes constant time. Separators, full-width forms and, for alphanumeric codes, case
    /// are ignored.
    /// None: this process does not have the key with this id.
    pub fn matches(&self, id: &VerificationId, keys: &ServerKeys, guess: &str) -> Option<bool> {
        self.derive(id, keys).map(|code| matches_code(&code, guess))
    }

    /// An endless stream of bytes, pseudorandom without the key.
    fn characters(&self, id: &VerificationId, key: &ServerKey) -> impl Iterator<Item = u8> {
        let key = key.clone();
        let id = id.as_str().to_owned();
        let (purpose, generation) = (self.purpose.as_str(), self.generation.to_be_bytes());
        (0u32..).flat_map(move |block| {
            key.derive("code/1", &[id.as_bytes(), purpose.as_bytes(), &generation, &block.to_be_bytes()])
        })
    }
}

/// Whether `guess` is this code, which is in upper case. Takes constant time. Separators, full-width forms and case are
/// ignored.
pub fn matches_code(code: &Secret, guess: &str) -> bool {
    let guess = Zeroizing::new(normalise(guess));
    bool::from(code.expose().as_bytes().ct_eq(guess.as_bytes()))
}

/// The format of a code that was chosen by a client or an operator.
pub fn format_of(code: &Secret) -> CodeFormat {
    let numeric = code.expose().bytes().all(|byte| byte.is_ascii_digit());
    if numeric { CodeFormat::Numeric } else { CodeFormat::Alphanumeric }
}

/// The digit of a byte. The last six of 256 values are skipped to avoid a bias to low digits.
fn digit(byte: u8) -> Option<char> {
    (byte < 250).then(|| char::from(b'0' + byte % 10))
}

fn alphanumeric(byte: u8) -> char {
    char::from(ALPHANUMERIC[usize::from(byte & 31)])
}

/// A guess in the form in which codes are written.
pub fn normalised_guess(guess: &str) -> Secret {
    Secret::new(normalise(guess))
}

/// A typed code without separators, in plain upper-case characters. Input is cut at 64 characters, which is longer than
/// any code, to bound the work.
fn normalise(guess: &str) -> String {
    let typed = guess.chars().take(64).nfkc();
    typed
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '‐' | '‑' | '–' | '—' | '_' | '.' | '·'))
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::clock::Entropy;

    fn keys() -> ServerKeys {
        ServerKeys::new(ServerKey::new((0..32).collect()).unwrap(), Vec::new())
    }

    fn spec(keys: &ServerKeys, format: CodeFormat) -> CodeSpec {
        CodeSpec { key_id: keys.current().id().to_owned(), purpose: Purpose::Contact, generation: 1, length: 6, format }
    }

    #[test]
    fn codes_differ_by_verification_purpose_and_generation() {
        let (keys, entropy) = (keys(), Entropy::seeded(1));
        let spec = spec(&keys, CodeFormat::Numeric);
        let [one, other] = [(), ()].map(|()| VerificationId::new(&entropy));
        let code = |spec: &CodeSpec, id| spec.derive(id, &keys).unwrap().expose().to_owned();
        assert_eq!(code(&spec, &one), code(&spec, &one));
        assert_ne!(code(&spec, &one), code(&spec, &other));
        assert_ne!(code(&spec, &one), code(&CodeSpec { purpose: Purpose::SignIn, ..spec.clone() }, &one));
        assert_ne!(code(&spec, &one), code(&CodeSpec { generation: 2, ..spec.clone() }, &one));
    }

    /// CL-02: uniform in every position, leading zeros kept. With 9 degrees of freedom a chi-square above 45 has a
    /// probability of about one in a million; the seed is fixed, so the result is reproducible.
    #[test]
    fn digits_are_uniform_in_every_position() {
        let (keys, entropy) = (keys(), Entropy::seeded(2));
        let spec = spec(&keys, CodeFormat::Numeric);
        let mut counts = [[0u32; 10]; 6];
        let codes = 20_000;
        for _ in 0..codes {
            let code = spec.derive(&VerificationId::new(&entropy), &keys).unwrap();
            assert_eq!(code.expose().len(), 6);
            for (position, digit) in code.expose().bytes().enumerate() {
                counts[position][usize::from(digit - b'0')] += 1;
            }
        }
        let expected = f64::from(codes) / 10.0;
        for position in counts {
            let chi_square: f64 = position.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
            assert!(chi_square < 45.0, "{chi_square}");
        }
    }

    /// EN-04: `matches_code` compares with `subtle`; this test covers which inputs are equal.
    #[test]
    fn matching_ignores_only_separators_full_width_forms_and_case() {
        let (keys, entropy) = (keys(), Entropy::seeded(3));
        let id = VerificationId::new(&entropy);
        let numeric = spec(&keys, CodeFormat::Numeric);
        let code = numeric.derive(&id, &keys).unwrap().expose().to_owned();
        let full_width: String = code.chars().map(|c| char::from_u32(c as u32 + 0xFEE0).unwrap()).collect();
        for typed in [code.clone(), format!(" {}-{} ", &code[..3], &code[3..]), full_width] {
            assert_eq!(numeric.matches(&id, &keys, &typed), Some(true), "{typed}");
        }
        for typed in [String::new(), "   ".to_owned(), code[..5].to_owned(), format!("{code}0"), "null".to_owned()] {
            assert_eq!(numeric.matches(&id, &keys, &typed), Some(false), "{typed}");
        }
        let alphanumeric = spec(&keys, CodeFormat::Alphanumeric);
        let code = alphanumeric.derive(&id, &keys).unwrap().expose().to_owned();
        assert!(code.bytes().all(|byte| ALPHANUMERIC.contains(&byte)));
        assert_eq!(alphanumeric.matches(&id, &keys, &code.to_lowercase()), Some(true));
    }

    #[test]
    fn a_code_with_an_unknown_key_has_no_match_result() {
        let (keys, entropy) = (keys(), Entropy::seeded(4));
        let id = VerificationId::new(&entropy);
        let unknown = CodeSpec { key_id: "00000000".to_owned(), ..spec(&keys, CodeFormat::Numeric) };
        assert!(unknown.derive(&id, &keys).is_none());
        assert_eq!(unknown.matches(&id, &keys, "123456"), None);
    }
}
