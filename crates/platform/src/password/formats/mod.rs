//! Password hashes as other systems export them. One file for each family of systems, one line in [`FORMATS`].
//!
//! In an import file a hash is a text, which is recognised by its shape, or an object that names its format and has
//! what the text alone does not say: `{"format": "devise", "hash": "$2a$…", "pepper": "…"}`.

mod aspnet;
mod better_auth;
mod crypt;
mod devise;
mod django;
mod drupal;
mod fields;
mod firebase;
mod keycloak;
mod ldap;
mod passlib;
mod spring;
mod stored;
mod symfony;
mod werkzeug;
mod wordpress;

use serde_json::Value;

use self::fields::Fields;
use super::{
    ImportRejection::{self, Malformed, UnknownFormat},
    schemes::{Algorithm, Scheme},
};
use crate::secret::Secret;

/// A password as another system has it.
pub enum Exported {
    Hash(Scheme),
    /// Not hashed at all.
    Clear(Secret),
    /// The account can't be signed in to by password.
    Unusable,
}

impl From<Scheme> for Exported {
    fn from(scheme: Scheme) -> Self {
        Exported::Hash(scheme)
    }
}

impl From<Algorithm> for Exported {
    fn from(algorithm: Algorithm) -> Self {
        Exported::Hash(algorithm.into())
    }
}

/// Why a password can't be taken over: the field of its object, if it is one of those, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatRefusal {
    pub field: Option<&'static str>,
    pub reason: ImportRejection,
}

impl From<ImportRejection> for FormatRefusal {
    fn from(reason: ImportRejection) -> Self {
        Self { field: None, reason }
    }
}

/// What a text was read as. None: it is not of this format.
type Text = Option<Result<Exported, ImportRejection>>;
type Object = Result<Exported, FormatRefusal>;

/// A format.
struct Format {
    /// What an object calls it.
    name: &'static str,
    text: fn(&str) -> Text,
    /// Reads an object; where it has none, `hash` is read as its text.
    object: Option<fn(&Fields<'_>) -> Object>,
}

/// What is read, in this order.
const FORMATS: &[Format] = &[
    stored::FORMAT,
    crypt::FORMAT,
    passlib::FORMAT,
    django::FORMAT,
    spring::FORMAT,
    ldap::FORMAT,
    wordpress::FORMAT,
    drupal::FORMAT,
    firebase::FORMAT,
    keycloak::FORMAT,
    devise::FORMAT,
    symfony::FORMAT,
    werkzeug::FORMAT,
    better_auth::FORMAT,
    aspnet::FORMAT,
];

/// The text of no format is longer.
const LONGEST_TEXT: usize = 1024;

/// Reads a text.
///
/// # Errors
/// See [`ImportRejection`].
pub fn text(text: &str) -> Result<Exported, ImportRejection> {
    if text.len() > LONGEST_TEXT {
        return Err(UnknownFormat);
    }
    FORMATS.iter().find_map(|format| (format.text)(text)).unwrap_or(Err(UnknownFormat))
}

/// Reads what an import file has.
///
/// # Errors
/// See [`FormatRefusal`].
pub fn value(exported: &Value) -> Object {
    match exported {
        Value::String(exported) => match text(exported.trim_start()) {
            // White space around a hash is none of it. At the end of a password it is a part of that.
            Ok(clear @ Exported::Clear(_)) => Ok(clear),
            _ => Ok(text(exported.trim())?),
        },
        Value::Object(object) => {
            let fields = Fields(object);
            let name = fields.text("format")?;
            let unknown = FormatRefusal { field: Some("format"), reason: UnknownFormat };
            let format = FORMATS.iter().find(|format| format.name == name).ok_or(unknown)?;
            match format.object {
                Some(read) => read(&fields),
                None => fields.only(&["format", "hash"]).and_then(|()| hash_of(&fields, format)),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(Malformed.into()),
    }
}

fn hash_of(fields: &Fields<'_>, format: &Format) -> Object {
    let text = fields.text("hash")?;
    match (format.text)(text).unwrap_or(Err(UnknownFormat)) {
        Ok(exported) => Ok(exported),
        Err(reason) => Err(FormatRefusal { field: Some("hash"), reason }),
    }
}

/// For formats that are objects only.
fn no_text(_: &str) -> Text {
    None
}

#[cfg(test)]
mod tests;
