//! PBKDF2 (RFC 8018).

use std::{fmt, num::NonZeroU32};

use aws_lc_rs::pbkdf2;
use zeroize::Zeroizing;

use super::{
    CostClass, Hash, HashFunction, blank_salt,
    text::{dotted_base64, encode, number, number_parameter},
};
use crate::password::{
    Bound,
    ImportRejection::{self, Malformed, UnknownFormat},
    pool::Memory,
};

const MAX_ROUNDS: u32 = 2_000_000;
const ROUNDS: Bound = Bound::new(MAX_ROUNDS as u64, "rounds of PBKDF2");
/// With fewer rounds, a graphics card tests millions of passwords per second.
const FAST_ROUNDS: u32 = 10_000;

#[derive(Clone, PartialEq)]
pub struct Pbkdf2 {
    function: HashFunction,
    rounds: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Pbkdf2 {
    pub fn from_parts(
        function: HashFunction,
        rounds: u32,
        salt: Vec<u8>,
        mut output: Vec<u8>,
    ) -> Result<Self, ImportRejection> {
        function.pbkdf2().ok_or(UnknownFormat)?;
        if output.is_empty() {
            return Err(Malformed);
        }
        // Each further digest length of output repeats all rounds and adds no security.
        output.truncate(function.length());
        Ok(Self { function, rounds: NonZeroU32::new(rounds).ok_or(Malformed)?, salt, output })
    }

    /// With the name of the hash function; an empty name means SHA-1.
    pub fn named(name: &str, rounds: u32, salt: Vec<u8>, output: Vec<u8>) -> Result<Self, ImportRejection> {
        let function = if name.is_empty() { Some(HashFunction::Sha1) } else { HashFunction::named(name) };
        Self::from_parts(function.ok_or(UnknownFormat)?, rounds, salt, output)
    }
}

fn read(name: &str, rounds: &str, salt: &str, hash: &str) -> Result<Pbkdf2, ImportRejection> {
    let rounds = if rounds.contains('=') { number_parameter(rounds, "i")? } else { number(rounds)? };
    Pbkdf2::named(name.trim_start_matches('-'), rounds, dotted_base64(salt)?, dotted_base64(hash)?)
}

impl Hash for Pbkdf2 {
    /// The rounds are written as in the PHC string format, or as by passlib.
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>> {
        match *fields {
            ["", id, rounds, salt, hash] => Some(read(id.strip_prefix("pbkdf2")?, rounds, salt, hash)),
            _ => None,
        }
    }

    fn compute(&self, password: &[u8], _: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let mut computed = Zeroizing::new(vec![0; self.output.len()]);
        pbkdf2::derive(self.function.pbkdf2()?, self.rounds, &self.salt, password, &mut computed);
        Some(computed)
    }

    fn output(&self) -> &[u8] {
        &self.output
    }

    fn output_mut(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn work(&self) -> CostClass {
        match self.rounds.get() {
            ..FAST_ROUNDS => CostClass::Fast,
            FAST_ROUNDS..=MAX_ROUNDS => CostClass::Fair,
            _ => CostClass::Excessive(ROUNDS),
        }
    }

    fn blank(&self) -> Self {
        Self { salt: blank_salt(), output: vec![0; self.output.len()], ..self.clone() }
    }
}

impl fmt::Display for Pbkdf2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, rounds) = (self.function.name(), self.rounds);
        write!(f, "$pbkdf2-{name}$i={rounds}${}${}", encode(&self.salt), encode(&self.output))
    }
}
