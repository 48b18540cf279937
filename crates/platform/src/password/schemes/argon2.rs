//! Argon2 (RFC 9106) in the PHC string format, which this service and many others store.

use std::fmt;

use argon2::{Algorithm, MIN_SALT_LEN, Params, Version};
use zeroize::Zeroizing;

use super::{
    CostClass, Hash, blank_salt,
    text::{encode, non_empty_base64, number, number_parameter},
};
use crate::password::{
    Bound,
    ImportRejection::{self, Malformed},
    pool::Memory,
};

/// The maximum memory, and memory times passes, of a verification, in KiB.
const MAX_MEMORY: u64 = 256 << 10;
const MAX_WORK: u64 = 2 << 20;
const MAX_PASSES: u32 = 10;
const MEMORY: Bound = Bound::new(MAX_MEMORY, "KiB of Argon2's memory");
const WORK: Bound = Bound::new(MAX_WORK, "KiB of Argon2's memory times passes");
const PASSES: Bound = Bound::new(MAX_PASSES as u64, "passes of Argon2");
/// Memory times passes, in KiB, below which guesses are cheap: a tenth of the minimum that OWASP recommends.
const FAST_WORK: u64 = 4 << 10;

#[derive(Clone, PartialEq)]
pub struct Argon2 {
    pub algorithm: Algorithm,
    pub version: Version,
    pub params: Params,
    pub salt: Vec<u8>,
    pub output: Vec<u8>,
}

impl Argon2 {
    /// Computes the hash into `output`. False if the parameters are inconsistent, which [`Params`] and the parser rule
    /// out.
    pub fn fill(&self, password: &[u8], output: &mut [u8], memory: &mut Memory) -> bool {
        let blocks = memory.blocks(self.params.block_count());
        let context = argon2::Argon2::new(self.algorithm, self.version, self.params.clone());
        context.hash_password_into_with_memory(password, &self.salt, output, blocks).is_ok()
    }

    /// From the parameters of the PHC string format.
    pub fn from_parts(
        algorithm: &str,
        version: u32,
        [memory, passes, lanes]: [u32; 3],
        salt: Vec<u8>,
        output: Vec<u8>,
    ) -> Result<Self, ImportRejection> {
        if salt.len() < MIN_SALT_LEN {
            return Err(Malformed);
        }
        Ok(Self {
            algorithm: Algorithm::new(algorithm).map_err(|_| Malformed)?,
            version: Version::try_from(version).map_err(|_| Malformed)?,
            params: Params::new(memory, passes, lanes, Some(output.len())).map_err(|_| Malformed)?,
            salt,
            output,
        })
    }
}

fn read(id: &str, version: u32, parameters: &str, salt: &str, hash: &str) -> Result<Argon2, ImportRejection> {
    let number = |name| number_parameter(parameters, name);
    let costs = [number("m")?, number("t")?, number("p")?];
    Argon2::from_parts(id, version, costs, non_empty_base64(salt)?, non_empty_base64(hash)?)
}

impl Hash for Argon2 {
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>> {
        match *fields {
            ["", id @ ("argon2id" | "argon2i" | "argon2d"), version, parameters, salt, hash] => {
                let version = version.strip_prefix("v=").ok_or(Malformed).and_then(number);
                Some(version.and_then(|version| read(id, version, parameters, salt, hash)))
            }
            // A missing version means 0x10 (PHC string format, argon2).
            ["", id @ ("argon2id" | "argon2i" | "argon2d"), parameters, salt, hash] => {
                Some(read(id, Version::V0x10.into(), parameters, salt, hash))
            }
            _ => None,
        }
    }

    fn compute(&self, password: &[u8], memory: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let mut computed = Zeroizing::new(vec![0; self.output.len()]);
        self.fill(password, &mut computed, memory).then_some(computed)
    }

    fn output(&self) -> &[u8] {
        &self.output
    }

    fn output_mut(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn work(&self) -> CostClass {
        let (memory, passes) = (u64::from(self.params.m_cost()), self.params.t_cost());
        let work = memory * u64::from(passes);
        if memory > MAX_MEMORY {
            CostClass::Excessive(MEMORY)
        } else if passes > MAX_PASSES {
            CostClass::Excessive(PASSES)
        } else if work > MAX_WORK {
            CostClass::Excessive(WORK)
        } else if work < FAST_WORK {
            CostClass::Fast
        } else {
            CostClass::Fair
        }
    }

    fn blank(&self) -> Self {
        Self { salt: blank_salt(), output: vec![0; self.output.len()], ..self.clone() }
    }
}

impl fmt::Display for Argon2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (memory, passes, lanes) = (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        write!(f, "${}$v={}", self.algorithm.as_str(), u32::from(self.version))?;
        write!(f, "$m={memory},t={passes},p={lanes}${}${}", encode(&self.salt), encode(&self.output))
    }
}
