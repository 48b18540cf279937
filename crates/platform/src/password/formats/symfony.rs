//! Symfony's bcrypt, which hashes passwords of more than 72 bytes first. Its argon2 is the standard one.

use super::{Fields, Format, FormatRefusal, ImportRejection::Malformed, Object, no_text};
use crate::password::schemes::{Algorithm, Prehash, Scheme};

pub const FORMAT: Format = Format { name: "symfony", text: no_text, object: Some(object) };

fn object(fields: &Fields<'_>) -> Object {
    fields.only(&["format", "hash"])?;
    let of_hash = |reason| FormatRefusal { field: Some("hash"), reason };
    let scheme = Scheme::read(fields.text("hash")?).map_err(of_hash)?;
    match (&scheme.prehash, &scheme.algorithm) {
        (Prehash::None, Algorithm::Bcrypt(_)) => Ok(Scheme { prehash: Prehash::Symfony, ..scheme }.into()),
        (Prehash::None, Algorithm::Argon2(_)) => Ok(scheme.into()),
        _ => Err(of_hash(Malformed)),
    }
}
