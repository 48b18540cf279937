//! crypt(3): `$5$` and `$6$`, with or without `rounds=…$`.

use super::{Exported, Format, ImportRejection, ImportRejection::UnknownFormat, Text};
use crate::password::schemes::{
    Algorithm, HashFunction, ShaCrypt,
    text::{crypt64, number, some_text},
};

pub const FORMAT: Format = Format { name: "crypt", text, object: None };

const DEFAULT_ROUNDS: &str = "5000";

fn text(text: &str) -> Text {
    let fields: Vec<&str> = text.split('$').collect();
    let (id, rounds, salt, hash) = match fields[..] {
        ["", id @ ("5" | "6"), rounds, salt, hash] => (id, rounds.strip_prefix("rounds=")?, salt, hash),
        ["", id @ ("5" | "6"), salt, hash] => (id, DEFAULT_ROUNDS, salt, hash),
        // MD5-crypt has the same structure and is not supported.
        ["", "1", _, _] => return Some(Err(UnknownFormat)),
        _ => return None,
    };
    let function = if id == "5" { HashFunction::Sha256 } else { HashFunction::Sha512 };
    Some(read(function, rounds, salt, hash))
}

fn read(function: HashFunction, rounds: &str, salt: &str, hash: &str) -> Result<Exported, ImportRejection> {
    let scheme = ShaCrypt::from_parts(function, number(rounds)?, some_text(salt)?, crypt64::decode(hash)?)?;
    Ok(Algorithm::ShaCrypt(scheme).into())
}
