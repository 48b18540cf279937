//! Parsing of the parts of hash texts: base 64, hexadecimal, numbers.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD_NO_PAD},
};

use crate::password::{
    Bound,
    ImportRejection::{self, Malformed, TooCostly},
};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// The largest number that a parameter of any algorithm can be.
pub const NUMBER: Bound = Bound::new(u32::MAX as u64, "for a parameter");

/// No hash and no salt is longer.
const MAX_LENGTH: usize = 256;

/// Base 64 with the standard or the URL-safe alphabet, with or without padding. May be empty.
pub fn base64(text: &str) -> Result<Vec<u8>, ImportRejection> {
    let engine = if text.contains(['-', '_']) { BASE64_URL } else { BASE64 };
    bounded(engine.decode(text).map_err(|_| Malformed)?)
}

/// Like [`base64()`], but not empty.
pub fn some_base64(text: &str) -> Result<Vec<u8>, ImportRejection> {
    some(base64(text)?)
}

/// passlib's variant of base 64, with a dot instead of the plus.
pub fn dotted_base64(text: &str) -> Result<Vec<u8>, ImportRejection> {
    some_base64(&text.replace('.', "+"))
}

pub fn encode(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

pub fn hex(text: &str) -> Result<Vec<u8>, ImportRejection> {
    bounded(::hex::decode(text).map_err(|_| Malformed)?)
}

/// A salt whose characters are used as its bytes; not empty.
pub fn some_text(text: &str) -> Result<Vec<u8>, ImportRejection> {
    some(bounded(text.as_bytes().to_vec())?)
}

fn bounded(bytes: Vec<u8>) -> Result<Vec<u8>, ImportRejection> {
    if bytes.len() <= MAX_LENGTH { Ok(bytes) } else { Err(Malformed) }
}

fn some(bytes: Vec<u8>) -> Result<Vec<u8>, ImportRejection> {
    if bytes.is_empty() { Err(Malformed) } else { Ok(bytes) }
}

/// A parameter of a list such as `m=19456,t=2,p=1`.
pub fn parameter<'a>(parameters: &'a str, name: &str) -> Result<&'a str, ImportRejection> {
    let found = parameters.split(',').find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='));
    found.ok_or(Malformed)
}

/// A numeric parameter.
pub fn number_parameter(parameters: &str, name: &str) -> Result<u32, ImportRejection> {
    number(parameter(parameters, name)?)
}

/// Decimal digits. A number that does not fit into `u32` is too costly as any parameter.
pub fn number(text: &str) -> Result<u32, ImportRejection> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    text.parse().map_err(|_| TooCostly(NUMBER))
}

/// The base 64 of crypt(3) and phpass, which is little-endian.
pub mod crypt64 {
    use crate::password::ImportRejection::{self, Malformed};

    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// The value of a digit.
    pub fn digit(sign: u8) -> Result<u32, ImportRejection> {
        let position = ALPHABET.iter().position(|digit| *digit == sign).ok_or(Malformed)?;
        u32::try_from(position).map_err(|_| Malformed)
    }

    /// The complete bytes of a text; remaining bits are dropped.
    pub fn decode(text: &str) -> Result<Vec<u8>, ImportRejection> {
        let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
        for group in text.as_bytes().chunks(4) {
            let mut bits = 0u32;
            for (position, sign) in group.iter().enumerate() {
                bits |= digit(*sign)? << (6 * position);
            }
            bytes.extend_from_slice(&bits.to_le_bytes()[..group.len() * 6 / 8]);
        }
        Ok(bytes)
    }
}
