//! Transformations of a password before it is hashed. Most systems use them because bcrypt ignores bytes after the
//! 72nd.

use std::{borrow::Cow, fmt};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    HashFunction, blank_salt,
    text::{base64, encode},
};
use crate::password::ImportRejection::{self, Malformed, UnknownFormat};

/// The delimiters of a prehash in a stored text.
const OPENING: &str = "{prehash=";
const CLOSING: char = '}';

const SECRET_SUFFIX: &str = "secret-suffix";
const HMAC_SHA256_BASE64: &str = "hmac-sha256-base64";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prehash {
    None,
    /// The password with a secret of the application appended (Devise's pepper).
    SecretSuffix(Vec<u8>),
    /// Lower-case hexadecimal of MD5 (Drupal 7, for accounts migrated from Drupal 6).
    Md5Hex,
    /// Lower-case hexadecimal of SHA-256 (Django).
    Sha256Hex,
    /// Base 64 of SHA-256 (passlib's `bcrypt-sha256`, version 1).
    Sha256Base64,
    /// Base 64 of HMAC-SHA-256 with the text of the salt as the key (passlib's `bcrypt-sha256`, version 2).
    HmacSha256Base64(Vec<u8>),
    /// Base 64 of HMAC-SHA-384 of the trimmed password (WordPress from 6.8 on).
    WordPress,
    /// Base 64 of SHA-512, but only for passwords that bcrypt would truncate (Symfony).
    Symfony,
}

impl Prehash {
    /// The bytes to hash for `password`.
    pub fn apply<'a>(&self, password: &'a [u8]) -> Prepared<'a> {
        let transformed = match self {
            Prehash::SecretSuffix(secret) => [password, secret].concat(),
            Prehash::Md5Hex => hex::encode(&*HashFunction::Md5.digest(&[password])).into_bytes(),
            Prehash::Sha256Hex => hex::encode(&*HashFunction::Sha256.digest(&[password])).into_bytes(),
            Prehash::Sha256Base64 => STANDARD.encode(&*HashFunction::Sha256.digest(&[password])).into_bytes(),
            Prehash::HmacSha256Base64(key) => mac(hmac::HMAC_SHA256, key, password),
            Prehash::WordPress => mac(hmac::HMAC_SHA384, b"wp-sha384", trimmed(password)),
            Prehash::Symfony if password.len() > 72 || password.contains(&0) => {
                STANDARD.encode(&*HashFunction::Sha512.digest(&[password])).into_bytes()
            }
            Prehash::None | Prehash::Symfony => return Prepared(Cow::Borrowed(password)),
        };
        Prepared(Cow::Owned(transformed))
    }

    /// The same prehash without its secret or salt.
    #[must_use]
    pub fn blank(&self) -> Self {
        match self {
            Prehash::SecretSuffix(_) => Prehash::SecretSuffix(blank_salt()),
            Prehash::HmacSha256Base64(_) => Prehash::HmacSha256Base64(blank_salt()),
            Prehash::None
            | Prehash::Md5Hex
            | Prehash::Sha256Hex
            | Prehash::Sha256Base64
            | Prehash::WordPress
            | Prehash::Symfony => self.clone(),
        }
    }

    /// The name, and the bytes that are stored with it.
    fn parts(&self) -> (&'static str, &[u8]) {
        match self {
            Prehash::None => ("", &[]),
            Prehash::SecretSuffix(secret) => (SECRET_SUFFIX, secret),
            Prehash::Md5Hex => ("md5-hex", &[]),
            Prehash::Sha256Hex => ("sha256-hex", &[]),
            Prehash::Sha256Base64 => ("sha256-base64", &[]),
            Prehash::HmacSha256Base64(key) => (HMAC_SHA256_BASE64, key),
            Prehash::WordPress => ("wordpress", &[]),
            Prehash::Symfony => ("symfony", &[]),
        }
    }

    /// Parses the prehash at the start of a stored text; also returns the rest of the text.
    pub fn read(text: &str) -> Result<(Self, &str), ImportRejection> {
        let Some(tag) = text.strip_prefix(OPENING) else { return Ok((Prehash::None, text)) };
        let (tag, rest) = tag.split_once(CLOSING).ok_or(Malformed)?;
        let (name, bytes) = tag.split_once(':').unwrap_or((tag, ""));
        if name == SECRET_SUFFIX {
            return Ok((Prehash::SecretSuffix(base64(bytes)?), rest));
        }
        if name == HMAC_SHA256_BASE64 {
            return Ok((Prehash::HmacSha256Base64(base64(bytes)?), rest));
        }
        let plain = [Prehash::Md5Hex, Prehash::Sha256Hex, Prehash::Sha256Base64, Prehash::WordPress, Prehash::Symfony];
        let named = plain.into_iter().find(|prehash| prehash.parts().0 == name);
        Ok((named.ok_or(UnknownFormat)?, rest))
    }
}

impl fmt::Display for Prehash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            ("", _) => Ok(()),
            (name, []) => write!(f, "{OPENING}{name}{CLOSING}"),
            (name, bytes) => write!(f, "{OPENING}{name}:{}{CLOSING}", encode(bytes)),
        }
    }
}

/// The bytes to hash. A copy is wiped on drop.
pub struct Prepared<'a>(Cow<'a, [u8]>);

impl std::ops::Deref for Prepared<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(bytes) = &mut self.0 {
            zeroize::Zeroize::zeroize(bytes);
        }
    }
}

fn mac(algorithm: hmac::Algorithm, key: &[u8], password: &[u8]) -> Vec<u8> {
    STANDARD.encode(hmac::sign(&hmac::Key::new(algorithm, key), password)).into_bytes()
}

/// Trims like PHP's `trim`.
fn trimmed(mut password: &[u8]) -> &[u8] {
    const BLANK: &[u8] = b" \t\n\r\0\x0b";
    while let [first, rest @ ..] = password
        && BLANK.contains(first)
    {
        password = rest;
    }
    while let [rest @ .., last] = password
        && BLANK.contains(last)
    {
        password = rest;
    }
    password
}
