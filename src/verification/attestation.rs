//! Attestations: a confirmation as a signed JWT, which back ends can verify offline.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use domain::{
    Timestamp,
    channel::Channel,
    contact::ContactKind,
    ids::{AccountId, VerificationId},
    purpose::Purpose,
};
use platform::{
    fault::Fault,
    keys::{ED25519_PKCS8_PREFIX, ed25519_seed},
    secret::Secret,
};

/// The confirmation to attest.
pub struct Attestation<'a> {
    pub verification: &'a VerificationId,
    pub subject: Subject<'a>,
    pub purpose: Purpose,
    pub channel: Channel,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// The subject of an attestation.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// The person who controls this contact: E.164, or the normalised address.
    Contact(ContactKind, &'a str),
    /// The person who controls one of this account's contacts: the code was sent to more than one, so none of them is proved by
    /// itself.
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
    /// The signing key comes first.
    key_ids: Vec<String>,
    published: Vec<Value>,
    issuer: String,
    audience: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    /// Derived from a hash of the verification's id. The id itself is a capability and is not included.
    jti: String,
    iat: i64,
    exp: i64,
    purpose: &'static str,
    channel: &'static str,
    /// Kind of `sub`: `phone`, `email`, or `account`.
    contact_kind: &'static str,
}

/// The public half of an Ed25519 key, and its id in tokens.
struct PublicKey {
    id: String,
    bytes: Vec<u8>,
}

impl PublicKey {
    fn of(seed: &[u8]) -> Result<Self, String> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| "is not an Ed25519 key".to_owned())?;
        let bytes = pair.public_key().as_ref().to_vec();
        Ok(Self { id: URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..12]), bytes })
    }

    /// As a member of `/.well-known/jwks.json` (RFC 7517, RFC 8037).
    fn jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": self.id,
            "x": URL_SAFE_NO_PAD.encode(&self.bytes),
        })
    }
}

impl Attestor {
    /// `key` is a seed of 32 bytes in base64, or a PKCS #8 PEM. `accepted` has the same formats: keys that were used
    /// for signing before or will be next, and are published too. `issuer` is the public URL of the service.
    ///
    /// # Errors
    /// What is wrong with a key, for the operator.
    pub fn new(key: &Secret, accepted: &[Secret], issuer: String, audience: String) -> Result<Self, String> {
        let seed = ed25519_seed(key)?;
        let public = PublicKey::of(&seed[..])?;
        let mut published = vec![public.jwk()];
        let mut key_ids = vec![public.id];
        for key in accepted {
            let public = PublicKey::of(&ed25519_seed(key)?[..])?;
            // The same key may be listed twice during a rolling deployment.
            if !key_ids.contains(&public.id) {
                published.push(public.jwk());
                key_ids.push(public.id);
            }
        }
        let mut pkcs8 = Zeroizing::new(ED25519_PKCS8_PREFIX.to_vec());
        pkcs8.extend_from_slice(&seed[..]);
        let key = EncodingKey::from_ed_der(&pkcs8);
        Ok(Self(Arc::new(Signer { key, key_ids, published, issuer, audience })))
    }

    /// Signs an attestation.
    ///
    /// # Errors
    /// A fault if signing fails.
    pub fn attest(&self, what: &Attestation<'_>) -> Result<Secret, Fault> {
        let Signer { key, key_ids, issuer, audience, .. } = &*self.0;
        let header = Header {
            typ: Some("attestation+jwt".to_owned()),
            kid: key_ids.first().cloned(),
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

    /// The public keys, for `/.well-known/jwks.json`.
    pub fn public_keys(&self) -> &[Value] {
        &self.0.published
    }

    /// The ids of the keys in tokens. The signing key comes first.
    pub fn key_ids(&self) -> &[String] {
        &self.0.key_ids
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;

    #[test]
    fn attestation_verifies_with_the_published_key() {
        let key = Secret::new(STANDARD.encode(seed(7)));
        let attestor = Attestor::new(&key, &[], "https://id.example.com".to_owned(), "shop".to_owned()).unwrap();
        let issued_at = Timestamp::from_timestamp(4_000_000_000, 0).unwrap();
        let token = attestor
            .attest(&Attestation {
                verification: &VerificationId::new(&platform::clock::Entropy::seeded(1)),
                subject: Subject::Contact(ContactKind::Phone, "+821012345678"),
                purpose: Purpose::Contact,
                channel: Channel::Sms,
                issued_at,
                expires_at: issued_at + std::time::Duration::from_secs(600),
            })
            .unwrap();
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(attestor.public_keys()[0].clone()).unwrap();
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

    fn seed(number: u64) -> [u8; 32] {
        platform::clock::Entropy::seeded(number).bytes()
    }

    fn attestor(key: String, accepted: &[Secret]) -> Result<Attestor, String> {
        Attestor::new(&Secret::new(key), accepted, String::new(), String::new())
    }

    #[test]
    fn pem_and_seed_give_the_same_key() {
        let seed = seed(9);
        let pem = [&ED25519_PKCS8_PREFIX[..], &seed].concat();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pem));
        let published = |key: String| attestor(key, &[]).unwrap().public_keys().to_vec();
        assert_eq!(published(pem.replace('\n', "\\n")), published(STANDARD.encode(seed)));
        assert_eq!(published(pem), published(STANDARD.encode(seed)));
    }

    #[test]
    fn short_and_weak_keys_are_rejected() {
        assert!(attestor("short".to_owned(), &[]).is_err());
        assert!(attestor(STANDARD.encode(&seed(9)[..16]), &[]).is_err());
        assert!(attestor(STANDARD.encode([0u8; 32]), &[]).is_err());
        let weak = Secret::new(STANDARD.encode([0u8; 32]));
        assert!(attestor(STANDARD.encode(seed(9)), &[weak]).is_err());
    }

    #[test]
    fn accepted_keys_are_published_once_after_the_signing_key() {
        let [current, next] = [1, 2].map(|number| Secret::new(STANDARD.encode(seed(number))));
        let attestor = attestor(current.expose().to_owned(), &[next.clone(), current]).unwrap();
        let ids: Vec<_> = attestor.public_keys().iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert_eq!(ids, attestor.key_ids());
        assert_eq!(ids.len(), 2);
        let after = Attestor::new(&next, &[], String::new(), String::new()).unwrap();
        assert_eq!(ids[1], after.key_ids()[0]);
    }
}
