//! Passwords: what a new one has to be, and how they are kept.
//!
//! [`Policy`] judges a new password, [`Hasher`] keeps and verifies it. Both work on one [`Pool`] of threads as many as
//! cores, with a bounded queue: hashing is meant to be slow, and a flood of sign-ins must cost the flood and not the
//! rest of the program (`docs/security.md`, PW-06).
//!
//! **One form of Unicode.** The same password reaches us composed or decomposed, in half or full width, as the keyboard
//! pleases. It is brought to NFKC before it is judged, hashed or verified, as NIST SP 800-63B asks (3.1.1.2, by UAX #15),
//! here in [`prepare`] and nowhere else. Nothing else about it is changed: not trimmed, not cut, no case folded.
//!
//! Most other systems hash the bytes that they are given. So a password is verified in two forms, in NFKC and as it was
//! typed, where these differ; a hash that was made here fits the first form only.

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

/// The longest password that is looked at, in bytes; what is longer is refused before any work (PW-06).
pub const MAX_BYTES: usize = 1024;

/// The form of a password that is judged, hashed and verified: NFKC. None where it is longer than [`MAX_BYTES`].
fn prepare(password: &str) -> Option<Zeroizing<String>> {
    if password.len() > MAX_BYTES {
        return None;
    }
    // Room for the growth of all but the oddest passwords, so that no half-grown copy is left behind in the heap.
    let mut prepared = Zeroizing::new(String::with_capacity(4 * password.len()));
    prepared.extend(password.nfkc());
    (prepared.len() <= MAX_BYTES).then_some(prepared)
}

/// A password in the forms that it is verified in.
struct Forms {
    prepared: Zeroizing<String>,
    /// As it was typed, where that is another form.
    typed: Option<Secret>,
}

/// None where it is longer than [`MAX_BYTES`], in either form.
fn forms(password: &Secret) -> Option<Forms> {
    let prepared = prepare(password.expose())?;
    let typed = (*prepared != password.expose()).then(|| password.clone());
    Some(Forms { prepared, typed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pw_03_a_password_has_one_unicode_form_and_nothing_else_is_changed() {
        let form = |password| prepare(password).unwrap().to_string();
        assert_eq!(form("cafe\u{301}"), form("caf\u{e9}"));
        assert_eq!(form("ｐａｓｓ"), form("pass"));
        assert_eq!(form("비밀"), form("\u{1107}\u{1175}\u{1106}\u{1175}\u{11af}"));
        assert_eq!(form("  Pass word\t"), "  Pass word\t");
        assert_ne!(form("straße"), form("strasse"));
    }

    #[test]
    fn pw_06_a_password_of_a_megabyte_is_not_looked_at() {
        assert!(prepare(&"a".repeat(MAX_BYTES)).is_some());
        assert!(prepare(&"a".repeat(MAX_BYTES + 1)).is_none());
        // One code point that NFKC makes eighteen of.
        assert!(prepare(&"\u{FDFA}".repeat(300)).is_none());
    }
}
