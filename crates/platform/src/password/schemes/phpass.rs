//! The portable hashes of phpass (WordPress, phpBB) and the variant of Drupal 7.

use std::fmt;

use zeroize::Zeroizing;

use super::{
    CostClass, Hash, HashFunction,
    text::{encode, non_empty_base64, number_parameter},
};
use crate::password::{
    Bound,
    ImportRejection::{self, Malformed, UnknownFormat},
    MAX_BYTES,
    pool::Memory,
};

/// Eight times what Drupal uses by default, 32 times phpass's default. With the longest password a round hashes a kibibyte.
const MAX_LOG_ROUNDS: u32 = 18;
const MAX_ROUNDS: Bound = Bound::new(1 << MAX_LOG_ROUNDS, "rounds of phpass");
/// Drupal rejects longer passwords, so a longer password never matches. It is truncated and hashed, so that the response
/// time is the same. The limit of phpass itself, 4096, is above [`MAX_BYTES`].
const MAX_DRUPAL_PASSWORD: usize = 512;
/// MD5 and SHA-512 are fast: with fewer rounds, passwords can be guessed quickly.
const MIN_LOG_ROUNDS: u32 = 14;

#[derive(Clone, PartialEq)]
pub struct Phpass {
    function: HashFunction,
    /// log2 of the number of rounds.
    log_rounds: u32,
    salt: Vec<u8>,
    /// The hash, which Drupal truncates to its first half.
    output: Vec<u8>,
}

impl Phpass {
    pub fn from_parts(
        function: HashFunction,
        log_rounds: u32,
        salt: Vec<u8>,
        output: Vec<u8>,
    ) -> Result<Self, ImportRejection> {
        if output.is_empty() || output.len() > function.length() || log_rounds > 30 {
            return Err(Malformed);
        }
        Ok(Self { function, log_rounds, salt, output })
    }

    /// The maximum length of a password in bytes. Only Drupal uses SHA-512.
    fn max_password(&self) -> usize {
        match self.function {
            HashFunction::Sha512 => MAX_DRUPAL_PASSWORD,
            HashFunction::Md5 | HashFunction::Sha1 | HashFunction::Sha256 => MAX_BYTES,
        }
    }
}

fn read(parameters: &str, salt: &str, hash: &str) -> Result<Phpass, ImportRejection> {
    let (function, rest) = parameters.split_once(',').ok_or(Malformed)?;
    let function = HashFunction::named(function).ok_or(UnknownFormat)?;
    Phpass::from_parts(function, number_parameter(rest, "ln")?, non_empty_base64(salt)?, non_empty_base64(hash)?)
}

impl Hash for Phpass {
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>> {
        match *fields {
            ["", "phpass", parameters, salt, hash] => Some(read(parameters, salt, hash)),
            _ => None,
        }
    }

    fn compute(&self, password: &[u8], _: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let hashed = &password[..password.len().min(self.max_password())];
        let mut made = self.function.digest(&[&self.salt, hashed]);
        for _ in 0..1u32 << self.log_rounds {
            made = self.function.digest(&[&made, hashed]);
        }
        made.truncate(self.output.len());
        (hashed.len() == password.len()).then_some(made)
    }

    fn output(&self) -> &[u8] {
        &self.output
    }

    fn output_mut(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn work(&self) -> CostClass {
        match self.log_rounds {
            ..MIN_LOG_ROUNDS => CostClass::Fast,
            MIN_LOG_ROUNDS..=MAX_LOG_ROUNDS => CostClass::Fair,
            _ => CostClass::Excessive(MAX_ROUNDS),
        }
    }

    fn blank(&self) -> Self {
        Self { salt: vec![0; self.salt.len()], output: vec![0; self.output.len()], ..self.clone() }
    }
}

impl fmt::Display for Phpass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$phpass${},ln={}", self.function.name(), self.log_rounds)?;
        write!(f, "${}${}", encode(&self.salt), encode(&self.output))
    }
}
