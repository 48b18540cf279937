//! The server's keys: one secret from which everything that must be derivable and never stored is derived.

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
    ED25519_PKCS8_PREFIX, check_ed25519, check_private_key, check_secret, check_server_key, check_text, ed25519_seed,
    server_key as parse, strong, unfolded,
};

/// A server key takes at least this many bytes (the output length of the hash it is used with, RFC 2104 section 3).
pub const LEAST_BYTES: usize = 32;

/// One secret key.
#[derive(Clone)]
pub struct ServerKey {
    id: String,
    bytes: Zeroizing<Vec<u8>>,
}

impl ServerKey {
    /// A key of at least [`LEAST_BYTES`] bytes. Whether it is hard to guess is checked where it is read ([`mod@parse`]).
    ///
    /// # Errors
    /// What is wrong with it, in words for the operator.
    pub fn new(bytes: Vec<u8>) -> Result<Self, String> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() < LEAST_BYTES {
            return Err(format!("needs at least {LEAST_BYTES} random bytes, not {}", bytes.len()));
        }
        // The id stays what it always was, since rows of other processes and versions name the key by it. It confirms a
        // guess at the key no better than a code or a refresh token that a person receives; what keeps a key from being
        // guessed is that weak ones are refused (`strength`).
        let digest = Sha256::new().chain_update(b"countersign/key-id/").chain_update(&*bytes).finalize();
        Ok(Self { id: hex::encode(&digest[..4]), bytes })
    }

    /// Names the key in rows: eight hex digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// HMAC-SHA-256 over the parts, under `label`, each with its length before it, so that no two lists of parts and
    /// no two uses of the key ever share an input.
    pub fn derive(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.bytes).expect("any length will do");
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

/// The key that new things are derived under, and those that rows may name as well: keys that it replaced, and the
/// next one, which other processes may derive under already.
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

    /// The key that a row names. None: this process does not have it. It may have been retired, or it is one that other
    /// processes use already: what it derived can't be checked here, which says nothing of whether it is right.
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
    fn a_short_key_is_refused_in_words() {
        assert!(ServerKey::new(vec![1; 31]).unwrap_err().contains("at least 32"));
    }

    #[test]
    fn labels_and_the_borders_between_parts_matter() {
        let key = ServerKey::new((0..32).collect()).unwrap();
        let base = key.derive("label", &[b"ab", b"c"]);
        assert_eq!(base, key.derive("label", &[b"ab", b"c"]));
        assert_ne!(base, key.derive("label", &[b"a", b"bc"]));
        assert_ne!(base, key.derive("other", &[b"ab", b"c"]));
    }

    #[test]
    fn a_row_finds_its_key_after_a_rotation() {
        let [old, new] = [0u8, 100].map(|start| ServerKey::new((start..start + 32).collect()).unwrap());
        let keys = ServerKeys::new(new, vec![old.clone()]);
        assert_eq!(keys.get(old.id()).unwrap().id(), old.id());
        assert!(keys.get("00000000").is_none());
    }
}
