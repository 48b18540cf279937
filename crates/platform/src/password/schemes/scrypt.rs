//! scrypt (RFC 7914).

use std::fmt;

use scrypt::Params;
use zeroize::Zeroizing;

use super::{
    CostClass, Hash, blank_salt,
    text::{encode, non_empty_base64, number_parameter},
};
use crate::password::{
    Bound,
    ImportRejection::{self, Malformed, TooCostly},
    pool::Memory,
};

/// The maximum memory, and memory times lanes, of a verification, in bytes.
const MAX_MEMORY: u64 = 256 << 20;
const MAX_WORK: u64 = 1 << 30;
/// The maximum number of lanes, and of 128-byte blocks in all lanes. PBKDF2 generates these blocks before the memory is
/// filled, and reads them afterwards.
const MAX_LANES: u32 = 16;
const MAX_BLOCKS: u64 = 4096;
const MEMORY: Bound = Bound::new(MAX_MEMORY, "bytes of scrypt's memory");
const WORK: Bound = Bound::new(MAX_WORK, "bytes of scrypt's memory times lanes");
const LANES: Bound = Bound::new(MAX_LANES as u64, "lanes of scrypt");
const BLOCKS: Bound = Bound::new(MAX_BLOCKS, "blocks of scrypt in all lanes");
/// Memory times lanes, in bytes, below which guesses are cheap: a quarter of the parameters for interactive logins in the scrypt paper.
const FAST_WORK: u64 = 4 << 20;

#[derive(Clone, PartialEq)]
pub struct Scrypt {
    pub params: Params,
    pub salt: Vec<u8>,
    pub output: Vec<u8>,
}

/// Parameters from log2 of N.
pub fn params(log_n: u32, r: u32, p: u32) -> Result<Params, ImportRejection> {
    let log_n = u8::try_from(log_n).map_err(|_| TooCostly(MEMORY))?;
    match (r, p) {
        (0, _) | (_, 0) => Err(Malformed),
        // Only sizes that overflow remain to be refused.
        (r, p) if u64::from(r) * u64::from(p) < 1 << 30 => Params::new(log_n, r, p).map_err(|_| TooCostly(MEMORY)),
        _ => Err(TooCostly(BLOCKS)),
    }
}

/// Parameters from N.
pub fn params_of_n(n: u32, r: u32, p: u32) -> Result<Params, ImportRejection> {
    if n < 2 || !n.is_power_of_two() {
        return Err(Malformed);
    }
    params(n.ilog2(), r, p)
}

pub fn work(params: &Params) -> CostClass {
    let (r, p) = (u64::from(params.r()), u64::from(params.p()));
    let blocks = r.saturating_mul(p);
    let memory = params.n().saturating_mul(128 * r);
    let work = memory.saturating_mul(p);
    if memory > MAX_MEMORY {
        CostClass::Excessive(MEMORY)
    } else if params.p() > MAX_LANES {
        CostClass::Excessive(LANES)
    } else if work > MAX_WORK {
        CostClass::Excessive(WORK)
    } else if blocks > MAX_BLOCKS {
        CostClass::Excessive(BLOCKS)
    } else if work < FAST_WORK {
        CostClass::Fast
    } else {
        CostClass::Fair
    }
}

fn read(parameters: &str, salt: &str, hash: &str) -> Result<Scrypt, ImportRejection> {
    let number = |name| number_parameter(parameters, name);
    Ok(Scrypt {
        params: params(number("ln")?, number("r")?, number("p")?)?,
        salt: non_empty_base64(salt)?,
        output: non_empty_base64(hash)?,
    })
}

impl Hash for Scrypt {
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>> {
        match *fields {
            ["", "scrypt", parameters, salt, hash] => Some(read(parameters, salt, hash)),
            _ => None,
        }
    }

    fn compute(&self, password: &[u8], _: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let mut computed = Zeroizing::new(vec![0; self.output.len()]);
        scrypt::scrypt(password, &self.salt, &self.params, &mut computed).is_ok().then_some(computed)
    }

    fn output(&self) -> &[u8] {
        &self.output
    }

    fn output_mut(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn work(&self) -> CostClass {
        work(&self.params)
    }

    fn blank(&self) -> Self {
        Self { params: self.params, salt: blank_salt(), output: vec![0; self.output.len()] }
    }
}

impl fmt::Display for Scrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (log_n, r, p) = (self.params.log_n(), self.params.r(), self.params.p());
        write!(f, "$scrypt$ln={log_n},r={r},p={p}${}${}", encode(&self.salt), encode(&self.output))
    }
}
