//! Keys. Values that must be reproducible and are never stored, such as codes, are derived from the server key.

pub mod file;
pub mod folder;
mod in_use;
mod parse;
mod patterns;
mod published;
pub mod strength;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub use in_use::{Ids, KeysInUse};
pub use parse::{
    ED25519_PKCS8_PREFIX, check_ed25519, check_private_key, check_secret, check_server_key, check_strength, check_text,
    ed25519_seed, server_key as parse, unescape_newlines,
};

/// Minimum length of a server key in bytes (the output length of the hash that it is used with, RFC 2104 section 3).
pub const MIN_BYTES: usize = 32;

/// One secret key.
#[derive(Clone)]
pub struct ServerKey {
    id: String,
    bytes: Zeroizing<Vec<u8>>,
}

impl ServerKey {
    /// A key of at least [`MIN_BYTES`] bytes. Its strength is checked where it is parsed ([`mod@parse`]).
    ///
    /// # Errors
    /// An error message for the operator.
    pub fn new(bytes: Vec<u8>) -> Result<Self, String> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() < MIN_BYTES {
            return Err(format!("needs at least {MIN_BYTES} random bytes, not {}", bytes.len()));
        }
        // The derivation of the id must not change, since rows of other processes and versions contain it. An attacker
        // can verify a guess of the key with the id, as with any code or refresh token; the protection from guessing is
        // that weak keys are refused (`strength`).
        let digest = Sha256::new().chain_update(b"countersign/key-id/").chain_update(&*bytes).finalize();
        Ok(Self { id: hex::encode(&digest[..4]), bytes })
    }

    /// Identifies the key in rows: eight hex digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// HMAC-SHA-256 over `label` and the parts, each preceded by its length, so that different lists of parts and
    /// different uses of the key never have the same input.
    pub fn derive(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC accepts a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.bytes).expect("HMAC accepts a key of any length");
        for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ServerKey({})", self.id)
    }
}

/// The current key, with which new values are derived, and the accepted keys, which rows may also name: previous keys,
/// and the next one, which other processes may already use.
#[derive(Clone, Debug)]
pub struct ServerKeys {
    current: ServerKey,
    accepted: Vec<ServerKey>,
}

impl ServerKeys {
    pub fn new(current: ServerKey, accepted: Vec<ServerKey>) -> Self {
        Self { current, accepted }
    }

    pub fn current(&self) -> &ServerKey {
        &self.current
    }

    /// The key with this id. `None`: this process does not have it. It may have been retired, or other processes may
    /// already use it, so a value derived with it can't be verified here and is not necessarily invalid.
    pub fn get(&self, id: &str) -> Option<&ServerKey> {
        std::iter::once(&self.current).chain(&self.accepted).find(|key| key.id == id)
    }

    /// Every key, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &ServerKey> {
        std::iter::once(&self.current).chain(&self.accepted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_key_is_refused() {
        assert!(ServerKey::new(vec![1; 31]).unwrap_err().contains("at least 32"));
    }

    #[test]
    fn derived_value_depends_on_label_and_part_boundaries() {
        let key = ServerKey::new((0..32).collect()).unwrap();
        let base = key.derive("label", &[b"ab", b"c"]);
        assert_eq!(base, key.derive("label", &[b"ab", b"c"]));
        assert_ne!(base, key.derive("label", &[b"a", b"bc"]));
        assert_ne!(base, key.derive("other", &[b"ab", b"c"]));
    }

    #[test]
    fn previous_key_is_found_by_id() {
        let [old, new] = [0u8, 100].map(|start| ServerKey::new((start..start + 32).collect()).unwrap());
        let keys = ServerKeys::new(new, vec![old.clone()]);
        assert_eq!(keys.get(old.id()).unwrap().id(), old.id());
        assert!(keys.get("00000000").is_none());
    }
}
