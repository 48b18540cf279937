//! Schemes: how a hash is computed from a password. Each algorithm has one file; transformations of the password before
//! hashing are in `prehash.rs`.
//!
//! A scheme has one stored text, which its `Display` writes and [`Scheme::read`] parses. Texts of other systems are
//! parsed in `formats/`.

mod argon2;
mod bcrypt;
mod firebase;
mod hash_function;
mod pbkdf2;
mod phpass;
mod prehash;
mod salted;
mod scrypt;
mod sha_crypt;
pub mod text;
mod wrapped;

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use self::{
    argon2::Argon2,
    bcrypt::Bcrypt,
    firebase::Firebase,
    hash_function::HashFunction,
    pbkdf2::Pbkdf2,
    phpass::Phpass,
    prehash::Prehash,
    salted::{SaltPlace, Salted},
    scrypt::{Scrypt, params as scrypt_params_of_log_n, params_of_n as scrypt_params},
    sha_crypt::ShaCrypt,
    wrapped::Wrapped,
};
use super::{
    Bound,
    ImportRejection::{self, UnknownFormat},
    pool::Memory,
};

/// The maximum length of a stored text.
const MAX_TEXT: usize = 1024;

/// The cost class of verifying a password against a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Passwords can be guessed quickly from a stolen table, so the hash is wrapped in argon2id before it is stored.
    Fast,
    Fair,
    /// More than a sign-in may cost: a parameter is above this bound.
    Excessive(Bound),
}

/// An algorithm with its parameters, salt and hash.
trait Hash: fmt::Display + Sized {
    /// Parses the stored text, split at its dollar signs. None if it is of another algorithm.
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>>;

    /// The hash of `password`. None if the parameters are inconsistent.
    fn compute(&self, password: &[u8], memory: &mut Memory) -> Option<Zeroizing<Vec<u8>>>;

    /// The stored hash.
    fn output(&self) -> &[u8];

    fn output_mut(&mut self) -> &mut [u8];

    /// The cost class, which depends only on the parameters.
    fn work(&self) -> Work;

    /// The same algorithm at the same cost, without the salt and the hash.
    fn blank(&self) -> Self;
}

/// The algorithms of stored hashes.
#[derive(Clone, PartialEq)]
pub enum Algorithm {
    Argon2(Argon2),
    Bcrypt(Bcrypt),
    Scrypt(Scrypt),
    Pbkdf2(Pbkdf2),
    Phpass(Phpass),
    ShaCrypt(ShaCrypt),
    Firebase(Firebase),
    Salted(Salted),
    Wrapped(Box<Wrapped>),
}

/// Evaluates an expression for the algorithm inside.
macro_rules! each {
    ($algorithm:expr, $it:ident => $evaluate:expr) => {
        match $algorithm {
            Algorithm::Argon2($it) => $evaluate,
            Algorithm::Bcrypt($it) => $evaluate,
            Algorithm::Scrypt($it) => $evaluate,
            Algorithm::Pbkdf2($it) => $evaluate,
            Algorithm::Phpass($it) => $evaluate,
            Algorithm::ShaCrypt($it) => $evaluate,
            Algorithm::Firebase($it) => $evaluate,
            Algorithm::Salted($it) => $evaluate,
            Algorithm::Wrapped($it) => $evaluate,
        }
    };
}

impl Algorithm {
    fn read(text: &str) -> Result<Self, ImportRejection> {
        if let Some(text) = text.strip_prefix(wrapped::PREFIX) {
            return Wrapped::read(text).map(Box::new).map(Algorithm::Wrapped);
        }
        let fields: Vec<&str> = text.split('$').collect();
        let read = Argon2::read(&fields)
            .map(|read| read.map(Algorithm::Argon2))
            .or_else(|| Bcrypt::read(&fields).map(|read| read.map(Algorithm::Bcrypt)))
            .or_else(|| Scrypt::read(&fields).map(|read| read.map(Algorithm::Scrypt)))
            .or_else(|| Pbkdf2::read(&fields).map(|read| read.map(Algorithm::Pbkdf2)))
            .or_else(|| Phpass::read(&fields).map(|read| read.map(Algorithm::Phpass)))
            .or_else(|| ShaCrypt::read(&fields).map(|read| read.map(Algorithm::ShaCrypt)))
            .or_else(|| Firebase::read(&fields).map(|read| read.map(Algorithm::Firebase)))
            .or_else(|| Salted::read(&fields).map(|read| read.map(Algorithm::Salted)));
        read.unwrap_or(Err(UnknownFormat))
    }

    fn blank(&self) -> Self {
        match self {
            Algorithm::Argon2(it) => Algorithm::Argon2(it.blank()),
            Algorithm::Bcrypt(it) => Algorithm::Bcrypt(it.blank()),
            Algorithm::Scrypt(it) => Algorithm::Scrypt(it.blank()),
            Algorithm::Pbkdf2(it) => Algorithm::Pbkdf2(it.blank()),
            Algorithm::Phpass(it) => Algorithm::Phpass(it.blank()),
            Algorithm::ShaCrypt(it) => Algorithm::ShaCrypt(it.blank()),
            Algorithm::Firebase(it) => Algorithm::Firebase(it.blank()),
            Algorithm::Salted(it) => Algorithm::Salted(it.blank()),
            Algorithm::Wrapped(it) => Algorithm::Wrapped(Box::new(it.blank())),
        }
    }
}

/// How a hash was computed: the prehash, and the algorithm with its parameters.
#[derive(Clone, PartialEq)]
pub struct Scheme {
    pub prehash: Prehash,
    pub algorithm: Algorithm,
}

impl From<Algorithm> for Scheme {
    fn from(algorithm: Algorithm) -> Self {
        Self { prehash: Prehash::None, algorithm }
    }
}

impl Scheme {
    /// Parses a stored text.
    ///
    /// # Errors
    /// See [`ImportRejection`].
    pub fn read(text: &str) -> Result<Self, ImportRejection> {
        if text.len() > MAX_TEXT {
            return Err(UnknownFormat);
        }
        let (prehash, rest) = Prehash::read(text)?;
        Ok(Self { prehash, algorithm: Algorithm::read(rest)? })
    }

    /// The hash of `password` by this scheme. None if it can't be computed.
    pub fn compute(&self, password: &[u8], memory: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let password = self.prehash.apply(password);
        each!(&self.algorithm, it => it.compute(&password, memory))
    }

    /// Whether `password` matches this hash. Always computes the full hash, and compares in constant time.
    pub fn fits(&self, password: &[u8], memory: &mut Memory) -> bool {
        let computed = self.compute(password, memory);
        computed.is_some_and(|computed| bool::from(computed.ct_eq(self.output())))
    }

    pub fn output(&self) -> &[u8] {
        each!(&self.algorithm, it => it.output())
    }

    /// The same scheme with the same salt, with its output replaced by zeros.
    fn without_output(&self) -> Self {
        let mut blank = self.clone();
        each!(&mut blank.algorithm, it => it.output_mut().fill(0));
        blank
    }

    pub fn work(&self) -> Work {
        each!(&self.algorithm, it => it.work())
    }

    /// The same scheme at the same cost, without data of the account: no salt, no hash, no secret.
    #[must_use]
    pub fn blank(&self) -> Self {
        Self { prehash: self.prehash.blank(), algorithm: self.algorithm.blank() }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.prehash)?;
        each!(&self.algorithm, it => fmt::Display::fmt(it, f))
    }
}

/// A salt of zeros for [`Hash::blank`]. It always has the same length, so that accounts whose salts differ in length
/// are counted as one scheme.
fn blank_salt() -> Vec<u8> {
    vec![0; 16]
}

#[cfg(test)]
mod tests;
