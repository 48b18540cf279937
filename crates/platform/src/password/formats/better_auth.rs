//! better-auth: `HEXSALT:HEXKEY`, scrypt with the hexadecimal digits of the salt as its salt. It normalises passwords
//! to NFKC, as this service does.

use super::{Exported, Format, ImportRejection, ImportRejection::Malformed, Text};
use crate::password::schemes::{
    Algorithm, Scrypt, scrypt_params,
    text::{hex, some_text},
};

pub const FORMAT: Format = Format { name: "better-auth", text, object: None };

const SALT_DIGITS: usize = 32;
const KEY_DIGITS: usize = 128;

fn text(text: &str) -> Text {
    let (salt, key) = text.split_once(':')?;
    let is_hex = |text: &str| text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let recognised = salt.len() == SALT_DIGITS && key.len() == KEY_DIGITS && is_hex(salt) && is_hex(key);
    recognised.then(|| read(salt, key))
}

fn read(salt: &str, key: &str) -> Result<Exported, ImportRejection> {
    let params = scrypt_params(16_384, 16, 1).map_err(|_| Malformed)?;
    Ok(Algorithm::Scrypt(Scrypt { params, salt: some_text(salt)?, output: hex(key)? }).into())
}
