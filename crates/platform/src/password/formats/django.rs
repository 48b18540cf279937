//! Django: the name of a hasher, followed by the hasher's own text.

use super::{
    Exported, Format, ImportRejection,
    ImportRejection::{Malformed, UnknownFormat},
    Text,
};
use crate::password::schemes::{
    Algorithm, HashFunction, Pbkdf2, Prehash, SaltPlace, Salted, Scheme, Scrypt, scrypt_params,
    text::{hex, number, some_base64, some_text},
};

pub const FORMAT: Format = Format { name: "django", text, object: None };

fn text(text: &str) -> Text {
    // An unusable password is "!" and forty random letters.
    if text.starts_with('!') {
        return Some(Ok(Exported::Unusable));
    }
    if let Some(rest) = text.strip_prefix("argon2$") {
        return rest.starts_with("argon2").then(|| plain(&format!("${rest}"), Prehash::None));
    }
    if let Some(rest) = text.strip_prefix("bcrypt_sha256$") {
        return Some(plain(rest, Prehash::Sha256Hex));
    }
    if let Some(rest) = text.strip_prefix("bcrypt$") {
        return Some(plain(rest, Prehash::None));
    }
    let fields: Vec<&str> = text.split('$').collect();
    match fields[..] {
        [id, rounds, salt, hash] => Some(pbkdf2(id.strip_prefix("pbkdf2_")?, rounds, salt, hash)),
        ["scrypt", n, salt, r, p, hash] => Some(scrypt([n, r, p], salt, hash)),
        [name @ ("md5" | "sha1"), salt, hash] => Some(salted(name, salt, hash)),
        // Unsalted MD5, used by Django and other systems.
        [hash] if hash.len() == 32 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            Some(salted("md5", "", hash))
        }
        _ => None,
    }
}

/// A text that other systems write, too.
fn plain(text: &str, prehash: Prehash) -> Result<Exported, ImportRejection> {
    let scheme = Scheme::read(text)?;
    match (&scheme.algorithm, &scheme.prehash) {
        (Algorithm::Bcrypt(_) | Algorithm::Argon2(_), Prehash::None) => Ok(Scheme { prehash, ..scheme }.into()),
        _ => Err(Malformed),
    }
}

fn pbkdf2(name: &str, rounds: &str, salt: &str, hash: &str) -> Result<Exported, ImportRejection> {
    let scheme = Pbkdf2::named(name, number(rounds)?, some_text(salt)?, some_base64(hash)?)?;
    Ok(Algorithm::Pbkdf2(scheme).into())
}

fn scrypt([n, r, p]: [&str; 3], salt: &str, hash: &str) -> Result<Exported, ImportRejection> {
    let params = scrypt_params(number(n)?, number(r)?, number(p)?)?;
    Ok(Algorithm::Scrypt(Scrypt { params, salt: some_text(salt)?, output: some_base64(hash)? }).into())
}

fn salted(name: &str, salt: &str, hash: &str) -> Result<Exported, ImportRejection> {
    let function = HashFunction::named(name).ok_or(UnknownFormat)?;
    let scheme = Salted::once(function, SaltPlace::BeforePassword, salt.as_bytes().to_vec(), hex(hash)?)?;
    Ok(Algorithm::Salted(scheme).into())
}
