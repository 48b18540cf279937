//! Proofs: issued for a confirmed code, and spent once.

use sha2::{Digest, Sha256};

use crate::code;
use domain::{Timestamp, ids::VerificationId, proof::Proof, purpose::Purpose};
use platform::{config::Secret, keys::ServerKey};
use store::SpendResult;

/// The token of a proof: 64 lower-case hex digits, derived from a server key, the verification and its code, and stored
/// as a hash. It is derived so that the same code yields the same token if the first response was lost.
#[derive(Clone, Debug)]
pub struct ProofToken(Secret);

impl ProofToken {
    /// The token for `guess`, valid if it is the code of this verification. `key` is the verification's server key. For
    /// any other guess no proof with this token exists.
    pub(super) fn derive(key: &ServerKey, id: &VerificationId, purpose: Purpose, generation: i32, guess: &str) -> Self {
        let (code, generation) = (code::normalised_guess(guess), generation.to_be_bytes());
        let parts = [id.as_str().as_bytes(), purpose.as_str().as_bytes(), &generation, code.expose().as_bytes()];
        Self(Secret::new(hex::encode(key.derive("proof-token/1", &parts))))
    }

    /// Parses a token from a client. None: it does not have the format of a token, so a lookup is not needed.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(hex)).then(|| Self(Secret::new(text)))
    }

    /// The text, for the response to the client that confirmed the code.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The stored hash. The token cannot be guessed without the key, so a single round of a plain hash is enough.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.expose()))
    }
}

/// Why a proof was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    Unknown,
    Expired,
    Spent,
    WrongPurpose,
}

/// Returns the proof if it can be spent now, otherwise the reason.
pub(super) fn check(found: Option<Proof>, purpose: Purpose, now: Timestamp) -> Result<Proof, Rejection> {
    match found {
        Some(proof) if proof.purpose == purpose && proof.spent_at.is_none() && proof.expires_at > now => Ok(proof),
        found => Err(rejection(found.as_ref(), purpose, now)),
    }
}

/// The reason why a proof could not be spent. If several apply, the first of: wrong purpose, spent, expired.
fn rejection(found: Option<&Proof>, purpose: Purpose, now: Timestamp) -> Rejection {
    match found {
        None => Rejection::Unknown,
        Some(proof) if proof.purpose != purpose => Rejection::WrongPurpose,
        Some(proof) if proof.spent_at.is_some() => Rejection::Spent,
        Some(proof) if proof.expires_at <= now => Rejection::Expired,
        // It could be spent when it was read afterwards: a concurrent request is spending it.
        Some(_) => Rejection::Spent,
    }
}

/// The proof that was spent, or the reason why not.
///
/// # Errors
/// The reason.
pub fn spent_proof(spending: SpendResult, purpose: Purpose, now: Timestamp) -> Result<Proof, Rejection> {
    match spending {
        SpendResult::Spent(proof) => Ok(*proof),
        SpendResult::Refused(found) => Err(rejection(found.as_deref(), purpose, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::clock::Entropy;

    #[test]
    fn token_is_64_lower_case_hex_digits() {
        let key = ServerKey::new((0..32).collect()).unwrap();
        let id = VerificationId::new(&Entropy::seeded(1));
        let token = ProofToken::derive(&key, &id, Purpose::SignIn, 1, "123456");
        assert_eq!(token.expose().len(), 64);
        assert_eq!(ProofToken::parse(token.expose()).unwrap().hash(), token.hash());
        assert_ne!(token.hash(), token.expose());
        for text in ["", "abc", &token.expose().to_uppercase(), &"g".repeat(64), &"é".repeat(32)] {
            assert!(ProofToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn token_depends_on_key_verification_purpose_generation_and_code() {
        let [key, other_key] = [0u8, 100].map(|start| ServerKey::new((start..start + 32).collect()).unwrap());
        let entropy = Entropy::seeded(1);
        let [id, other_id] = [(), ()].map(|()| VerificationId::new(&entropy));
        let token = |key, id, purpose, generation, guess| {
            ProofToken::derive(key, id, purpose, generation, guess).expose().to_owned()
        };
        let base = token(&key, &id, Purpose::SignIn, 1, "123456");
        assert_eq!(base, token(&key, &id, Purpose::SignIn, 1, " 123-456 "));
        for other in [
            token(&other_key, &id, Purpose::SignIn, 1, "123456"),
            token(&key, &other_id, Purpose::SignIn, 1, "123456"),
            token(&key, &id, Purpose::PasswordReset, 1, "123456"),
            token(&key, &id, Purpose::SignIn, 2, "123456"),
            token(&key, &id, Purpose::SignIn, 1, "123457"),
        ] {
            assert_ne!(base, other);
        }
    }
}
