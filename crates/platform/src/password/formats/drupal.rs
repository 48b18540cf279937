//! Drupal 7 to 10.0: `$S$`, and `U$S$` for accounts that came from Drupal 6. From 10.1 on Drupal writes PHP's bcrypt.

use super::{Exported, Format, Text, wordpress::portable};
use crate::password::schemes::{HashFunction, Prehash, Scheme};

pub const FORMAT: Format = Format { name: "drupal", text, object: None };

/// Of the 86 digits of a SHA-512 it stores as many as make the whole text 55 long.
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
