//! Passwords: the policy for new passwords, hashing and verification.
//!
//! [`Policy`] checks a new password, [`Hasher`] hashes and verifies it. Both run on one [`Pool`] with one thread per
//! core and a bounded queue: hashing is slow by design, and a flood of sign-ins must not take CPU time from other
//! requests (`docs/security.md`, PW-06).
//!
//! **Unicode normalisation.** Depending on the keyboard, the same password arrives composed or decomposed, in half or
//! full width. It is normalised to NFKC before it is checked, hashed or verified, as NIST SP 800-63B requires (3.1.1.2,
//! by UAX #15). Only [`prepare`] does this. Nothing else is changed: no trimming, no truncation, no case folding.
//!
//! Most other systems hash the bytes as received. A password is therefore verified in two forms where these differ: in
//! NFKC and as typed. A hash made by this service matches the NFKC form only.

mod breached;
mod context;
mod decoys;
mod formats;
mod hash;
mod hasher;
mod policy;
mod pool;
mod rules;
mod schemes;
mod strength;

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub use breached::Breached;
pub use context::Context;
pub use decoys::{Census, Seed, Tally};
pub use formats::FormatRefusal;
pub use hash::{Bound, ExportedPassword, ImportRejection, PasswordHash};
pub use hasher::{Cost, Hasher, Verdict};
pub use policy::{Description, Policy};
pub use pool::{Observer, Pool};
pub use rules::{PolicyKind, Rules, Violation};

use crate::secret::Secret;

/// The maximum length of a password in bytes. A longer one is rejected before any work is done (PW-06).
pub const MAX_BYTES: usize = 1024;

/// The NFKC form of a password, which is checked, hashed and verified. None if it is longer than [`MAX_BYTES`].
fn prepare(password: &str) -> Option<Zeroizing<String>> {
    if password.len() > MAX_BYTES {
        return None;
    }
    // Enough capacity for nearly all passwords, so that no reallocation leaves an unwiped copy on the heap.
    let mut prepared = Zeroizing::new(String::with_capacity(4 * password.len()));
    prepared.extend(password.nfkc());
    (prepared.len() <= MAX_BYTES).then_some(prepared)
}

/// The forms of a password that are verified.
struct Forms {
    prepared: Zeroizing<String>,
    /// As typed, if it differs from `prepared`.
    typed: Option<Secret>,
}

/// None if either form is longer than [`MAX_BYTES`].
fn forms(password: &Secret) -> Option<Forms> {
    let prepared = prepare(password.expose())?;
    let typed = (*prepared != password.expose()).then(|| password.clone());
    Some(Forms { prepared, typed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pw_03_prepare_normalises_to_nfkc_and_changes_nothing_else() {
        let form = |password| prepare(password).unwrap().to_string();
        assert_eq!(form("cafe\u{301}"), form("caf\u{e9}"));
        assert_eq!(form("ｐａｓｓ"), form("pass"));
        assert_eq!(form("비밀"), form("\u{1107}\u{1175}\u{1106}\u{1175}\u{11af}"));
        assert_eq!(form("  Pass word\t"), "  Pass word\t");
        assert_ne!(form("straße"), form("strasse"));
    }

    #[test]
    fn pw_06_prepare_rejects_too_long_passwords() {
        assert!(prepare(&"a".repeat(MAX_BYTES)).is_some());
        assert!(prepare(&"a".repeat(MAX_BYTES + 1)).is_none());
        // NFKC expands this code point to eighteen.
        assert!(prepare(&"\u{FDFA}".repeat(300)).is_none());
    }
}
