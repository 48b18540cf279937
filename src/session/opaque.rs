//! Opaque tokens: 256 bits that mean nothing by themselves, known to the store by their hash.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{clock::Entropy, keys::ServerKey, secret::Secret};

/// 256 bits in base 64 without padding.
const LENGTH: usize = 43;

/// A refresh token, or what a device is known by.
#[derive(Clone, Debug)]
pub struct Opaque(Secret);

impl Opaque {
    pub fn new(entropy: &Entropy) -> Self {
        Self::of(entropy.bytes())
    }

    /// The token that a client sent. None: it can be none of ours, so nothing need be looked up.
    pub fn parse(text: &str) -> Option<Self> {
        let ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() == LENGTH && text.bytes().all(ours)).then(|| Self(Secret::new(text)))
    }

    /// The text, for the answer to whom it belongs.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// What the store knows it by. The token has 256 bits of chance in it, so one round of a plain hash is enough.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.expose()))
    }

    /// The token that this one is exchanged for: the same one however often it is asked for, by whichever process, and
    /// nobody's guess without the key.
    pub fn successor(&self, key: &ServerKey) -> Self {
        Self::of(key.derive("refresh-token/1", &[self.0.expose().as_bytes()]))
    }

    /// A token in the place of a successor that was never seen: another one for each generation.
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
    fn tk_02_a_token_is_256_bits_and_known_by_its_hash() {
        let token = Opaque::new(&Entropy::seeded(1));
        assert_eq!(URL_SAFE_NO_PAD.decode(token.expose()).unwrap().len(), 32);
        assert_eq!(Opaque::parse(token.expose()).unwrap().hash(), token.hash());
        assert_ne!(token.hash(), token.expose());
        for text in ["", "abc", &"é".repeat(21), &format!("{}=", &token.expose()[1..])] {
            assert!(Opaque::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_token_has_one_successor_under_one_key() {
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
