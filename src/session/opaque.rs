//! Opaque tokens: 256 random bits, stored as a hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use platform::{clock::Entropy, keys::ServerKey, secret::Secret};

/// Length of 256 bits in base64url without padding.
const LENGTH: usize = 43;

/// A refresh token or a device token.
#[derive(Clone, Debug)]
pub struct Opaque(Secret);

impl Opaque {
    pub fn new(entropy: &Entropy) -> Self {
        Self::of(entropy.bytes())
    }

    /// Parses a token from a client. None: it does not have the format of a token, so a lookup is not needed.
    pub fn parse(text: &str) -> Option<Self> {
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() == LENGTH && text.bytes().all(is_base64url)).then(|| Self(Secret::new(text)))
    }

    /// The text, for the response to its owner.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// The stored hash. The token has 256 random bits, so a single round of a plain hash is enough.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.expose()))
    }

    /// The token that this one is exchanged for. It is deterministic, so that every process derives the same one, and
    /// cannot be guessed without the key.
    pub fn successor(&self, key: &ServerKey) -> Self {
        Self::of(key.derive("refresh-token/1", &[self.0.expose().as_bytes()]))
    }

    /// A replacement for a successor that was never seen. Different for each generation.
    pub fn replacement(&self, key: &ServerKey, generation: i32) -> Self {
        Self::of(key.derive("refresh-token/replacement/1", &[self.0.expose().as_bytes(), &generation.to_be_bytes()]))
    }

    fn of(bytes: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tk_02_a_token_is_256_bits_and_found_by_its_hash() {
        let token = Opaque::new(&Entropy::seeded(1));
        assert_eq!(URL_SAFE_NO_PAD.decode(token.expose()).unwrap().len(), 32);
        assert_eq!(Opaque::parse(token.expose()).unwrap().hash(), token.hash());
        assert_ne!(token.hash(), token.expose());
        for text in ["", "abc", &"é".repeat(21), &format!("{}=", &token.expose()[1..])] {
            assert!(Opaque::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn successors_and_replacements_depend_on_token_key_and_generation() {
        let token = Opaque::new(&Entropy::seeded(1));
        let [one, other] = [0u8, 100].map(|start| ServerKey::new((start..start + 32).collect()).unwrap());
        assert_eq!(token.successor(&one).expose(), token.successor(&one).expose());
        assert_ne!(token.successor(&one).expose(), token.successor(&other).expose());
        assert_ne!(token.successor(&one).expose(), token.expose());
        let replacements = [1, 2].map(|generation| token.replacement(&one, generation));
        assert_ne!(replacements[0].expose(), replacements[1].expose());
        assert_ne!(replacements[0].expose(), token.successor(&one).expose());
        assert_ne!(replacements[0].expose(), token.replacement(&other, 1).expose());
    }
}
