//! Spring Security's delegating encoder: `{id}`, followed by the text of that encoder.

use super::{
    Exported, Fields, Format, FormatRefusal, ImportRejection,
    ImportRejection::{Malformed, UnknownFormat},
    Object, Text, ldap,
};
use crate::{
    password::schemes::{
        Algorithm, HashFunction, Pbkdf2, SaltPlace, Salted, Scheme, Scrypt, scrypt_params_of_log_n,
        text::{hex, some_base64},
    },
    secret::Secret,
};

pub const FORMAT: Format = Format { name: "spring", text, object: Some(object) };

/// The hash function, rounds and salt length of Spring's PBKDF2, which its text does not contain.
type Pbkdf2Version = (HashFunction, u32, usize);

const PBKDF2_5_0: Pbkdf2Version = (HashFunction::Sha1, 185_000, 8);
const PBKDF2_5_8: Pbkdf2Version = (HashFunction::Sha256, 310_000, 16);
/// The rounds and the salt length of `StandardPasswordEncoder`.
const STANDARD: (u32, usize) = (1024, 8);

fn text(text: &str) -> Text {
    read(text, &[])
}

/// `secret` is the constructor argument of `Pbkdf2PasswordEncoder` or `StandardPasswordEncoder`.
fn object(fields: &Fields<'_>) -> Object {
    fields.only(&["format", "hash", "secret"])?;
    let secret = if fields.0.contains_key("secret") { fields.text("secret")? } else { "" };
    let exported = read(fields.text("hash")?, secret.as_bytes()).unwrap_or(Err(UnknownFormat));
    exported.map_err(|reason| FormatRefusal { field: Some("hash"), reason })
}

fn read(text: &str, secret: &[u8]) -> Text {
    let (id, rest) = text.strip_prefix('{')?.split_once('}')?;
    Some(match id {
        "noop" => Ok(Exported::Clear(Secret::new(rest))),
        "bcrypt" | "argon2" | "argon2@SpringSecurity_v5_8" => match Scheme::read(rest) {
            Ok(scheme) if matches!(scheme.algorithm, Algorithm::Bcrypt(_) | Algorithm::Argon2(_)) => Ok(scheme.into()),
            Ok(_) => Err(Malformed),
            Err(reason) => Err(reason),
        },
        "pbkdf2" => pbkdf2(PBKDF2_5_0, rest, secret),
        "pbkdf2@SpringSecurity_v5_8" => pbkdf2(PBKDF2_5_8, rest, secret),
        "scrypt" | "scrypt@SpringSecurity_v5_8" => scrypt(rest),
        "sha256" if rest.len() == 80 => standard(rest, secret),
        "ldap" => return ldap::read(rest),
        "MD5" if is_digest(rest) => digest(HashFunction::Md5, rest),
        "SHA-1" => digest(HashFunction::Sha1, rest),
        "SHA-256" => digest(HashFunction::Sha256, rest),
        _ => return None,
    })
}

/// Whether the digest is in hexadecimal: LDAP directories use the same name with base 64.
fn is_digest(rest: &str) -> bool {
    rest.starts_with('{') || (rest.len() == 32 && !rest.ends_with('='))
}

fn pbkdf2((function, rounds, length): Pbkdf2Version, rest: &str, secret: &[u8]) -> Result<Exported, ImportRejection> {
    let bytes = hex(rest)?;
    let (salt, output) = bytes.split_at_checked(length).ok_or(Malformed)?;
    Ok(Algorithm::Pbkdf2(Pbkdf2::from_parts(function, rounds, [salt, secret].concat(), output.to_vec())?).into())
}

/// `$e0801$SALT$HASH`: log2 of N, then r, then p, in hexadecimal.
fn scrypt(rest: &str) -> Result<Exported, ImportRejection> {
    let fields: Vec<&str> = rest.split('$').collect();
    let ["", parameters, salt, hash] = fields[..] else { return Err(Malformed) };
    let parameters = u32::from_str_radix(parameters, 16).map_err(|_| Malformed)?;
    let params = scrypt_params_of_log_n(parameters >> 16, parameters >> 8 & 0xff, parameters & 0xff)?;
    Ok(Algorithm::Scrypt(Scrypt { params, salt: some_base64(salt)?, output: some_base64(hash)? }).into())
}

fn standard(rest: &str, secret: &[u8]) -> Result<Exported, ImportRejection> {
    let bytes = hex(rest)?;
    let (rounds, length) = STANDARD;
    let (salt, output) = bytes.split_at_checked(length).ok_or(Malformed)?;
    let salt = [salt, secret].concat();
    let scheme = Salted::from_parts(HashFunction::Sha256, SaltPlace::BeforePassword, rounds, salt, output.to_vec())?;
    Ok(Algorithm::Salted(scheme).into())
}

/// `{SALT}HEX`, where the braces are part of the salt, or only `HEX`.
fn digest(function: HashFunction, rest: &str) -> Result<Exported, ImportRejection> {
    let end = if rest.starts_with('{') { rest.find('}').ok_or(Malformed)? + 1 } else { 0 };
    let (salt, hash) = rest.split_at(end);
    let scheme = Salted::once(function, SaltPlace::AfterPassword, salt.as_bytes().to_vec(), hex(hash)?)?;
    Ok(Algorithm::Salted(scheme).into())
}
