//! The strength check for all keys that an operator chooses.
//!
//! Random bytes pass in any encoding. Rejected are sequences, repeated patterns, keys of a few different characters,
//! placeholder words of tutorials, published keys, hashes of common passwords, and text whose estimated entropy is
//! below [`MIN_BITS`].

use std::collections::HashSet;

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;
use zxcvbn::{matching::patterns::MatchPattern, zxcvbn};

use super::{
    ED25519_PKCS8_PREFIX,
    patterns::{follows_a_rule, is_sequence},
    published::{is_hash_of_a_word, is_published},
};

/// Placeholder words that no real secret of any issuer contains.
const SAMPLES: &[&str] =
    &["changeme", "changethis", "placeholder", "replaceme", "replacethis", "yoursecret", "yourtoken", "yourapikey"];

/// Whether a text is a placeholder of a sample: `change-me`, `<token>`, `xxxxxxxx`.
pub fn is_sample_text(text: &str) -> bool {
    let bracketed = text.starts_with('<') && text.ends_with('>');
    let blank = text.len() >= 4 && text.chars().all(|c| matches!(c, 'x' | 'X' | '*' | '.' | '…'));
    bracketed || blank || contains_any(text, SAMPLES)
}

fn contains_any(text: &str, words: &[&str]) -> bool {
    let letters: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect());
    words.iter().any(|word| letters.contains(word))
}

/// Minimum estimated entropy of a key, in bits. 128 random bits in hexadecimal are above it even with a few accidental
/// patterns; a sentence of ordinary words is below.
pub const MIN_BITS: f64 = 100.0;

/// Minimum length of decoded bytes. If fewer bytes are encoded, only the text itself is checked.
const MIN_DECODED: usize = 16;
/// Maximum number of checked forms of a key with nested encodings (Base64 of hexadecimal of bytes).
const MAX_FORMS: usize = 3;
/// How many bytes of a long key are checked.
const MAX_CHECKED: usize = 256;
/// How many characters are passed to zxcvbn at once: its running time is superlinear.
const WINDOW: usize = 28;

/// Placeholder texts of tutorials and configuration samples, without separators, in lower case. Each is long enough
/// that random Base64 does not contain it by accident.
const PLACEHOLDERS: &[&str] = &[
    "changeme",
    "changethis",
    "placeholder",
    "replaceme",
    "replacethis",
    "yoursecret",
    "your256bit",
    "yourjwtsecret",
    "yourserverkey",
    "example",
    "supersecret",
    "secretkey",
    "mysecret",
    "notasecret",
    "development",
    "insertkey",
    "password",
    "stringsecret",
    "secretfor",
    "jwtsecret",
    "secretjwt",
    "secrettoken",
    "verylong",
    "verysecret",
    "topsecret",
    "insecure",
    "donotuse",
    "pleasechange",
    "replacewith",
    "tobemodified",
    "mycompany",
    "forproduction",
];

/// The first digits of pi, e, the square root of two, and the golden ratio.
const CONSTANTS: &[&str] = &["3141592653589793", "2718281828459045", "1414213562373095", "1618033988749894"];

/// Words that can be written in hexadecimal, with eight digits each.
const HEXADECIMAL_WORDS: &[&str] = &[
    "deadbeef", "cafebabe", "deadc0de", "8badf00d", "baadf00d", "feedface", "deadfa11", "c0ffee00", "00c0ffee",
    "cafed00d", "facefeed", "badc0ffe", "badc0ded", "defec8ed", "decafbad", "1badb002", "cafef00d", "beefcafe",
    "cafebeef", "beefbabe", "fee1dead", "0d15ea5e", "dabbad00", "abadcafe", "b16b00b5", "abadbabe", "0badf00d",
    "0defaced",
];

/// Consecutive equal bytes that make a binary key weak.
const RUN: usize = 8;

const SEQUENCE: &str = "is a sequence that counts up or down";
const REPETITION: &str = "repeats a short pattern";
const FEW_VALUES: &str = "consists of a few different characters";
const PLACEHOLDER: &str = "contains a placeholder or a common password";
const PUBLISHED: &str = "is published in a tutorial or a standard, or is the hash of a common password";
const GUESSABLE: &str = "consists of words or patterns that can be guessed";

/// Why a key is too weak, without its value. `None`: no weakness was found. The key is checked as it is and in decoded
/// form: zero bytes are as weak in Base64 as in hexadecimal.
pub fn weakness(key: &[u8]) -> Option<&'static str> {
    forms(key).iter().find_map(|form| weakness_of(form))
}

/// Whether two keys are the same bytes, in any encodings.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let others = forms(other);
    forms(one).iter().any(|form| others.contains(form))
}

/// The key itself and its decoded forms.
fn forms(key: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = vec![Zeroizing::new(key.to_vec())];
    while forms.len() < MAX_FORMS {
        match forms.last().and_then(|form| decoded(form)) {
            Some(bytes) => forms.push(bytes),
            None => break,
        }
    }
    forms
}

/// Decodes hexadecimal, or Base64 of either alphabet with or without padding, or the content of a PEM. For an Ed25519
/// private key in PKCS #8 the result is the seed.
fn decoded(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let body = pem_body(text);
    let text = body.as_ref().map_or(text, |body| body.as_slice());
    let bytes = hex::decode(text)
        .ok()
        .or_else(|| GeneralPurpose::new(&STANDARD, lenient).decode(text).ok())
        .or_else(|| GeneralPurpose::new(&URL_SAFE, lenient).decode(text).ok())?;
    let bytes = Zeroizing::new(bytes);
    if bytes.len() < MIN_DECODED {
        return None;
    }
    Some(seed_in(&bytes).unwrap_or(bytes))
}

/// The Base64 between the first BEGIN and END lines, also with `\n` instead of line breaks.
fn pem_body(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(std::str::from_utf8(text).ok()?.replace("\\n", "\n"));
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (_, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    Some(Zeroizing::new(body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect()))
}

/// The seed of an Ed25519 private key in PKCS #8, version 1 or 2 (RFC 8410): it follows the algorithm and two headers.
fn seed_in(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let before = &ED25519_PKCS8_PREFIX[7..];
    let at = der.windows(before.len()).position(|window| window == before)? + before.len();
    der.get(at..at + 32).map(|seed| Zeroizing::new(seed.to_vec()))
}

fn weakness_of(bytes: &[u8]) -> Option<&'static str> {
    if is_published(bytes) || is_hash_of_a_word(bytes) {
        return Some(PUBLISHED);
    }
    let bytes = &bytes[..bytes.len().min(MAX_CHECKED)];
    let text = text(bytes);
    let lower = Zeroizing::new(bytes.to_ascii_lowercase());
    let folded: &[u8] = if text.is_some() { &lower } else { bytes };
    if is_sequence(folded) || is_sequence(bytes) || follows_a_rule(bytes) {
        Some(SEQUENCE)
    } else if is_periodic(folded) || (text.is_none() && has_run(bytes)) {
        Some(REPETITION)
    } else if has_few_values(bytes, text.is_some()) {
        Some(FEW_VALUES)
    } else if text.is_some_and(has_placeholder) {
        Some(PLACEHOLDER)
    } else if text.is_some_and(|text| contains_any(text, CONSTANTS)) || is_made_of_hexadecimal_words(bytes) {
        Some(PUBLISHED)
    } else {
        (bits(bytes, text) < MIN_BITS).then_some(GUESSABLE)
    }
}

/// Whether a byte is repeated `RUN` times in a row, which happens in one of 2^48 random keys of 256 bytes.
fn has_run(bytes: &[u8]) -> bool {
    bytes.windows(RUN).any(|window| window.iter().all(|byte| *byte == window[0]))
}

/// Whether the text contains a placeholder, also with digits and signs in place of letters: `S3cr3tK3y`. With replaced
/// letters only long words are searched, because random Base64 may contain short ones by accident.
fn has_placeholder(text: &str) -> bool {
    let plain = |character| match character {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    let spelled = Zeroizing::new(text.chars().map(plain).collect::<String>());
    let long: Vec<_> = PLACEHOLDERS.iter().filter(|word| word.len() >= 8).copied().collect();
    contains_any(text, PLACEHOLDERS) || contains_any(&spelled, &long)
}

/// Whether at least half of the bytes are `HEXADECIMAL_WORDS`.
fn is_made_of_hexadecimal_words(bytes: &[u8]) -> bool {
    let digits = Zeroizing::new(hex::encode(bytes));
    let words = HEXADECIMAL_WORDS.iter().map(|word| digits.matches(word).count()).sum::<usize>();
    words >= 2 && words * 8 >= bytes.len()
}

/// The bytes as text, if they are printable. Random bytes of a usual length never are.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

/// Whether the bytes repeat with a fixed period, except for up to a quarter of altered bytes.
fn is_periodic(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2).any(|period| {
        let same = bytes[period..].iter().zip(bytes).filter(|(one, other)| one == other).count();
        same * 4 >= (bytes.len() - period) * 3
    })
}

fn has_few_values(bytes: &[u8], is_text: bool) -> bool {
    let values = bytes.iter().collect::<HashSet<_>>().len();
    // There are 10 digits and 16 hexadecimal digits; 32 random bytes have about 30 different values.
    values < if is_text { 8 } else { bytes.len().min(32) / 2 }
}

/// A lower estimate of the entropy: the smaller of two models, bytes with repetitions and words with patterns.
fn bits(bytes: &[u8], text: Option<&str>) -> f64 {
    let each = text.map_or(8.0, |_| bits_of_alphabet(bytes));
    let repetitive = bits_with_repetitions(bytes, each);
    text.map_or(repetitive, |text| repetitive.min(bits_with_words(text, each)))
}

/// Bits per character, from the classes of characters that occur and the number of different characters.
fn bits_of_alphabet(text: &[u8]) -> f64 {
    let distinct = text.iter().collect::<HashSet<_>>().len().max(1);
    let all = |is: fn(&u8) -> bool| text.iter().all(is);
    let any = |is: fn(&u8) -> bool| text.iter().any(is);
    if all(u8::is_ascii_digit) {
        return f64::log2(10.0);
    }
    if all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) || all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')) {
        return 4.0;
    }
    let kinds = [
        (any(u8::is_ascii_digit), 10.0),
        (any(u8::is_ascii_lowercase), 26.0),
        (any(u8::is_ascii_uppercase), 26.0),
        (any(|byte| !byte.is_ascii_alphanumeric()), 12.0),
    ];
    let alphabet = kinds.iter().filter(|(occurs, _)| *occurs).map(|(_, size)| size).sum::<f64>().log2();
    // A short text does not contain its whole alphabet.
    let each = alphabet.min((distinct as f64).log2() + 0.75);
    if looks_like_words(text) { each.min(BITS_IN_WORDS) } else { each }
}

/// Bits per character of ordinary words: one of eight thousand words has 13 bits, and six characters with the space.
const BITS_IN_WORDS: f64 = 2.2;

/// Whether text resembles words: many vowels, and few changes between upper case, lower case and digits. Text that is
/// not ASCII always counts as words, because no generator of keys emits it.
fn looks_like_words(text: &[u8]) -> bool {
    let kind = |byte: &u8| match byte {
        b'0'..=b'9' => Some(0),
        b'a'..=b'z' => Some(1),
        b'A'..=b'Z' => Some(2),
        _ => None,
    };
    let kinds: Vec<_> = text.iter().filter_map(kind).collect();
    let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let letters = kinds.iter().filter(|kind| **kind > 0).count();
    let vowels = text.iter().filter(|byte| b"aeiouAEIOU".contains(byte)).count();
    !text.is_ascii() || (changes * 5 < text.len() && vowels * 100 >= letters * 28)
}

/// The size after compression with literals, references to earlier bytes, and references to a repeated step.
fn bits_with_repetitions(bytes: &[u8], each: f64) -> f64 {
    let reference = 2.0 * (bytes.len().max(2) as f64).log2();
    let (mut bits, mut at) = (0.0, 0);
    while at < bytes.len() {
        let known = longest_copy(bytes, at).max(run_on(bytes, at));
        if known as f64 * each > reference {
            bits += reference;
            at += known;
        } else {
            bits += each;
            at += 1;
        }
    }
    bits
}

fn longest_copy(bytes: &[u8], at: usize) -> usize {
    let common = |from: usize| bytes[from..].iter().zip(&bytes[at..]).take_while(|(one, other)| one == other).count();
    (0..at).map(common).max().unwrap_or_default()
}

/// The number of bytes from `at` that continue the step between the two bytes before `at`.
fn run_on(bytes: &[u8], at: usize) -> usize {
    let Some([before, last]) = at.checked_sub(2).map(|start| [bytes[start], bytes[at - 1]]) else { return 0 };
    let step = last.wrapping_sub(before);
    bytes[at - 1..].windows(2).take_while(|pair| pair[1].wrapping_sub(pair[0]) == step).count()
}

/// The entropy of patterns that zxcvbn recognises (words, names, keyboard rows, dates) by their number of guesses, and
/// of other characters by `each`.
fn bits_with_words(text: &str, each: f64) -> f64 {
    let characters = Zeroizing::new(text.chars().collect::<Vec<_>>());
    let windows = characters.chunks(WINDOW).map(|window| {
        let window = Zeroizing::new(window.iter().collect::<String>());
        let parts = zxcvbn(&window, &[]);
        let bits = parts.sequence().iter().map(|part| {
            let literal = each * part.token.chars().count() as f64;
            match (&part.pattern, part.guesses) {
                (MatchPattern::BruteForce, _) | (_, None) => literal,
                (_, Some(guesses)) => literal.min((guesses.max(1) as f64).log2()),
            }
        });
        bits.sum::<f64>()
    });
    windows.sum()
}

#[cfg(test)]
#[path = "strength_tests.rs"]
mod tests;
