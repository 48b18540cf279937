//! Keycloak: `credentialData` and `secretData` of an exported credential, which are strings of JSON.

use serde_json::{Map, Value};

use super::{
    Exported, Fields, Format, FormatRefusal, ImportRejection,
    ImportRejection::{Malformed, Missing, UnknownFormat},
    Object, no_text,
};
use crate::password::schemes::{
    Algorithm, Argon2, Pbkdf2,
    text::{NUMBER, base64, number},
};

pub const FORMAT: Format = Format { name: "keycloak", text: no_text, object: Some(object) };

fn object(fields: &Fields<'_>) -> Object {
    fields.only(&["format", "credentialData", "secretData"])?;
    let credential = fields.read("credentialData", json)?;
    let secret = fields.read("secretData", json)?;
    let of = |field| move |reason| FormatRefusal { field: Some(field), reason };
    let bytes = |name| text(&secret, name).and_then(base64).map_err(of("secretData"));
    let (salt, output) = (bytes("salt")?, bytes("value")?);
    algorithm(&credential, salt, output).map(Exported::from).map_err(of("credentialData"))
}

/// An object, or a string of JSON that is an object.
fn json(value: &Value) -> Result<Map<String, Value>, ImportRejection> {
    match value {
        Value::Object(object) => Ok(object.clone()),
        Value::String(text) => serde_json::from_str(text).map_err(|_| Malformed),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(Malformed),
    }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, ImportRejection> {
    object.get(name).ok_or(Missing)?.as_str().ok_or(Malformed)
}

fn algorithm(credential: &Map<String, Value>, salt: Vec<u8>, output: Vec<u8>) -> Result<Algorithm, ImportRejection> {
    let iterations = credential.get("hashIterations").and_then(Value::as_u64).ok_or(Missing)?;
    let iterations = u32::try_from(iterations).map_err(|_| ImportRejection::TooCostly(NUMBER))?;
    match text(credential, "algorithm")? {
        "argon2" => argon2(credential, iterations, salt, output).map(Algorithm::Argon2),
        name => {
            let name = name.strip_prefix("pbkdf2").ok_or(UnknownFormat)?.trim_start_matches('-');
            Pbkdf2::named(name, iterations, salt, output).map(Algorithm::Pbkdf2)
        }
    }
}

/// Each parameter is a list of one string.
fn argon2(
    credential: &Map<String, Value>,
    iterations: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
) -> Result<Argon2, ImportRejection> {
    let more = credential.get("additionalParameters").ok_or(Missing)?;
    let parameter = |name: &str| more.get(name).and_then(|list| list.get(0)).and_then(Value::as_str).ok_or(Missing);
    let version = match parameter("version")? {
        "1.3" => 0x13,
        "1.0" => 0x10,
        _ => return Err(Malformed),
    };
    let costs = [number(parameter("memory")?)?, iterations, number(parameter("parallelism")?)?];
    Argon2::from_parts(&format!("argon2{}", parameter("type")?), version, costs, salt, output)
}
