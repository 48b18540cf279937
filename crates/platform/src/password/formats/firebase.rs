//! Firebase Authentication: the fields that `firebase auth:export` or the Admin SDK give for an account, with the
//! parameters of the project; and Supabase's text for accounts that were migrated from Firebase.

use super::{Exported, Fields, Format, FormatRefusal, ImportRejection, ImportRejection::UnknownFormat, Object, Text};
use crate::password::schemes::{
    Algorithm, Firebase,
    text::{base64, number_parameter, parameter, some_base64},
};

pub const FORMAT: Format = Format { name: "firebase-scrypt", text, object: Some(object) };

fn object(fields: &Fields<'_>) -> Object {
    fields.only(&["format", "hash", "salt", "signer_key", "salt_separator", "rounds", "mem_cost"])?;
    let salt = [fields.base64("salt")?, fields.base64("salt_separator")?].concat();
    let (mem_cost, rounds) = (fields.number("mem_cost")?, fields.number("rounds")?);
    let firebase = Firebase::from_parts(mem_cost, rounds, salt, fields.base64("signer_key")?, fields.base64("hash")?);
    Ok(firebase.map(Algorithm::Firebase).map_err(FormatRefusal::from)?.into())
}

fn text(text: &str) -> Text {
    let fields: Vec<&str> = text.split('$').collect();
    match fields[..] {
        ["", "fbscrypt", parameters, salt, hash] => Some(supabase(parameters, salt, hash)),
        _ => None,
    }
}

fn supabase(parameters: &str, salt: &str, hash: &str) -> Result<Exported, ImportRejection> {
    let number = |name| number_parameter(parameters, name);
    if number("v")? != 1 || number("p")? != 1 {
        return Err(UnknownFormat);
    }
    let salt = [some_base64(salt)?, base64(parameter(parameters, "ss")?)?].concat();
    let signer_key = some_base64(parameter(parameters, "sk")?)?;
    let firebase = Firebase::from_parts(number("n")?, number("r")?, salt, signer_key, some_base64(hash)?)?;
    Ok(Algorithm::Firebase(firebase).into())
}
