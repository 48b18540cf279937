//! A password's hash at rest.

use std::fmt;

use super::{parse, schemes::Scheme};

/// The shortest hash and the least rounds that mean something (RFC 8018, 4.2, for the rounds).
const LEAST_OUTPUT: usize = 16;
const LEAST_ROUNDS: u32 = 1000;
/// The most that verifying another system's hash may cost us: about a second of a core, and 128 MiB.
const MOST_MEMORY: u64 = 128 << 20;
const MOST_WORK: u64 = 1 << 30;
const MOST_ROUNDS: u32 = 2_000_000;
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=14;

/// A hash as it is stored: the PHC string of argon2id, or what another system made and was imported.
#[derive(Clone, PartialEq)]
pub struct PasswordHash {
    text: String,
    pub(super) scheme: Scheme,
}

/// Why a hash of another system can't be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportRejection {
    /// None of the forms that we read.
    UnknownFormat,
    /// One of them, with something missing or garbled.
    Malformed,
    /// A hash so short or made with so little work that it says nothing.
    TooWeak,
    /// To verify it would take more memory or time than a sign-in may cost us.
    TooCostly,
}

impl ImportRejection {
    /// The stable code that the import prints beside the line.
    pub const fn reason(self) -> &'static str {
        match self {
            ImportRejection::UnknownFormat => "unknown_format",
            ImportRejection::Malformed => "malformed",
            ImportRejection::TooWeak => "too_weak",
            ImportRejection::TooCostly => "too_costly",
        }
    }
}

impl PasswordHash {
    /// A hash from a row of ours. None where it is garbled: then nobody can sign in with it.
    pub fn from_stored(text: &str) -> Option<Self> {
        Some(Self { scheme: parse::scheme(text).ok()?, text: text.to_owned() })
    }

    /// A hash that another system made. It is replaced by one of ours at the next sign-in.
    ///
    /// | form | from |
    /// |---|---|
    /// | `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, also `argon2i`, `argon2d` | PHC string format |
    /// | `$2a$`, `$2b$`, `$2y$` | bcrypt; its 72 bytes, as whoever made it cut them |
    /// | `$scrypt$ln=…,r=…,p=…$salt$hash` | PHC string format, passlib |
    /// | `$pbkdf2-sha256$i=…$salt$hash`, `$pbkdf2-sha256$rounds$salt$hash`; sha1, sha512 | PHC string format, passlib |
    /// | `pbkdf2_sha256$rounds$salt$hash`, `pbkdf2_sha1$…` | Django |
    ///
    /// # Errors
    /// See [`ImportRejection`].
    pub fn import(text: &str) -> Result<Self, ImportRejection> {
        let text = text.trim();
        let scheme = parse::scheme(text)?;
        affordable(&scheme)?;
        Ok(Self { scheme, text: text.to_owned() })
    }

    pub(super) fn of(scheme: Scheme) -> Self {
        Self { text: scheme.to_string(), scheme }
    }

    /// What is stored. Never for logs.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Whether a foreign hash protects anything, and can be verified without being an attack on us.
fn affordable(scheme: &Scheme) -> Result<(), ImportRejection> {
    let too_much = |memory: u64, passes: u32| memory > MOST_MEMORY || memory.saturating_mul(passes.into()) > MOST_WORK;
    let (costly, weak) = match scheme {
        Scheme::Argon2 { params, output, .. } => {
            (too_much(u64::from(params.m_cost()) << 10, params.t_cost()), output.len() < LEAST_OUTPUT)
        }
        Scheme::Scrypt { params, output, .. } => {
            (too_much(params.n().saturating_mul(128 * u64::from(params.r())), params.p()), output.len() < LEAST_OUTPUT)
        }
        Scheme::Bcrypt { cost, .. } => (cost > BCRYPT_COST.end(), cost < BCRYPT_COST.start()),
        Scheme::Pbkdf2 { rounds, output, .. } => {
            (*rounds > MOST_ROUNDS, *rounds < LEAST_ROUNDS || output.len() < LEAST_OUTPUT)
        }
    };
    match (costly, weak) {
        (true, _) => Err(ImportRejection::TooCostly),
        (_, true) => Err(ImportRejection::TooWeak),
        _ => Ok(()),
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[password hash]")
    }
}
