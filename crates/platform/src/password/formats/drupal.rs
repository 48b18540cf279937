//! Drupal 7 to 10.0: `$S$`, and `U$S$` for accounts migrated from Drupal 6. From 10.1 on, Drupal uses PHP's bcrypt.

use super::{Exported, Format, Text, wordpress::portable};
use crate::password::schemes::{HashFunction, Prehash, Scheme};

pub const FORMAT: Format = Format { name: "drupal", text, object: None };

/// Drupal truncates the 86 digits of a SHA-512 so that the whole text has 55 characters.
const DIGITS: usize = 43;

fn text(text: &str) -> Text {
    let (prehash, rest) = match text.strip_prefix('U') {
        Some(rest) => (Prehash::Md5Hex, rest),
        None => (Prehash::None, text),
    };
    let rest = rest.strip_prefix("$S$")?;
    let read = portable(HashFunction::Sha512, rest, DIGITS);
    Some(read.map(|algorithm| Exported::Hash(Scheme { prehash, algorithm })))
}
