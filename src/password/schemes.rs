//! How each kind of hash is computed.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::pool::Memory;

/// The digest under PBKDF2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

/// What made a hash, and with what.
#[derive(Clone, PartialEq)]
pub enum Scheme {
    Argon2 { algorithm: Algorithm, version: Version, params: Params, salt: Vec<u8>, output: Vec<u8> },
    Bcrypt { cost: u32, text: String },
    Scrypt { params: scrypt::Params, salt: Vec<u8>, output: Vec<u8> },
    Pbkdf2 { digest: Digest, rounds: u32, salt: Vec<u8>, output: Vec<u8> },
}

impl Scheme {
    /// Whether `password` makes this hash. Takes as long as the hash was meant to take, and compares in constant time.
    pub fn fits(&self, password: &[u8], memory: &mut Memory) -> bool {
        match self {
            Scheme::Argon2 { algorithm, version, params, salt, output } => {
                compare(output, |made| argon2(*algorithm, *version, params, password, salt, made, memory))
            }
            Scheme::Bcrypt { text, .. } => bcrypt::verify(password, text).unwrap_or(false),
            Scheme::Scrypt { params, salt, output } => {
                compare(output, |made| scrypt::scrypt(password, salt, params, made).is_ok())
            }
            Scheme::Pbkdf2 { digest, rounds, salt, output } => compare(output, |made| {
                match digest {
                    Digest::Sha1 => pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password, salt, *rounds, made),
                    Digest::Sha256 => pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, salt, *rounds, made),
                    Digest::Sha512 => pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password, salt, *rounds, made),
                }
                true
            }),
        }
    }
}

fn compare(output: &[u8], make: impl FnOnce(&mut [u8]) -> bool) -> bool {
    let mut made = Zeroizing::new(vec![0; output.len()]);
    make(&mut made) && bool::from(made.ct_eq(output))
}

/// Fills `output`; false where the parameters don't go together, which [`Params`] and the reader rule out.
pub fn argon2(
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Memory,
) -> bool {
    let blocks = memory.blocks(params.block_count());
    let context = Argon2::new(algorithm, version, params.clone());
    context.hash_password_into_with_memory(password, salt, output, blocks).is_ok()
}

impl fmt::Display for Scheme {
    /// The stored form (PHC string format; bcrypt's own).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
        match self {
            Scheme::Argon2 { algorithm, version, params, salt, output } => {
                let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
                write!(f, "${}$v={}$m={memory},t={passes},p={lanes}", algorithm.as_str(), u32::from(*version))?;
                write!(f, "${}${}", encode(salt), encode(output))
            }
            Scheme::Bcrypt { text, .. } => f.write_str(text),
            Scheme::Scrypt { params, salt, output } => {
                write!(f, "$scrypt$ln={},r={},p={}", params.log_n(), params.r(), params.p())?;
                write!(f, "${}${}", encode(salt), encode(output))
            }
            Scheme::Pbkdf2 { digest, rounds, salt, output } => {
                let name = match digest {
                    Digest::Sha1 => "pbkdf2-sha1",
                    Digest::Sha256 => "pbkdf2-sha256",
                    Digest::Sha512 => "pbkdf2-sha512",
                };
                write!(f, "${name}$i={rounds}${}${}", encode(salt), encode(output))
            }
        }
    }
}
