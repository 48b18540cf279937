//! Attestations: the fact of a confirmation as a signed JWT, for back ends that ask nobody.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    channel::Channel,
    clock::Instant,
    contact::ContactKind,
    fault::Fault,
    ids::{AccountId, VerificationId},
    purpose::Purpose,
    secret::Secret,
};

/// What comes before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// What is attested.
pub struct Attestation<'a> {
    pub verification: &'a VerificationId,
    pub subject: Subject<'a>,
    pub purpose: Purpose,
    pub channel: Channel,
    pub issued_at: Instant,
    pub expires_at: Instant,
}

/// Who it was that knew the code.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Whoever reads what is sent to this contact: E.164, or the normalised address.
    Contact(ContactKind, &'a str),
    /// Whoever reads what is sent to one of this account's contacts: the code went to more than one, so none of them is
    /// proved by itself.
    Account(&'a AccountId),
}

impl<'a> Subject<'a> {
    fn claims(self) -> (&'a str, &'static str) {
        match self {
            Subject::Contact(kind, contact) => (contact, kind.as_str()),
            Subject::Account(account) => (account.as_str(), "account"),
        }
    }
}

/// Signs attestations with Ed25519 (RFC 8037). Cheap to clone.
#[derive(Clone)]
pub struct Attestor(Arc<Signer>);

struct Signer {
    key: EncodingKey,
    key_id: String,
    public: Vec<u8>,
    issuer: String,
    audience: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    /// Of the proof: a hash of the verification's id, which is a capability and stays with whoever holds it.
    jti: String,
    iat: i64,
    exp: i64,
    purpose: &'static str,
    channel: &'static str,
    /// What `sub` is: `phone`, `email`, or `account`.
    contact_kind: &'static str,
}

impl Attestor {
    /// `key` is a seed of 32 bytes in base 64, or a PKCS #8 PEM. `issuer` is where the service is known to the world.
    ///
    /// # Errors
    /// What is wrong with the key, in words for whoever configured it.
    pub fn new(key: &Secret, issuer: String, audience: String) -> Result<Self, String> {
        let seed = seed(key)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| "is no Ed25519 key".to_owned())?;
        let public = pair.public_key().as_ref().to_vec();
        let mut pkcs8 = PKCS8_PREFIX.to_vec();
        pkcs8.extend_from_slice(&seed);
        let key_id = URL_SAFE_NO_PAD.encode(&Sha256::digest(&public)[..12]);
        let key = EncodingKey::from_ed_der(&pkcs8);
        Ok(Self(Arc::new(Signer { key, key_id, public, issuer, audience })))
    }

    /// The signed token.
    ///
    /// # Errors
    /// A fault when it can't be signed.
    pub fn attest(&self, what: &Attestation<'_>) -> Result<Secret, Fault> {
        let Signer { key, key_id, issuer, audience, .. } = &*self.0;
        let header = Header {
            typ: Some("attestation+jwt".to_owned()),
            kid: Some(key_id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        let (sub, contact_kind) = what.subject.claims();
        let claims = Claims {
            iss: issuer,
            aud: audience,
            sub,
            jti: hex::encode(&Sha256::digest(what.verification.as_str())[..16]),
            iat: what.issued_at.timestamp(),
            exp: what.expires_at.timestamp(),
            purpose: what.purpose.as_str(),
            channel: what.channel.as_str(),
            contact_kind,
        };
        let token = jsonwebtoken::encode(&header, &claims, key)
            .map_err(|error| Fault::internal(format!("signing an attestation: {error}")))?;
        Ok(Secret::new(token))
    }

    /// The public key, as a member of `/.well-known/jwks.json` (RFC 7517, RFC 8037).
    pub fn jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": self.0.key_id,
            "x": URL_SAFE_NO_PAD.encode(&self.0.public),
        })
    }
}

fn seed(key: &Secret) -> Result<[u8; 32], String> {
    let text = key.expose();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).flat_map(str::chars).collect();
    let bytes = STANDARD.decode(body.trim()).map_err(|_| "is neither base 64 nor a PEM".to_owned())?;
    let seed = if text.contains("-----BEGIN") {
        bytes.strip_prefix(&PKCS8_PREFIX).ok_or("is a PEM, but of no Ed25519 key in PKCS #8")?
    } else {
        &bytes
    };
    seed.try_into().map_err(|_| format!("needs 32 bytes, not {}; make one with: openssl rand -base64 32", seed.len()))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    #[test]
    fn whoever_has_the_published_key_can_check_it() {
        let key = Secret::new(STANDARD.encode([7u8; 32]));
        let attestor = Attestor::new(&key, "https://id.example.com".to_owned(), "shop".to_owned()).unwrap();
        let issued_at = Instant::from_timestamp(4_000_000_000, 0).unwrap();
        let token = attestor
            .attest(&Attestation {
                verification: &VerificationId::new(&crate::clock::Entropy::seeded(1)),
                subject: Subject::Contact(ContactKind::Phone, "+821012345678"),
                purpose: Purpose::Contact,
                channel: Channel::Sms,
                issued_at,
                expires_at: issued_at + std::time::Duration::from_secs(600),
            })
            .unwrap();
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(attestor.jwk()).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&["shop"]);
        validation.set_issuer(&["https://id.example.com"]);
        let key = DecodingKey::from_jwk(&jwk).unwrap();
        let checked = jsonwebtoken::decode::<Value>(token.expose(), &key, &validation).unwrap();
        assert_eq!(checked.claims["sub"], "+821012345678");
        assert_eq!(checked.claims["purpose"], "CONTACT");
        validation.set_audience(&["another"]);
        assert!(jsonwebtoken::decode::<Value>(token.expose(), &key, &validation).is_err());
    }

    #[test]
    fn a_pem_and_its_seed_are_the_same_key() {
        let seed = [9u8; 32];
        let pem = [&PKCS8_PREFIX[..], &seed].concat();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pem));
        let attestor = |key: String| Attestor::new(&Secret::new(key), String::new(), String::new());
        assert_eq!(attestor(pem).unwrap().jwk(), attestor(STANDARD.encode(seed)).unwrap().jwk());
        assert!(attestor("short".to_owned()).is_err());
        assert!(attestor(STANDARD.encode([1u8; 16])).is_err());
    }
}
