//! A hash function over salt and password with one or few rounds. It is only stored wrapped (see `wrapped.rs`).

use std::fmt;

use zeroize::Zeroizing;

use super::{
    CostClass, Hash, HashFunction,
    text::{base64, encode, non_empty_base64, number_parameter, parameter},
};
use crate::password::{
    Bound,
    ImportRejection::{self, Malformed, TooCostly, UnknownFormat},
    pool::Memory,
};

/// The rounds of Spring's `StandardPasswordEncoder`; all other systems use one.
const MAX_ROUNDS: u32 = 1024;
const ROUNDS: Bound = Bound::new(MAX_ROUNDS as u64, "rounds of a salted hash");

/// The position of the salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaltPlace {
    BeforePassword,
    AfterPassword,
}

impl SaltPlace {
    fn name(self) -> &'static str {
        match self {
            SaltPlace::BeforePassword => "before",
            SaltPlace::AfterPassword => "after",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::BeforePassword, Self::AfterPassword].into_iter().find(|place| place.name() == name)
    }
}

#[derive(Clone, PartialEq)]
pub struct Salted {
    function: HashFunction,
    salt_place: SaltPlace,
    /// How many times the function is applied: first to salt and password, then to the previous digest.
    rounds: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Salted {
    pub fn from_parts(
        function: HashFunction,
        salt_place: SaltPlace,
        rounds: u32,
        salt: Vec<u8>,
        output: Vec<u8>,
    ) -> Result<Self, ImportRejection> {
        match rounds {
            0 => Err(Malformed),
            _ if rounds > MAX_ROUNDS => Err(TooCostly(ROUNDS)),
            _ if output.len() != function.length() => Err(Malformed),
            _ => Ok(Self { function, salt_place, rounds, salt, output }),
        }
    }

    /// A hash with one round.
    pub fn once(
        function: HashFunction,
        salt_place: SaltPlace,
        salt: Vec<u8>,
        output: Vec<u8>,
    ) -> Result<Self, ImportRejection> {
        Self::from_parts(function, salt_place, 1, salt, output)
    }
}

fn read(parameters: &str, salt: &str, hash: &str) -> Result<Salted, ImportRejection> {
    let (function, rest) = parameters.split_once(',').ok_or(Malformed)?;
    let function = HashFunction::named(function).ok_or(UnknownFormat)?;
    let place = SaltPlace::named(parameter(rest, "salt")?).ok_or(Malformed)?;
    Salted::from_parts(function, place, number_parameter(rest, "rounds")?, base64(salt)?, non_empty_base64(hash)?)
}

impl Hash for Salted {
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>> {
        match *fields {
            ["", "salted", parameters, salt, hash] => Some(read(parameters, salt, hash)),
            _ => None,
        }
    }

    fn compute(&self, password: &[u8], _: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let parts: [&[u8]; 2] = match self.salt_place {
            SaltPlace::BeforePassword => [&self.salt, password],
            SaltPlace::AfterPassword => [password, &self.salt],
        };
        let mut digest = self.function.digest(&parts);
        for _ in 1..self.rounds {
            digest = self.function.digest(&[&digest]);
        }
        Some(digest)
    }

    fn output(&self) -> &[u8] {
        &self.output
    }

    fn output_mut(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn work(&self) -> CostClass {
        CostClass::Fast
    }

    fn blank(&self) -> Self {
        Self { salt: vec![0; 8], output: vec![0; self.output.len()], ..self.clone() }
    }
}

impl fmt::Display for Salted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (function, place, rounds) = (self.function.name(), self.salt_place.name(), self.rounds);
        write!(f, "$salted${function},salt={place},rounds={rounds}${}${}", encode(&self.salt), encode(&self.output))
    }
}
