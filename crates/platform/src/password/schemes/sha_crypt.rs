//! SHA-crypt of crypt(3) with SHA-256 (`$5$`) and SHA-512 (`$6$`), as in LDAP directories and /etc/shadow.

use std::fmt;

use sha_crypt::Params;
use zeroize::Zeroizing;

use super::{
    CostClass, Hash, HashFunction,
    text::{encode, non_empty_base64, number_parameter},
};
use crate::password::{
    Bound,
    ImportRejection::{self, Malformed, TooCostly, TooWeak, UnknownFormat},
    pool::Memory,
};

/// The time of a round grows with the length of the password. The default of passlib, 656,000, is below.
const MAX_ROUNDS: u32 = 1_000_000;
const ROUNDS: Bound = Bound::new(MAX_ROUNDS as u64, "rounds of crypt(3)");
const FAST_ROUNDS: u32 = 10_000;
/// The maximum length of a password in bytes; a longer one never matches. With a thousand bytes, the maximum number of
/// rounds would take a dozen seconds. A longer password is truncated and hashed, so that the response time is the same.
const MAX_PASSWORD: usize = 256;

#[derive(Clone, PartialEq)]
pub struct ShaCrypt {
    function: HashFunction,
    rounds: u32,
    salt: Vec<u8>,
    /// The bytes in the order of the text: crypt(3) reorders the bytes of the digest.
    output: Vec<u8>,
}

impl ShaCrypt {
    pub fn from_parts(
        function: HashFunction,
        rounds: u32,
        salt: Vec<u8>,
        output: Vec<u8>,
    ) -> Result<Self, ImportRejection> {
        match function {
            HashFunction::Sha256 | HashFunction::Sha512 => {}
            HashFunction::Md5 | HashFunction::Sha1 => return Err(UnknownFormat),
        }
        match rounds {
            ..Params::ROUNDS_MIN => Err(TooWeak),
            _ if rounds > MAX_ROUNDS => Err(TooCostly(ROUNDS)),
            _ if output.len() != function.length() => Err(Malformed),
            _ => Ok(Self { function, rounds, salt, output }),
        }
    }
}

fn read(parameters: &str, salt: &str, hash: &str) -> Result<ShaCrypt, ImportRejection> {
    let (function, rest) = parameters.split_once(',').ok_or(Malformed)?;
    let function = HashFunction::named(function).ok_or(UnknownFormat)?;
    ShaCrypt::from_parts(function, number_parameter(rest, "rounds")?, non_empty_base64(salt)?, non_empty_base64(hash)?)
}

/// The bytes of the digest in the order in which crypt(3) writes them: groups of three bytes that are a third of the
/// digest apart, each group `step` positions after the previous one.
fn reordered(digest: &[u8], step: usize) -> Zeroizing<Vec<u8>> {
    let third = digest.len() / 3;
    let thirds = 3 * third;
    let mut ordered = Zeroizing::new(Vec::with_capacity(digest.len()));
    for group in 0..third {
        let first = group * step % thirds;
        ordered.extend([first + 2 * third, first + third, first].map(|place| digest[place % thirds]));
    }
    ordered.extend_from_slice(&digest[thirds..]);
    ordered
}

impl Hash for ShaCrypt {
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>> {
        match *fields {
            ["", "sha-crypt", parameters, salt, hash] => Some(read(parameters, salt, hash)),
            _ => None,
        }
    }

    fn compute(&self, password: &[u8], _: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let params = Params::new(self.rounds).ok()?;
        let truncated = &password[..password.len().min(MAX_PASSWORD)];
        let made = match self.function {
            HashFunction::Sha256 => {
                let digest = Zeroizing::new(sha_crypt::sha256_crypt(truncated, &self.salt, params));
                reordered(&*digest, 21)
            }
            HashFunction::Sha512 => {
                let digest = Zeroizing::new(sha_crypt::sha512_crypt(truncated, &self.salt, params));
                reordered(&*digest, 22)
            }
            HashFunction::Md5 | HashFunction::Sha1 => return None,
        };
        (truncated.len() == password.len()).then_some(made)
    }

    fn output(&self) -> &[u8] {
        &self.output
    }

    fn output_mut(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn work(&self) -> CostClass {
        if self.rounds < FAST_ROUNDS { CostClass::Fast } else { CostClass::Fair }
    }

    fn blank(&self) -> Self {
        Self { salt: vec![0; self.salt.len()], output: vec![0; self.output.len()], ..self.clone() }
    }
}

impl fmt::Display for ShaCrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$sha-crypt${},rounds={}", self.function.name(), self.rounds)?;
        write!(f, "${}${}", encode(&self.salt), encode(&self.output))
    }
}
