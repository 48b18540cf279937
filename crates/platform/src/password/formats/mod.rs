//! Password hashes in the export formats of other systems. Each family of systems has one file and one line in
//! [`FORMATS`].
//!
//! In an import file a hash is a text, which is recognised by its structure, or an object that names its format and has
//! additional fields: `{"format": "devise", "hash": "$2a$…", "pepper": "…"}`.

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

/// A password exported by another system.
pub enum Exported {
    Hash(Scheme),
    /// Clear text.
    Clear(Secret),
    /// The account has no usable password.
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

/// Why a password can't be imported: the reason, and the field of its object if one is at fault.
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

/// The result of parsing a text. None if it is not of this format.
type Text = Option<Result<Exported, ImportRejection>>;
type Object = Result<Exported, FormatRefusal>;

/// An export format.
struct Format {
    /// The name of the format in the field `format` of an object.
    name: &'static str,
    text: fn(&str) -> Text,
    /// Parses an object. None if the format has no object of its own: then the field `hash` is parsed as text.
    object: Option<fn(&Fields<'_>) -> Object>,
}

/// The supported formats, in the order in which they are tried.
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

/// The maximum length of a text of any format.
const MAX_TEXT: usize = 1024;

/// Parses a text of any format.
///
/// # Errors
/// See [`ImportRejection`].
pub fn text(text: &str) -> Result<Exported, ImportRejection> {
    if text.len() > MAX_TEXT {
        return Err(UnknownFormat);
    }
    FORMATS.iter().find_map(|format| (format.text)(text)).unwrap_or(Err(UnknownFormat))
}

/// Parses a value of an import file.
///
/// # Errors
/// See [`FormatRefusal`].
pub fn value(exported: &Value) -> Object {
    match exported {
        Value::String(exported) => match text(exported.trim_start()) {
            // Whitespace around a hash is ignored. At the end of a clear-text password it is part of the password.
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

/// For formats that exist only as objects.
fn no_text(_: &str) -> Text {
    None
}

#[cfg(test)]
mod tests;
