//! Keeping and verifying passwords.

use std::sync::Arc;

use argon2::{Algorithm, Params, Version};
use zeroize::Zeroizing;

use super::{
    PasswordHash, Pool,
    pool::{Memory, Place},
    prepare,
    schemes::{self, Scheme},
};
use crate::{clock::Entropy, fault::Fault, secret::Secret};

/// What a hash costs: argon2id's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost(Params);

/// RFC 9106, 3.1: a tag of 256 bits, a salt of 128.
const OUTPUT: usize = 32;
const SALT: usize = 16;

impl Cost {
    /// What OWASP's Password Storage Cheat Sheet asks at least, and our default: 19 MiB, two passes, one lane.
    pub const LEAST_MEMORY_KIB: u32 = 19 * 1024;
    pub const LEAST_PASSES: u32 = 2;

    /// # Errors
    /// What is wrong, in words for an operator: less than OWASP asks (PW-04), or lanes that don't fit the memory.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, String> {
        if memory_kib < Self::LEAST_MEMORY_KIB || passes < Self::LEAST_PASSES {
            return Err(format!(
                "at least {} KiB and {} passes, the least that OWASP calls safe",
                Self::LEAST_MEMORY_KIB,
                Self::LEAST_PASSES
            ));
        }
        Params::new(memory_kib, passes, lanes, Some(OUTPUT)).map(Self).map_err(|error| error.to_string())
    }
}

impl Default for Cost {
    fn default() -> Self {
        // The crate's own default is the same: OWASP's.
        Self(Params::new(Self::LEAST_MEMORY_KIB, Self::LEAST_PASSES, 1, Some(OUTPUT)).unwrap_or(Params::DEFAULT))
    }
}

/// What became of a password at sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, and kept in a way that is not ours of today: hash the password and store that.
    RightButRehash,
}

impl Verdict {
    pub fn is_right(self) -> bool {
        self != Verdict::Wrong
    }
}

/// Hashes and verifies on the pool. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    pool: Pool,
    cost: Cost,
    entropy: Entropy,
    /// What the passwords of unknown accounts are verified against: of the same cost, and of no password.
    nobodys: Arc<Scheme>,
}

impl Hasher {
    pub fn new(pool: Pool, cost: Cost, entropy: Entropy) -> Self {
        let (salt, output) = (entropy.bytes::<SALT>(), entropy.bytes::<OUTPUT>());
        let nobodys = Arc::new(cost.scheme(salt.to_vec(), output.to_vec()));
        Self { pool, cost, entropy, nobodys }
    }

    /// A hash of a new password, with a salt of its own.
    ///
    /// # Errors
    /// Unavailable, at once, where the pool is full. Internal for a password that no policy lets through, longer than
    /// [`MAX_BYTES`](super::MAX_BYTES).
    pub async fn hash(&self, password: &Secret) -> Result<PasswordHash, Fault> {
        let password = prepare(password.expose()).ok_or_else(|| Fault::internal("a password too long to be hashed"))?;
        let (cost, salt) = (self.cost.clone(), self.entropy.bytes::<SALT>());
        self.pool.run(move |memory| cost.hash(&password, salt, memory)).await?
    }

    /// Keeps a place on the pool for [`Hasher::verify_at`]: asked for before anything is looked up or counted for it.
    ///
    /// # Errors
    /// Unavailable, at once, where the pool is full.
    pub fn reserve(&self) -> Result<Place, Fault> {
        self.pool.reserve()
    }

    /// Whether `password` is the one that `hash` was made of. Without a hash (an unknown account, or one that has no
    /// password) the same work is done and the answer is [`Verdict::Wrong`], so that the time tells nothing.
    ///
    /// Hashes that were imported take their own time until they are replaced, at the first sign-in.
    ///
    /// # Errors
    /// Unavailable, at once, where the pool is full.
    pub async fn verify(&self, password: &Secret, hash: Option<&PasswordHash>) -> Result<Verdict, Fault> {
        self.verify_at(self.reserve()?, password, hash).await
    }

    /// The same, at a place that was kept for it.
    ///
    /// # Errors
    /// Internal, where hashing fails.
    pub async fn verify_at(
        &self,
        place: Place,
        password: &Secret,
        hash: Option<&PasswordHash>,
    ) -> Result<Verdict, Fault> {
        // Too long to have been accepted, whoever's it is.
        let Some(password) = prepare(password.expose()) else { return Ok(Verdict::Wrong) };
        let known = hash.is_some();
        let scheme = hash.map_or_else(|| self.nobodys.clone(), |hash| Arc::new(hash.scheme.clone()));
        let cost = self.cost.clone();
        let verified = self.pool.run_at(place, move |memory| {
            let fits = scheme.fits(password.as_bytes(), memory);
            memory.shrink(cost.0.block_count());
            match (fits && known, cost.made(&scheme)) {
                (false, _) => Verdict::Wrong,
                (true, true) => Verdict::Right,
                (true, false) => Verdict::RightButRehash,
            }
        });
        verified.await
    }

    /// How many hashes wait for a thread, for the metrics.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }
}

impl Cost {
    fn scheme(&self, salt: Vec<u8>, output: Vec<u8>) -> Scheme {
        Scheme::Argon2 { algorithm: Algorithm::Argon2id, version: Version::V0x13, params: self.0.clone(), salt, output }
    }

    fn hash(&self, password: &Zeroizing<String>, salt: [u8; SALT], memory: &mut Memory) -> Result<PasswordHash, Fault> {
        let mut output = vec![0; OUTPUT];
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        if schemes::argon2(algorithm, version, &self.0, password.as_bytes(), &salt, &mut output, memory) {
            Ok(PasswordHash::of(self.scheme(salt.to_vec(), output)))
        } else {
            Err(Fault::internal("argon2 refused its parameters"))
        }
    }

    /// Whether a hash was made in our way and at our cost of today.
    fn made(&self, scheme: &Scheme) -> bool {
        match scheme {
            Scheme::Argon2 { algorithm, version, params, salt, .. } => {
                *algorithm == Algorithm::Argon2id
                    && *version == Version::V0x13
                    && *params == self.0
                    && salt.len() >= SALT
            }
            Scheme::Bcrypt { .. } | Scheme::Scrypt { .. } | Scheme::Pbkdf2 { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
