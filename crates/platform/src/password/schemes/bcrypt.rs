//! bcrypt. As in every implementation, only the first 72 bytes of the password count.

use std::fmt;

use base64::{
    Engine,
    alphabet::BCRYPT,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::{CostClass, Hash, text::number};
use crate::password::{
    Bound,
    ImportRejection::{self, Malformed, TooCostly, TooWeak},
    pool::Memory,
};

/// Some implementations set unused bits in the last digit of a salt.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The maximum number of bytes that are hashed, including the terminating zero byte.
const MAX_PASSWORD: usize = 72;
const MIN_COST: u32 = 4;
const MAX_COST: u32 = 15;
const COST: Bound = Bound::new(MAX_COST as u64, "as bcrypt's cost");

#[derive(Clone, Copy, PartialEq)]
pub struct Bcrypt {
    /// `a`, `b` or `y`, which are equivalent for passwords of up to 255 bytes.
    version: char,
    cost: u32,
    salt: [u8; 16],
    output: [u8; 23],
}

impl Bcrypt {
    /// From the cost and the 53 base 64 digits of salt and hash.
    pub fn from_parts(version: char, cost: u32, digits: &str) -> Result<Self, ImportRejection> {
        if cost < MIN_COST {
            return Err(TooWeak);
        }
        if cost > MAX_COST {
            return Err(TooCostly(COST));
        }
        if digits.len() != 53 || !digits.is_ascii() {
            return Err(Malformed);
        }
        let bytes = |digits: &str| BASE64.decode(digits).map_err(|_| Malformed);
        let (salt, output) = digits.split_at(22);
        Ok(Self {
            version,
            cost,
            salt: bytes(salt)?.try_into().map_err(|_| Malformed)?,
            output: bytes(output)?.try_into().map_err(|_| Malformed)?,
        })
    }
}

impl Hash for Bcrypt {
    fn read(fields: &[&str]) -> Option<Result<Self, ImportRejection>> {
        match *fields {
            ["", id @ ("2a" | "2b" | "2y"), cost, digits] => {
                let version = if id == "2a" {
                    'a'
                } else if id == "2b" {
                    'b'
                } else {
                    'y'
                };
                Some(number(cost).and_then(|cost| Self::from_parts(version, cost, digits)))
            }
            _ => None,
        }
    }

    fn compute(&self, password: &[u8], _: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let mut terminated = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD));
        terminated.extend_from_slice(&password[..password.len().min(MAX_PASSWORD)]);
        if terminated.len() < MAX_PASSWORD {
            terminated.push(0);
        }
        let mut computed = Zeroizing::new(bcrypt::bcrypt(self.cost, self.salt, &terminated).to_vec());
        computed.truncate(self.output.len());
        Some(computed)
    }

    fn output(&self) -> &[u8] {
        &self.output
    }

    fn output_mut(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn work(&self) -> CostClass {
        CostClass::Fair
    }

    fn blank(&self) -> Self {
        Self { version: 'b', salt: [0; 16], output: [0; 23], ..*self }
    }
}

impl fmt::Display for Bcrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, output) = (BASE64.encode(self.salt), BASE64.encode(self.output));
        write!(f, "$2{}${:02}${salt}{output}", self.version, self.cost)
    }
}
