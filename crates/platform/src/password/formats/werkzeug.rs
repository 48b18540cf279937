//! Werkzeug (Flask): `scrypt:32768:8:1$SALT$HEX` and `pbkdf2:sha256:1000000$SALT$HEX`.

use super::{Exported, Format, ImportRejection, ImportRejection::UnknownFormat, Text};
use crate::password::schemes::{
    Algorithm, Pbkdf2, Scrypt, scrypt_params,
    text::{hex, number, some_text},
};

pub const FORMAT: Format = Format { name: "werkzeug", text, object: None };

fn text(text: &str) -> Text {
    let fields: Vec<&str> = text.split('$').collect();
    let [method, salt, hash] = fields[..] else { return None };
    let method: Vec<&str> = method.split(':').collect();
    match method[..] {
        ["scrypt", n, r, p] => Some(scrypt([n, r, p], salt, hash)),
        ["pbkdf2", name, rounds] => Some(pbkdf2(name, rounds, salt, hash)),
        // Old versions omitted the rounds, and the number differed between versions, so it is unknown.
        ["pbkdf2", _] => Some(Err(UnknownFormat)),
        _ => None,
    }
}

fn scrypt([n, r, p]: [&str; 3], salt: &str, hash: &str) -> Result<Exported, ImportRejection> {
    let params = scrypt_params(number(n)?, number(r)?, number(p)?)?;
    Ok(Algorithm::Scrypt(Scrypt { params, salt: some_text(salt)?, output: hex(hash)? }).into())
}

fn pbkdf2(name: &str, rounds: &str, salt: &str, hash: &str) -> Result<Exported, ImportRejection> {
    Ok(Algorithm::Pbkdf2(Pbkdf2::named(name, number(rounds)?, some_text(salt)?, hex(hash)?)?).into())
}
