//! `userPassword` of LDAP directories (RFC 2307): `{SCHEME}`, case-insensitive, and base 64 of digest and salt.

use super::{Exported, Format, ImportRejection, ImportRejection::Malformed, Text};
use crate::password::schemes::{Algorithm, HashFunction, SaltPlace, Salted, text::some_base64};

pub const FORMAT: Format = Format { name: "ldap", text: read, object: None };

pub fn read(text: &str) -> Text {
    let (name, rest) = text.strip_prefix('{')?.split_once('}')?;
    let (function, is_salted) = match name.to_ascii_uppercase().as_str() {
        "MD5" => (HashFunction::Md5, false),
        "SMD5" => (HashFunction::Md5, true),
        "SHA" => (HashFunction::Sha1, false),
        "SSHA" => (HashFunction::Sha1, true),
        "SHA256" => (HashFunction::Sha256, false),
        "SSHA256" => (HashFunction::Sha256, true),
        "SHA512" => (HashFunction::Sha512, false),
        "SSHA512" => (HashFunction::Sha512, true),
        // The rest is a text with its own prefix.
        "CRYPT" | "ARGON2" => return rest.starts_with('$').then(|| super::text(rest)),
        _ => return None,
    };
    Some(digest(function, is_salted, rest))
}

fn digest(function: HashFunction, is_salted: bool, rest: &str) -> Result<Exported, ImportRejection> {
    let bytes = some_base64(rest)?;
    let (output, salt) = bytes.split_at_checked(function.length()).ok_or(Malformed)?;
    if salt.is_empty() == is_salted {
        return Err(Malformed);
    }
    let scheme = Salted::once(function, SaltPlace::AfterPassword, salt.to_vec(), output.to_vec())?;
    Ok(Algorithm::Salted(scheme).into())
}
