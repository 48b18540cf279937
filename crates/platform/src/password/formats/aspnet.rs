//! ASP.NET Core Identity and its predecessor ASP.NET Identity: base 64 of a version byte, the parameters, salt and
//! hash.

use super::{
    Exported, Format, ImportRejection,
    ImportRejection::{Malformed, UnknownFormat},
    Text,
};
use crate::password::schemes::{Algorithm, HashFunction, Pbkdf2, text::some_base64};

pub const FORMAT: Format = Format { name: "aspnet-identity", text, object: None };

const V2_SALT: usize = 16;
const V2_OUTPUT: usize = 32;
const V2_ROUNDS: u32 = 1000;

fn text(text: &str) -> Text {
    if !text.starts_with('A') || text.contains(['-', '_', '$', ':']) {
        return None;
    }
    let bytes = some_base64(text).ok()?;
    let read = match &bytes[..] {
        [0, rest @ ..] if rest.len() == V2_SALT + V2_OUTPUT => v2(rest),
        [1, rest @ ..] => v3(rest),
        _ => return None,
    };
    Some(read.map(|pbkdf2| Exported::from(Algorithm::Pbkdf2(pbkdf2))))
}

fn v2(rest: &[u8]) -> Result<Pbkdf2, ImportRejection> {
    let (salt, output) = rest.split_at(V2_SALT);
    Pbkdf2::from_parts(HashFunction::Sha1, V2_ROUNDS, salt.to_vec(), output.to_vec())
}

fn v3(rest: &[u8]) -> Result<Pbkdf2, ImportRejection> {
    let (numbers, rest) = rest.split_at_checked(12).ok_or(Malformed)?;
    let number = |at: usize| {
        let bytes = numbers.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_be_bytes).ok_or(Malformed)
    };
    let function = match number(0)? {
        0 => HashFunction::Sha1,
        1 => HashFunction::Sha256,
        2 => HashFunction::Sha512,
        _ => return Err(UnknownFormat),
    };
    let length = usize::try_from(number(8)?).map_err(|_| Malformed)?;
    let (salt, output) = rest.split_at_checked(length).ok_or(Malformed)?;
    Pbkdf2::from_parts(function, number(4)?, salt.to_vec(), output.to_vec())
}
