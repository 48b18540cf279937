//! argon2id over a fast hash of another system, so that a stolen table contains no MD5 or SHA-1.
//!
//! The text is the argon2id text, followed by the text of the fast hash with its output blanked:
//! `$wrapped$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH~$salted$md5,salt=before,rounds=1$SALT$AAAAAAAAAAAAAAAAAAAAAA`.

use std::fmt;

use zeroize::Zeroizing;

use super::{Algorithm, Argon2, CostClass, Hash, Scheme};
use crate::password::{
    ImportRejection::{self, Malformed},
    pool::Memory,
};

pub const PREFIX: &str = "$wrapped";
const SEPARATOR: char = '~';

#[derive(Clone, PartialEq)]
pub struct Wrapped {
    argon2: Argon2,
    inner: Scheme,
}

impl Wrapped {
    /// Wraps `inner`. `argon2` provides parameters and salt; its output is replaced. None if it can't be computed.
    pub fn wrap(inner: &Scheme, mut argon2: Argon2, memory: &mut Memory) -> Option<Self> {
        let mut output = vec![0; argon2.output.len()];
        argon2.fill(inner.output(), &mut output, memory).then_some(())?;
        argon2.output = output;
        Some(Self { argon2, inner: inner.without_output() })
    }

    /// Parses the text after [`PREFIX`].
    pub fn read(text: &str) -> Result<Self, ImportRejection> {
        let (argon2, inner) = text.split_once(SEPARATOR).ok_or(Malformed)?;
        let fields: Vec<&str> = argon2.split('$').collect();
        let inner = Scheme::read(inner)?;
        if matches!(inner.algorithm, Algorithm::Wrapped(_)) {
            return Err(Malformed);
        }
        Ok(Self { argon2: Argon2::read(&fields).ok_or(Malformed)??, inner })
    }

    pub fn compute(&self, password: &[u8], memory: &mut Memory) -> Option<Zeroizing<Vec<u8>>> {
        let inner = self.inner.compute(password, memory)?;
        self.argon2.compute(&inner, memory)
    }

    pub fn output(&self) -> &[u8] {
        self.argon2.output()
    }

    pub fn output_mut(&mut self) -> &mut [u8] {
        self.argon2.output_mut()
    }

    /// Whether the outer argon2id is itself cheap, which is possible if the wrapped hash was imported.
    pub fn has_weak_argon2(&self) -> bool {
        self.argon2.work() == CostClass::Fast
    }

    /// Never [`CostClass::Fast`], so that it is not wrapped again.
    pub fn work(&self) -> CostClass {
        match (self.inner.work(), self.argon2.work()) {
            (CostClass::Excessive(bound), _) | (_, CostClass::Excessive(bound)) => CostClass::Excessive(bound),
            (CostClass::Fast | CostClass::Fair, CostClass::Fast | CostClass::Fair) => CostClass::Fair,
        }
    }

    pub fn blank(&self) -> Self {
        Self { argon2: self.argon2.blank(), inner: self.inner.blank() }
    }
}

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}{SEPARATOR}{}", self.argon2, self.inner)
    }
}
