//! Keeping and verifying passwords.

use std::sync::{Arc, PoisonError, RwLock};

use argon2::{Params, Version};
use zeroize::Zeroizing;

use super::{
    Census, ExportedPassword, PasswordHash, Pool, Seed,
    decoys::Decoys,
    formats::Exported,
    forms,
    pool::{Memory, Place},
    prepare,
    schemes::{Algorithm, Argon2, Prehash, Scheme, Work, Wrapped},
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

/// Hashes and verifies on the pool. Cheap to clone; clones share their decoys.
#[derive(Clone)]
pub struct Hasher {
    pool: Pool,
    cost: Cost,
    entropy: Entropy,
    /// A hash of today's cost that no password makes.
    current: Arc<Scheme>,
    decoys: Arc<RwLock<Arc<Decoys>>>,
}

impl Hasher {
    pub fn new(pool: Pool, cost: Cost, entropy: Entropy) -> Self {
        let (salt, output) = (entropy.bytes::<SALT>(), entropy.bytes::<OUTPUT>());
        let current = Arc::new(cost.scheme(salt.to_vec(), output.to_vec()));
        let decoys = Decoys::new(&cost, Arc::clone(&current), &entropy.bytes(), &Census::default());
        Self { pool, cost, entropy, current, decoys: Arc::new(RwLock::new(Arc::new(decoys))) }
    }

    /// Chooses decoys by this census from now on.
    pub fn set_census(&self, seed: &Seed, census: &Census) {
        let decoys = Arc::new(Decoys::new(&self.cost, Arc::clone(&self.current), seed, census));
        *self.decoys.write().unwrap_or_else(PoisonError::into_inner) = decoys;
    }

    /// A hash of a new password, with a salt of its own.
    ///
    /// # Errors
    /// Unavailable, at once, where the pool is full. Internal for a password that no policy lets through, longer than
    /// [`MAX_BYTES`](super::MAX_BYTES).
    pub async fn hash(&self, password: &Secret) -> Result<PasswordHash, Fault> {
        self.hash_at(self.reserve()?, password).await
    }

    async fn hash_at(&self, place: Place, password: &Secret) -> Result<PasswordHash, Fault> {
        let password = prepare(password.expose()).ok_or_else(|| Fault::internal("a password too long to be hashed"))?;
        let (cost, salt) = (self.cost.clone(), self.entropy.bytes::<SALT>());
        self.pool.run_at(place, move |memory| cost.hash(&password, salt, memory)).await?
    }

    /// What is stored of a password of another system. None: the account has none.
    ///
    /// A fast hash is wrapped in argon2id, and a password in clear text hashed, so this takes its time; it waits for a
    /// place on the pool.
    ///
    /// # Errors
    /// Internal, where hashing fails.
    pub async fn adopt(&self, exported: ExportedPassword) -> Result<Option<PasswordHash>, Fault> {
        let scheme = match exported.0 {
            Exported::Hash(scheme) => scheme,
            Exported::Clear(password) => return self.hash_at(self.pool.wait().await?, &password).await.map(Some),
            Exported::Unusable => return Ok(None),
        };
        if scheme.work() != Work::Fast {
            return Ok(Some(PasswordHash::of(scheme)));
        }
        let argon2 = self.cost.argon2(self.entropy.bytes::<SALT>().to_vec(), vec![0; OUTPUT]);
        let wrapped = self.pool.run_at(self.pool.wait().await?, move |memory| Wrapped::wrap(&scheme, argon2, memory));
        let wrapped = wrapped.await?.ok_or_else(|| Fault::internal("argon2 refused its parameters"))?;
        Ok(Some(PasswordHash::of(Algorithm::Wrapped(Box::new(wrapped)).into())))
    }

    /// Keeps a place on the pool for [`Hasher::verify_at`]: asked for before anything is looked up or counted for it.
    ///
    /// # Errors
    /// Unavailable, at once, where the pool is full.
    pub fn reserve(&self) -> Result<Place, Fault> {
        self.pool.reserve()
    }

    /// Whether `password` is the one that `hash` was made of. Without a hash (an unknown account, or one that has no
    /// password) it is verified against the decoy of `name`, and the answer is [`Verdict::Wrong`]: the time that it
    /// takes tells nothing.
    ///
    /// `name`: the account's id, or the identifier that names no account, in its normalised form.
    ///
    /// # Errors
    /// Unavailable, at once, where the pool is full.
    pub async fn verify(&self, password: &Secret, hash: Option<&PasswordHash>, name: &str) -> Result<Verdict, Fault> {
        self.verify_at(self.reserve()?, password, hash, name).await
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
        name: &str,
    ) -> Result<Verdict, Fault> {
        // Too long to have been accepted, whoever's it is.
        let Some(forms) = forms(password) else { return Ok(Verdict::Wrong) };
        let known = hash.is_some();
        let decoy = self.decoy(name);
        let scheme = hash.map_or(decoy, |hash| Arc::new(hash.scheme.clone()));
        let cost = self.cost.clone();
        let verified = self.pool.run_at(place, move |memory| {
            // Both forms, whether or not the first one fits: an answer that comes sooner would tell that it does.
            let prepared = scheme.fits(forms.prepared.as_bytes(), memory);
            let typed = forms.typed.is_some_and(|typed| scheme.fits(typed.expose().as_bytes(), memory));
            memory.shrink(cost.0.block_count());
            match known && (prepared || typed) {
                false => Verdict::Wrong,
                true if prepared && cost.made(&scheme) => Verdict::Right,
                true => Verdict::RightButRehash,
            }
        });
        verified.await
    }

    /// What is verified where no account has this name.
    fn decoy(&self, name: &str) -> Arc<Scheme> {
        let decoys = Arc::clone(&self.decoys.read().unwrap_or_else(PoisonError::into_inner));
        decoys.choose(name)
    }

    /// How many hashes wait for a thread, for the metrics.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
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
            Ok(PasswordHash::of(Algorithm::Argon2(Argon2 { output, ..argon2 }).into()))
        } else {
            Err(Fault::internal("argon2 refused its parameters"))
        }
    }

    /// Whether a hash was made in our way and at our cost of today.
    pub(super) fn made(&self, scheme: &Scheme) -> bool {
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
