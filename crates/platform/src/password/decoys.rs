//! Decoys: the hashes against which the passwords of unknown accounts are verified.
//!
//! Verification takes as long as the parameters of the hash require, and these differ: hashes were imported from other
//! systems, or made before the cost was raised. If unknown accounts were always verified at the current cost, a
//! different response time would reveal an account. An unknown identifier is therefore mapped to one of the schemes
//! that accounts have, always to the same one, with the same frequency as among accounts.
//!
//! An account moves from another scheme to the current one when its owner signs in, and never back. Unknown identifiers
//! move the same way: identifiers are spread over the schemes by the largest number of accounts that each scheme ever
//! had ([`SchemeCount::peak`]), and the share of accounts that have left a scheme is also the share of its identifiers
//! that are mapped to the current scheme.
//!
//! Known limitation: as long as accounts have schemes of different cost, an attacker who knows two identifiers of one
//! person can conclude from different decoys that no account has both. The decoys of two identifiers are not linked.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use super::{PasswordHash, hasher::Cost, schemes::Scheme};

/// The number of accounts per scheme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeCensus {
    pub schemes: Vec<SchemeCount>,
}

/// A scheme at one cost and its number of accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeCount {
    /// The text of a stored hash, with salt and output blanked.
    pub scheme: String,
    pub accounts: u64,
    /// The maximum that `accounts` ever was.
    pub peak: u64,
}

/// The maximum number of schemes that are distinguished. Choosing among them takes a few microseconds.
const MAX_SCHEMES: usize = 128;

impl SchemeCensus {
    /// The next census: `counts`, with the peaks of this census.
    #[must_use]
    pub fn next(&self, counts: SchemeCounts) -> Self {
        let mut counted = counts.0;
        for known in &self.schemes {
            counted.entry(known.scheme.clone()).or_insert(0);
        }
        let peak =
            |scheme: &str| self.schemes.iter().find(|known| known.scheme == scheme).map_or(0, |known| known.peak);
        let count = |(scheme, accounts): (String, u64)| {
            let peak = peak(&scheme).max(accounts);
            SchemeCount { scheme, accounts, peak }
        };
        let mut schemes: Vec<_> = counted.into_iter().map(count).collect();
        schemes.sort_by(|one, other| {
            Reverse(one.accounts).cmp(&Reverse(other.accounts)).then_with(|| one.scheme.cmp(&other.scheme))
        });
        schemes.truncate(MAX_SCHEMES);
        Self { schemes }
    }
}

/// Counts stored hashes by their schemes.
#[derive(Debug, Default)]
pub struct SchemeCounts(HashMap<String, u64>);

impl SchemeCounts {
    /// Counts a stored hash. A malformed one is not counted; its account is verified against a decoy.
    pub fn add(&mut self, stored: &str) {
        if let Some(hash) = PasswordHash::from_stored(stored) {
            *self.0.entry(hash.scheme.blank().to_string()).or_default() += 1;
        }
    }
}

/// A scheme that accounts have and that is not the current one.
struct ForeignScheme {
    name: String,
    scheme: Arc<Scheme>,
    accounts: f64,
    /// The weight by which identifiers are spread over the schemes.
    weight: f64,
}

/// Chooses decoys.
pub struct Decoys {
    key: hmac::Key,
    current: Arc<Scheme>,
    current_weight: f64,
    others: Vec<ForeignScheme>,
}

/// The key by which identifiers are spread: secret, the same in all processes, and never changed.
pub type Seed = [u8; 32];

impl Decoys {
    /// `current`: a hash of the current scheme and cost.
    pub fn new(cost: &Cost, current: Arc<Scheme>, seed: &Seed, census: &SchemeCensus) -> Self {
        let mut others = Vec::new();
        let (mut total, mut peaks) = (0.0, 0.0);
        for counted in &census.schemes {
            let Some(hash) = PasswordHash::from_stored(&counted.scheme) else { continue };
            let [accounts, peak] = [counted.accounts, counted.peak].map(|count| count as f64);
            total += accounts;
            if !cost.is_current(&hash.scheme) {
                peaks += peak;
                let (name, scheme) = (counted.scheme.clone(), Arc::new(hash.scheme));
                others.push(ForeignScheme { name, scheme, accounts, weight: peak });
            }
        }
        // Accounts were deleted: not all accounts that left the other schemes have the current one.
        if peaks > total {
            others.iter_mut().for_each(|class| class.weight = class.accounts);
            peaks = others.iter().map(|class| class.weight).sum();
        }
        others.retain(|class| class.weight > 0.0);
        let key = hmac::Key::new(hmac::HMAC_SHA256, seed);
        Self { key, current, current_weight: total - peaks, others }
    }

    /// The decoy for an identifier.
    pub fn choose(&self, name: &str) -> Arc<Scheme> {
        // Weighted rendezvous hashing: a scheme that grows takes identifiers from the others, and no identifier moves
        // between those.
        let score_of = |class: &str, weight: f64| -self.pseudo_random(&["spread", class, name]).ln() / weight;
        let mut lowest = (score_of("", self.current_weight.max(f64::MIN_POSITIVE)), None);
        for class in &self.others {
            let score = score_of(&class.name, class.weight);
            if score < lowest.0 {
                lowest = (score, Some(class));
            }
        }
        match lowest.1 {
            Some(class) if self.pseudo_random(&["left", &class.name, name]) < class.accounts / class.weight => {
                Arc::clone(&class.scheme)
            }
            _ => Arc::clone(&self.current),
        }
    }

    /// A number strictly between 0 and 1 that depends only on the parts and the key.
    fn pseudo_random(&self, parts: &[&str]) -> f64 {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let tag = context.sign();
        let mut first = [0; 8];
        first.iter_mut().zip(tag.as_ref()).for_each(|(byte, from)| *byte = *from);
        ((u64::from_be_bytes(first) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests;
