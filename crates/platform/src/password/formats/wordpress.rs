//! phpass as used by WordPress, phpBB and others: `$P$`, `$H$`; and WordPress from 6.8 on: `$wp$2y$`.

use super::{Exported, Format, ImportRejection, ImportRejection::Malformed, Text};
use crate::password::schemes::{
    Algorithm, HashFunction, Phpass, Prehash, Scheme,
    text::{crypt64, some_text},
};

pub const FORMAT: Format = Format { name: "wordpress", text, object: None };

/// The length of the digit for the rounds and the eight characters of the salt.
const HEAD: usize = 9;

fn text(text: &str) -> Text {
    if let Some(rest) = text.strip_prefix("$wp")
        && rest.starts_with("$2")
    {
        let read = Scheme::read(rest).map(|scheme| Scheme { prehash: Prehash::WordPress, ..scheme });
        return Some(read.map(Exported::Hash));
    }
    let rest = text.strip_prefix("$P$").or_else(|| text.strip_prefix("$H$"))?;
    Some(portable(HashFunction::Md5, rest, 22).map(Exported::from))
}

/// Parses phpass's portable hash without its prefix; `digits` is the length of the output in digits.
pub fn portable(function: HashFunction, rest: &str, digits: usize) -> Result<Algorithm, ImportRejection> {
    if rest.len() != HEAD + digits || !rest.is_ascii() {
        return Err(Malformed);
    }
    let (head, output) = rest.split_at(HEAD);
    let log_rounds = crypt64::digit(head.as_bytes()[0])?;
    let phpass = Phpass::from_parts(function, log_rounds, some_text(&head[1..])?, crypt64::decode(output)?)?;
    Ok(Algorithm::Phpass(phpass))
}
