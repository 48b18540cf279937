//! Stored password hashes.

use std::fmt;

use serde_json::Value;

use super::{
    formats::{self, Exported, ImportError},
    prepare,
    schemes::{Algorithm, CostClass, Scheme},
};

/// The minimum length of a hash in bytes.
const MIN_OUTPUT: usize = 16;

/// A hash in its stored form: a PHC string of argon2id, or an imported hash of another system.
#[derive(Clone, PartialEq)]
pub struct PasswordHash {
    text: String,
    pub(super) scheme: Scheme,
}

/// The maximum of a cost parameter of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub max: u64,
    /// What is counted, in the plural.
    pub unit: &'static str,
}

impl Bound {
    pub const fn new(max: u64, of: &'static str) -> Self {
        Self { max, unit: of }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} {}", self.max, self.unit)
    }
}

/// Why a hash of another system can't be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportRejection {
    /// Not in any supported format.
    UnknownFormat,
    /// In a supported format, but malformed.
    Malformed,
    /// The hash is too short, or was made with too little work to protect the password.
    TooWeak,
    /// Verification would take more memory or time than a sign-in may cost: a parameter is above this bound.
    TooCostly(Bound),
    /// The object lacks a required field.
    Missing,
    /// The object has a field that its format does not define.
    UnknownField,
}

impl ImportRejection {
    /// The stable code that the import command prints for the line.
    pub const fn reason(self) -> &'static str {
        match self {
            ImportRejection::UnknownFormat => "unknown_format",
            ImportRejection::Malformed => "malformed",
            ImportRejection::TooWeak => "too_weak",
            ImportRejection::TooCostly(_) => "too_costly",
            ImportRejection::Missing => "missing",
            ImportRejection::UnknownField => "unknown_field",
        }
    }

    /// The bound that a parameter of the hash is above.
    pub const fn bound(self) -> Option<Bound> {
        match self {
            ImportRejection::TooCostly(bound) => Some(bound),
            ImportRejection::UnknownFormat
            | ImportRejection::Malformed
            | ImportRejection::TooWeak
            | ImportRejection::Missing
            | ImportRejection::UnknownField => None,
        }
    }
}

impl PasswordHash {
    /// Parses a stored hash. None if it is malformed, or costs more than an import accepts: a row that was not written by
    /// the import must not occupy a hashing thread for seconds. No password matches then.
    pub fn from_stored(text: &str) -> Option<Self> {
        match formats::text(text).ok()? {
            Exported::Hash(scheme) => match scheme.work() {
                CostClass::Fast | CostClass::Fair => Some(Self { text: text.to_owned(), scheme }),
                CostClass::Excessive(_) => None,
            },
            Exported::Clear(_) | Exported::Unusable => None,
        }
    }

    pub(super) fn from_scheme(scheme: Scheme) -> Self {
        Self { text: scheme.to_string(), scheme }
    }

    /// The text to store. Never log it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password hash]")
    }
}

/// A password from an import file in a supported format. [`Hasher::import`](super::Hasher::import) converts it to the
/// hash to store.
pub struct ExportedPassword(pub(super) Exported);

impl ExportedPassword {
    /// Parses a value of an import file: a text, or an object that names its format. `docs/migrate.md` lists the
    /// formats.
    ///
    /// # Errors
    /// See [`ImportError`].
    pub fn parse(exported: &Value) -> Result<Self, ImportError> {
        let exported = formats::parse_value(exported)?;
        match &exported {
            Exported::Hash(scheme) => check_cost(scheme)?,
            Exported::Clear(password) if password.expose().is_empty() || prepare(password.expose()).is_none() => {
                return Err(ImportRejection::Malformed.into());
            }
            Exported::Clear(_) | Exported::Unusable => {}
        }
        Ok(Self(exported))
    }

    /// Whether the account has a password.
    pub fn is_usable(&self) -> bool {
        match self.0 {
            Exported::Hash(_) | Exported::Clear(_) => true,
            Exported::Unusable => false,
        }
    }

    /// Whether importing it takes as long as hashing a password.
    pub fn needs_hashing(&self) -> bool {
        match &self.0 {
            Exported::Hash(scheme) => scheme.work() == CostClass::Fast,
            Exported::Clear(_) => true,
            Exported::Unusable => false,
        }
    }
}

/// Rejects imported hashes that are too weak, or so costly that verifying them would be a denial of service. Checks
/// only the parameters.
fn check_cost(scheme: &Scheme) -> Result<(), ImportRejection> {
    if matches!(&scheme.algorithm, Algorithm::Wrapped(wrapped) if wrapped.has_weak_argon2()) {
        return Err(ImportRejection::TooWeak);
    }
    match scheme.work() {
        CostClass::Excessive(bound) => Err(ImportRejection::TooCostly(bound)),
        CostClass::Fast | CostClass::Fair if scheme.output().len() < MIN_OUTPUT => Err(ImportRejection::TooWeak),
        CostClass::Fast | CostClass::Fair => Ok(()),
    }
}
