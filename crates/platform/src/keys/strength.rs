//! How hard a secret key is to guess: one check for every key that an operator chooses, wherever it comes from.
//!
//! Random bytes pass in whatever encoding they are written. What does not: sequences, repeated patterns, a handful of
//! different characters, words out of tutorials, keys that are printed somewhere, hashes of common passwords, and text
//! whose estimated entropy is below [`LEAST_BITS`].

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

/// Words that only samples have in the place of a secret, whoever issues it.
const SAMPLES: &[&str] =
    &["changeme", "changethis", "placeholder", "replaceme", "replacethis", "yoursecret", "yourtoken", "yourapikey"];

/// Whether a text stands in the place of a secret, as samples have it: `change-me`, `<token>`, `xxxxxxxx`.
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

/// The estimated entropy that a key needs. 128 random bits in hexadecimal stay above it even where they contain a few
/// accidental patterns; a sentence of ordinary words stays below.
pub const LEAST_BITS: f64 = 100.0;

/// Encodings of fewer bytes than this are not looked into: the key is checked as the text that it is.
const LEAST_DECODED: usize = 16;
/// How many encodings may be wrapped into each other (Base64 of hexadecimal of bytes).
const DEEPEST: usize = 3;
/// How much of a long key is looked at.
const LONGEST: usize = 256;
/// How many characters zxcvbn gets at once: its work grows faster than the length.
const WINDOW: usize = 28;

/// Text out of tutorials and configuration samples, without separators, in lower case. Each is long enough that random
/// Base64 contains none of them by accident.
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

/// What hexadecimal can spell, each of eight digits.
const HEXADECIMAL_WORDS: &[&str] = &[
    "deadbeef", "cafebabe", "deadc0de", "8badf00d", "baadf00d", "feedface", "deadfa11", "c0ffee00", "00c0ffee",
    "cafed00d", "facefeed", "badc0ffe", "badc0ded", "defec8ed", "decafbad", "1badb002", "cafef00d", "beefcafe",
    "cafebeef", "beefbabe", "fee1dead", "0d15ea5e", "dabbad00", "abadcafe", "b16b00b5", "abadbabe", "0badf00d",
    "0defaced",
];

/// Equal bytes in a row that make a key weak, where it is not text.
const RUN: usize = 8;

const SEQUENCE: &str = "is a sequence that counts up or down";
const REPETITION: &str = "repeats a short pattern";
const FEW_VALUES: &str = "consists of a few different characters";
const PLACEHOLDER: &str = "contains a placeholder or a common password";
const PUBLISHED: &str = "is printed in a tutorial or a standard, or is the hash of a common password";
const GUESSABLE: &str = "is made of words or patterns that can be guessed";

/// Why a key is too weak, in words that never contain it; none: no weakness was found. The key is examined as it is and
/// as every encoding that it may be: zero bytes are as weak in Base64 as they are in hexadecimal.
pub fn weakness(key: &[u8]) -> Option<&'static str> {
    forms(key).iter().find_map(|form| weakness_of(form))
}

/// Whether two keys are the same bytes, in whatever encoding each of them is written.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    let others = forms(other);
    forms(one).iter().any(|form| others.contains(form))
}

/// The key itself, and what it decodes to.
fn forms(key: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut forms = vec![Zeroizing::new(key.to_vec())];
    while forms.len() < DEEPEST {
        match forms.last().and_then(|form| decoded(form)) {
            Some(bytes) => forms.push(bytes),
            None => break,
        }
    }
    forms
}

/// What text spells in hexadecimal, or else in Base64 of either alphabet, padded or not; what a PEM has inside. Of an
/// Ed25519 private key in PKCS #8 it is the seed.
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
    if bytes.len() < LEAST_DECODED {
        return None;
    }
    Some(seed_in(&bytes).unwrap_or(bytes))
}

/// The Base64 between the first pair of lines with dashes, also where `\n` stands for the line breaks.
fn pem_body(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = Zeroizing::new(std::str::from_utf8(text).ok()?.replace("\\n", "\n"));
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (_, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    Some(Zeroizing::new(body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect()))
}

/// The seed of an Ed25519 private key in PKCS #8, of either version (RFC 8410): behind the algorithm and two headers.
fn seed_in(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let before = &ED25519_PKCS8_PREFIX[7..];
    let at = der.windows(before.len()).position(|window| window == before)? + before.len();
    der.get(at..at + 32).map(|seed| Zeroizing::new(seed.to_vec()))
}

fn weakness_of(bytes: &[u8]) -> Option<&'static str> {
    if is_published(bytes) || is_hash_of_a_word(bytes) {
        return Some(PUBLISHED);
    }
    let bytes = &bytes[..bytes.len().min(LONGEST)];
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
        (bits(bytes, text) < LEAST_BITS).then_some(GUESSABLE)
    }
}

/// Whether one byte stands so often in a row as it does in no random key: in one of 2^48 keys of 256 bytes.
fn has_run(bytes: &[u8]) -> bool {
    bytes.windows(RUN).any(|window| window.iter().all(|byte| *byte == window[0]))
}

/// The same words with digits and signs in the place of letters: `S3cr3tK3y`. Only long ones: the shorter they are, the
/// more often random Base64 contains one.
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

/// Whether half of the bytes or more spell such words, in hexadecimal.
fn is_made_of_hexadecimal_words(bytes: &[u8]) -> bool {
    let digits = Zeroizing::new(hex::encode(bytes));
    let words = HEXADECIMAL_WORDS.iter().map(|word| digits.matches(word).count()).sum::<usize>();
    words >= 2 && words * 8 >= bytes.len()
}

/// The bytes as text, if a person could have typed them. Random bytes are never all printable.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

/// Whether the bytes repeat what came a fixed distance before, save a few that were altered.
fn is_periodic(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2).any(|period| {
        let same = bytes[period..].iter().zip(bytes).filter(|(one, other)| one == other).count();
        same * 4 >= (bytes.len() - period) * 3
    })
}

fn has_few_values(bytes: &[u8], is_text: bool) -> bool {
    let values = bytes.iter().collect::<HashSet<_>>().len();
    // Digits are ten, and hexadecimal has sixteen; 32 random bytes have about thirty values.
    values < if is_text { 8 } else { bytes.len().min(32) / 2 }
}

/// An estimate from below: the cheaper of two descriptions, as bytes with repetitions and as words with patterns.
fn bits(bytes: &[u8], text: Option<&str>) -> f64 {
    let each = text.map_or(8.0, |_| bits_of_alphabet(bytes));
    let repetitive = bits_with_repetitions(bytes, each);
    text.map_or(repetitive, |text| repetitive.min(bits_with_words(text, each)))
}

/// What one character is worth, by the kinds of characters that occur and how many different ones there are.
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
    // A short text can't show its whole alphabet.
    let each = alphabet.min((distinct as f64).log2() + 0.75);
    if looks_like_words(text) { each.min(BITS_IN_WORDS) } else { each }
}

/// What a character of ordinary words is worth: a word out of eight thousand has 13 bits, and six characters with the
/// space.
const BITS_IN_WORDS: f64 = 2.2;

/// Whether text has the shape of words: as many vowels, and as few changes between capitals, small letters and digits.
/// Whatever is not ASCII was typed by a person.
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

/// Literals, and references to earlier bytes or to a step that goes on: as a compressor would write it.
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

/// For how long the step between the two bytes before `at` goes on.
fn run_on(bytes: &[u8], at: usize) -> usize {
    let Some([before, last]) = at.checked_sub(2).map(|start| [bytes[start], bytes[at - 1]]) else { return 0 };
    let step = last.wrapping_sub(before);
    bytes[at - 1..].windows(2).take_while(|pair| pair[1].wrapping_sub(pair[0]) == step).count()
}

/// What zxcvbn recognises (words, names, keyboard rows, dates) counts by its rank, the rest by its characters.
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
