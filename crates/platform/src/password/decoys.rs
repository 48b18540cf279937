//! Decoys: what the password for an unknown account is verified against.
//!
//! Hashes cost what they were made with: at another system, or before the costs here were raised. If unknown accounts
//! were always verified at today's cost, an answer that takes another time would reveal an account. So an unknown
//! identifier is given one of the schemes that accounts have, as often as accounts have it, and always the same one.
//!
//! Accounts move from other schemes to today's, when their owners sign in, and never back. Unknown identifiers do the
//! same as the shares change: a scheme's share is remembered at its largest ([`SchemeCount::peak`]), identifiers are
//! spread over the schemes by that, and as many of a scheme's identifiers as its accounts have left it have left it.
//!
//! What remains: somebody who knows that two identifiers are one person's can tell, as long as accounts have schemes of
//! different costs, that no account has both of them if their decoys differ. Nothing links the two here.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use super::{PasswordHash, hasher::Cost, schemes::Scheme};

/// How many accounts have which scheme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    pub schemes: Vec<SchemeCount>,
}

/// One scheme at one cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeCount {
    /// A stored hash without salt and output.
    pub scheme: String,
    pub accounts: u64,
    /// The most that `accounts` ever was.
    pub peak: u64,
}

/// The most schemes that are told apart. Choosing among them takes a few microseconds.
const MOST_SCHEMES: usize = 128;

impl Census {
    /// The next census: what `tally` counted, with the peaks of this one.
    #[must_use]
    pub fn next(&self, tally: Tally) -> Self {
        let mut counted = tally.0;
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
        schemes.truncate(MOST_SCHEMES);
        Self { schemes }
    }
}

/// Counts stored hashes by their schemes.
#[derive(Debug, Default)]
pub struct Tally(HashMap<String, u64>);

impl Tally {
    /// Counts a stored hash. A garbled one is verified against a decoy, too, and is none.
    pub fn add(&mut self, stored: &str) {
        if let Some(hash) = PasswordHash::from_stored(stored) {
            *self.0.entry(hash.scheme.blank().to_string()).or_default() += 1;
        }
    }
}

/// A scheme that accounts have and that is not made here today.
struct Class {
    name: String,
    scheme: Arc<Scheme>,
    accounts: f64,
    /// What identifiers are spread by.
    weight: f64,
}

/// Chooses decoys.
pub struct Decoys {
    key: hmac::Key,
    current: Arc<Scheme>,
    current_weight: f64,
    others: Vec<Class>,
}

/// What identifiers are spread with: secret, the same in all processes, and never changed.
pub type Seed = [u8; 32];

impl Decoys {
    /// `current`: a hash as it is made today.
    pub fn new(cost: &Cost, current: Arc<Scheme>, seed: &Seed, census: &Census) -> Self {
        let mut others = Vec::new();
        let (mut total, mut peaks) = (0.0, 0.0);
        for counted in &census.schemes {
            let Some(hash) = PasswordHash::from_stored(&counted.scheme) else { continue };
            let [accounts, peak] = [counted.accounts, counted.peak].map(|count| count as f64);
            total += accounts;
            if !cost.made(&hash.scheme) {
                peaks += peak;
                let (name, scheme) = (counted.scheme.clone(), Arc::new(hash.scheme));
                others.push(Class { name, scheme, accounts, weight: peak });
            }
        }
        // Accounts were deleted: what left the schemes is not with today's one.
        if peaks > total {
            others.iter_mut().for_each(|class| class.weight = class.accounts);
            peaks = others.iter().map(|class| class.weight).sum();
        }
        others.retain(|class| class.weight > 0.0);
        let key = hmac::Key::new(hmac::HMAC_SHA256, seed);
        Self { key, current, current_weight: total - peaks, others }
    }

    /// The decoy of an identifier.
    pub fn choose(&self, name: &str) -> Arc<Scheme> {
        // Weighted rendezvous: the more of a scheme there is, the sooner it comes; a scheme that grows takes identifiers
        // from others, and none moves between those.
        let waits = |class: &str, weight: f64| -self.chance(&["spread", class, name]).ln() / weight;
        let mut soonest = (waits("", self.current_weight.max(f64::MIN_POSITIVE)), None);
        for class in &self.others {
            let wait = waits(&class.name, class.weight);
            if wait < soonest.0 {
                soonest = (wait, Some(class));
            }
        }
        match soonest.1 {
            Some(class) if self.chance(&["left", &class.name, name]) < class.accounts / class.weight => {
                Arc::clone(&class.scheme)
            }
            _ => Arc::clone(&self.current),
        }
    }

    /// A number between 0 and 1, neither of them, that depends on the parts alone.
    fn chance(&self, parts: &[&str]) -> f64 {
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
