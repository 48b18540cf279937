//! Password hashing and verification.

use std::sync::{Arc, PoisonError, RwLock};

use argon2::{Params, Version};
use zeroize::Zeroizing;

use super::{
    ExportedPassword, PasswordHash, Pool, SchemeCensus, Seed,
    decoys::Decoys,
    formats::Exported,
    forms,
    pool::{Memory, QueueSlot},
    prepare,
    schemes::{Algorithm, Argon2, CostClass, Prehash, Scheme, Wrapped},
};
use crate::{clock::Entropy, fault::Fault, secret::Secret};

/// The cost of a hash: the argon2id parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost(Params);

/// Lengths in bytes (RFC 9106, 3.1): a tag of 256 bits, a salt of 128 bits.
const OUTPUT: usize = 32;
const SALT: usize = 16;

impl Cost {
    /// The minimum of OWASP's Password Storage Cheat Sheet, and the default: 19 MiB, two passes, one lane.
    pub const MIN_MEMORY_KIB: u32 = 19 * 1024;
    pub const MIN_PASSES: u32 = 2;

    /// # Errors
    /// A message for the operator: less than the OWASP minimum (PW-04), or too many lanes for the memory.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, String> {
        if memory_kib < Self::MIN_MEMORY_KIB || passes < Self::MIN_PASSES {
            return Err(format!(
                "at least {} KiB and {} passes, the minimum recommended by OWASP",
                Self::MIN_MEMORY_KIB,
                Self::MIN_PASSES
            ));
        }
        Params::new(memory_kib, passes, lanes, Some(OUTPUT)).map(Self).map_err(|error| error.to_string())
    }
}

impl Default for Cost {
    fn default() -> Self {
        // The default of the crate is the same OWASP minimum.
        Self(Params::new(Self::MIN_MEMORY_KIB, Self::MIN_PASSES, 1, Some(OUTPUT)).unwrap_or(Params::DEFAULT))
    }
}

/// The result of verifying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordCheck {
    Incorrect,
    Correct,
    /// Correct, but the stored hash is not of the current scheme and cost: hash the password again and store that.
    CorrectNeedsRehash,
}

impl PasswordCheck {
    pub fn is_correct(self) -> bool {
        self != PasswordCheck::Incorrect
    }
}

/// Hashes and verifies passwords on the pool. Cheap to clone; clones share their decoys.
#[derive(Clone)]
pub struct Hasher {
    pool: Pool,
    cost: Cost,
    entropy: Entropy,
    /// A random hash at the current cost that matches no password.
    current: Arc<Scheme>,
    decoys: Arc<RwLock<Arc<Decoys>>>,
}

impl Hasher {
    pub fn new(pool: Pool, cost: Cost, entropy: Entropy) -> Self {
        let (salt, output) = (entropy.bytes::<SALT>(), entropy.bytes::<OUTPUT>());
        let current = Arc::new(cost.scheme(salt.to_vec(), output.to_vec()));
        let decoys = Decoys::new(&cost, Arc::clone(&current), &entropy.bytes(), &SchemeCensus::default());
        Self { pool, cost, entropy, current, decoys: Arc::new(RwLock::new(Arc::new(decoys))) }
    }

    /// Replaces the census by which decoys are chosen.
    pub fn set_census(&self, seed: &Seed, census: &SchemeCensus) {
        let decoys = Arc::new(Decoys::new(&self.cost, Arc::clone(&self.current), seed, census));
        *self.decoys.write().unwrap_or_else(PoisonError::into_inner) = decoys;
    }

    /// Hashes a new password with a random salt.
    ///
    /// # Errors
    /// Unavailable, immediately, if the pool is full. Internal if the password is longer than
    /// [`MAX_BYTES`](super::MAX_BYTES), which every policy rejects.
    pub async fn hash(&self, password: &Secret) -> Result<PasswordHash, Fault> {
        self.hash_in_slot(self.reserve()?, password).await
    }

    async fn hash_in_slot(&self, slot: QueueSlot, password: &Secret) -> Result<PasswordHash, Fault> {
        let password = prepare(password.expose()).ok_or_else(|| Fault::internal("the password is too long to hash"))?;
        let (cost, salt) = (self.cost.clone(), self.entropy.bytes::<SALT>());
        self.pool.run_in_slot(slot, move |memory| cost.hash(&password, salt, memory)).await?
    }

    /// The hash to store for a password exported by another system. None if the account has no password.
    ///
    /// A fast hash is wrapped in argon2id and a clear-text password is hashed, which takes as long as any hash. Waits
    /// for a slot on the pool.
    ///
    /// # Errors
    /// Internal if hashing fails.
    pub async fn import(&self, exported: ExportedPassword) -> Result<Option<PasswordHash>, Fault> {
        let scheme = match exported.0 {
            Exported::Hash(scheme) => scheme,
            Exported::Clear(password) => return self.hash_in_slot(self.pool.wait().await?, &password).await.map(Some),
            Exported::Unusable => return Ok(None),
        };
        if scheme.work() != CostClass::Fast {
            return Ok(Some(PasswordHash::from_scheme(scheme)));
        }
        let argon2 = self.cost.argon2(self.entropy.bytes::<SALT>().to_vec(), vec![0; OUTPUT]);
        let wrapped =
            self.pool.run_in_slot(self.pool.wait().await?, move |memory| Wrapped::wrap(&scheme, argon2, memory));
        let wrapped = wrapped.await?.ok_or_else(|| Fault::internal("argon2 rejected its parameters"))?;
        Ok(Some(PasswordHash::from_scheme(Algorithm::Wrapped(Box::new(wrapped)).into())))
    }

    /// Reserves a slot on the pool for [`Hasher::verify_in_slot`]. Call it before any lookup or counting.
    ///
    /// # Errors
    /// Unavailable, immediately, if the pool is full.
    pub fn reserve(&self) -> Result<QueueSlot, Fault> {
        self.pool.reserve()
    }

    /// Verifies `password` against `hash`. Without a hash (an unknown account, or an account without a password) it is
    /// verified against the decoy of `name` and the result is [`PasswordCheck::Incorrect`], so that the response
    /// time does not reveal whether the account exists.
    ///
    /// `name`: the account id, or the normalised identifier if no account has it.
    ///
    /// # Errors
    /// Unavailable, immediately, if the pool is full.
    pub async fn verify(
        &self,
        password: &Secret,
        hash: Option<&PasswordHash>,
        name: &str,
    ) -> Result<PasswordCheck, Fault> {
        self.verify_in_slot(self.reserve()?, password, hash, name).await
    }

    /// Like [`Hasher::verify`], in a slot that was reserved before.
    ///
    /// # Errors
    /// Internal if hashing fails.
    pub async fn verify_in_slot(
        &self,
        slot: QueueSlot,
        password: &Secret,
        hash: Option<&PasswordHash>,
        name: &str,
    ) -> Result<PasswordCheck, Fault> {
        // Too long to be the password of any account.
        let Some(forms) = forms(password) else { return Ok(PasswordCheck::Incorrect) };
        let known = hash.is_some();
        let decoy = self.decoy(name);
        let scheme = hash.map_or(decoy, |hash| Arc::new(hash.scheme.clone()));
        let cost = self.cost.clone();
        let verified = self.pool.run_in_slot(slot, move |memory| {
            // Always verify both forms: stopping after a match of the first would reveal it by timing.
            let prepared = scheme.matches(forms.prepared.as_bytes(), memory);
            let typed = forms.typed.is_some_and(|typed| scheme.matches(typed.expose().as_bytes(), memory));
            memory.shrink(cost.0.block_count());
            match known && (prepared || typed) {
                false => PasswordCheck::Incorrect,
                true if prepared && cost.is_current(&scheme) => PasswordCheck::Correct,
                true => PasswordCheck::CorrectNeedsRehash,
            }
        });
        verified.await
    }

    /// The decoy that is verified if no account has this name.
    fn decoy(&self, name: &str) -> Arc<Scheme> {
        let decoys = Arc::clone(&self.decoys.read().unwrap_or_else(PoisonError::into_inner));
        decoys.choose(name)
    }

    /// The number of jobs that wait for a thread, for the metrics.
    pub fn waiting(&self) -> usize {
        self.pool.queued()
    }
}

impl Cost {
    fn argon2(&self, salt: Vec<u8>, output: Vec<u8>) -> Argon2 {
        let (algorithm, version) = (argon2::Algorithm::Argon2id, Version::V0x13);
        Argon2 { algorithm, version, params: self.0.clone(), salt, output }
    }

    fn scheme(&self, salt: Vec<u8>, output: Vec<u8>) -> Scheme {
        Algorithm::Argon2(self.argon2(salt, output)).into()
    }

    fn hash(&self, password: &Zeroizing<String>, salt: [u8; SALT], memory: &mut Memory) -> Result<PasswordHash, Fault> {
        let mut output = vec![0; OUTPUT];
        let argon2 = self.argon2(salt.to_vec(), Vec::new());
        if argon2.fill(password.as_bytes(), &mut output, memory) {
            Ok(PasswordHash::from_scheme(Algorithm::Argon2(Argon2 { output, ..argon2 }).into()))
        } else {
            Err(Fault::internal("argon2 rejected its parameters"))
        }
    }

    /// Whether a hash was made with the current scheme and cost.
    pub(super) fn is_current(&self, scheme: &Scheme) -> bool {
        match &scheme.algorithm {
            Algorithm::Argon2(Argon2 { algorithm, version, params, salt, .. }) => {
                scheme.prehash == Prehash::None
                    && *algorithm == argon2::Algorithm::Argon2id
                    && *version == Version::V0x13
                    && *params == self.0
                    && salt.len() >= SALT
            }
            Algorithm::Bcrypt(_)
            | Algorithm::Scrypt(_)
            | Algorithm::Pbkdf2(_)
            | Algorithm::Phpass(_)
            | Algorithm::ShaCrypt(_)
            | Algorithm::Firebase(_)
            | Algorithm::Salted(_)
            | Algorithm::Wrapped(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
