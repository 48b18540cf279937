//! The portable hashes of phpass (WordPress, phpBB) and the variant of Drupal 7.

use std::fmt;

use zeroize::Zeroizing;

use super::{
    Hash, HashFunction, Work,
    text::{encode, number_parameter, some_base64},
};
use crate::password::{
    ImportRejection::{self, Malformed, UnknownFormat},
    pool::Memory,
};

const MAX_LOG_ROUNDS: u32 = 20;
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
}

fn read(parameters: &str, salt: &str, hash: &str) -> Result<Phpass, ImportRejection> {
    let (function, rest) = parameters.split_once(',').ok_or(Malformed)?;
    let function = HashFunction::named(function).ok_or(UnknownFormat)?;
    Phpass::from_parts(function, number_parameter(rest, "ln")?, some_base64(salt)?, some_base64(hash)?)
}

impl Hash for Phpass {
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>> {
        match *fields {
            ["", "phpass", parameters, salt, hash] => Some(read(parameters, salt, hash)),
            _ => None,
        }
    }

    fn compute(&self, password: &[u8], _: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let mut digest = self.function.digest(&[&self.salt, password]);
        for _ in 0..1u32 << self.log_rounds {
            digest = self.function.digest(&[&digest, password]);
        }
        digest.truncate(self.output.len());
        Some(digest)
    }

    fn output(&self) -> &[u8] {
        &self.output
    }

    fn output_mut(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn work(&self) -> Work {
        match self.log_rounds {
            ..MIN_LOG_ROUNDS => Work::Fast,
            MIN_LOG_ROUNDS..=MAX_LOG_ROUNDS => Work::Fair,
            _ => Work::Excessive,
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
