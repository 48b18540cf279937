//! passlib's `$bcrypt-sha256$`. Its other formats are covered by `stored.rs` and `crypt.rs`.

use super::{Exported, Format, ImportRejection, ImportRejection::Malformed, Text};
use crate::password::schemes::{
    Algorithm, Bcrypt, Prehash, Scheme,
    text::{number, number_parameter, parameter},
};

pub const FORMAT: Format = Format { name: "passlib", text, object: None };

fn text(text: &str) -> Text {
    let fields: Vec<&str> = text.split('$').collect();
    match fields[..] {
        ["", "bcrypt-sha256", parameters, salt, hash] => Some(read(parameters, salt, hash)),
        _ => None,
    }
}

/// The parameters are `v=2,t=2b,r=12`, or in version 1 `2b,12`.
fn read(parameters: &str, salt: &str, hash: &str) -> Result<Exported, ImportRejection> {
    let (prehash, kind, cost) = match parameters.split_once(',') {
        Some(("v=2", rest)) => {
            let key = salt.as_bytes().to_vec();
            (Prehash::HmacSha256Base64(key), parameter(rest, "t")?, number_parameter(rest, "r")?)
        }
        Some((kind, cost)) => (Prehash::Sha256Base64, kind, number(cost)?),
        None => return Err(Malformed),
    };
    let version = match kind {
        "2a" => 'a',
        "2b" => 'b',
        "2y" => 'y',
        _ => return Err(Malformed),
    };
    let bcrypt = Bcrypt::from_parts(version, cost, &format!("{salt}{hash}"))?;
    Ok(Scheme { prehash, algorithm: Algorithm::Bcrypt(bcrypt) }.into())
}
