//! The keys of access tokens: one to sign with, and those that are believed.

use std::collections::HashMap;

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{AlgorithmParameters, Jwk, ThumbprintHash},
};
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// Where the keys come from.
#[derive(Clone, Debug, Default)]
pub struct KeySource {
    /// Signs with HS256, where there is no private key.
    pub secret: Option<Secret>,
    /// A PKCS #8 PEM; signs with EdDSA or RS256.
    pub private_key: Option<Secret>,
    /// Secrets that signed before and are still believed.
    pub previous_secrets: Vec<Secret>,
    /// PEMs of the public keys that belong to private keys that signed before.
    pub previous_public_keys: Option<Secret>,
}

/// The keys, each with the one algorithm that it is for: a token's header chooses among keys and never among
/// algorithms (RFC 8725, sections 3.1 and 3.2).
pub(super) struct Keyring {
    pub signing: EncodingKey,
    pub algorithm: Algorithm,
    pub key_id: String,
    trusted: HashMap<String, (Algorithm, DecodingKey)>,
    public: Vec<Jwk>,
}

/// RFC 7518, section 3.3: 2048 bits or more.
const LEAST_RSA_BYTES: usize = 2048 / 8;
const PEM_END: &str = "-----END PUBLIC KEY-----";

impl Keyring {
    /// # Errors
    /// The setting and what is wrong with it, in words for whoever configured it.
    pub fn open(source: &KeySource) -> Result<Self, String> {
        let mut ring = match (&source.private_key, &source.secret) {
            (Some(pem), _) => Self::of_private_key(pem).map_err(|why| format!("JWT_PRIVATE_KEY: {why}"))?,
            (None, Some(secret)) => Self::of_secret(secret),
            (None, None) => return Err("JWT_SECRET: there is no key to sign access tokens with".to_owned()),
        };
        for secret in &source.previous_secrets {
            ring.trust_secret(secret);
        }
        let pems = source.previous_public_keys.as_ref().map_or(String::new(), unfolded);
        for pem in pems.split_inclusive(PEM_END).filter(|pem| !pem.trim().is_empty()) {
            ring.trust_public_key(pem).map_err(|why| format!("JWT_PUBLIC_KEYS_PREVIOUS: {why}"))?;
        }
        Ok(ring)
    }

    /// The key that a token names, and the algorithm that it has to be signed with. None: it is none of ours.
    pub fn trusted(&self, key_id: &str) -> Option<&(Algorithm, DecodingKey)> {
        self.trusted.get(key_id)
    }

    /// The public keys that are believed, for `/.well-known/jwks.json`; none where tokens are signed with a secret.
    pub fn public(&self) -> &[Jwk] {
        &self.public
    }

    fn of_secret(secret: &Secret) -> Self {
        let mut ring = Self {
            signing: EncodingKey::from_secret(secret.expose().as_bytes()),
            algorithm: Algorithm::HS256,
            key_id: secret_id(secret),
            trusted: HashMap::new(),
            public: Vec::new(),
        };
        ring.trust_secret(secret);
        ring
    }

    fn of_private_key(pem: &Secret) -> Result<Self, String> {
        let pem = unfolded(pem);
        let (signing, algorithm) = match EncodingKey::from_ed_pem(pem.as_bytes()) {
            Ok(key) => (key, Algorithm::EdDSA),
            Err(_) => match EncodingKey::from_rsa_pem(pem.as_bytes()) {
                Ok(key) => (key, Algorithm::RS256),
                Err(_) => return Err("is no PEM of an Ed25519 or RSA private key in PKCS #8".to_owned()),
            },
        };
        let jwk = Jwk::from_encoding_key(&signing, algorithm).map_err(|_| "is no private key".to_owned())?;
        let mut ring = Self { signing, algorithm, key_id: String::new(), trusted: HashMap::new(), public: Vec::new() };
        ring.key_id = ring.trust(jwk, algorithm)?;
        Ok(ring)
    }

    fn trust_secret(&mut self, secret: &Secret) {
        let key = DecodingKey::from_secret(secret.expose().as_bytes());
        self.trusted.insert(secret_id(secret), (Algorithm::HS256, key));
    }

    fn trust_public_key(&mut self, pem: &str) -> Result<(), String> {
        let (key, algorithm) = match DecodingKey::from_ed_pem(pem.as_bytes()) {
            Ok(key) => (key, Algorithm::EdDSA),
            Err(_) => match DecodingKey::from_rsa_pem(pem.as_bytes()) {
                Ok(key) => (key, Algorithm::RS256),
                Err(_) => return Err("holds something else than PEMs of Ed25519 or RSA public keys".to_owned()),
            },
        };
        let jwk = Jwk::from_decoding_key(&key, Some(algorithm));
        self.trust(jwk.map_err(|_| "holds a key that can't be read".to_owned())?, algorithm).map(|_| ())
    }

    /// Believes a public key from now on, and says how tokens name it (RFC 7638).
    fn trust(&mut self, mut jwk: Jwk, algorithm: Algorithm) -> Result<String, String> {
        if let AlgorithmParameters::RSA(parameters) = &jwk.algorithm {
            // Base 64 without padding: four characters for three bytes.
            if parameters.n.len() * 3 / 4 < LEAST_RSA_BYTES {
                return Err("has fewer than 2048 bits".to_owned());
            }
        }
        let unreadable = |_| "can't be read".to_owned();
        let key = DecodingKey::from_jwk(&jwk).map_err(unreadable)?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256).map_err(unreadable)?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
        self.public.push(jwk);
        self.trusted.insert(id.clone(), (algorithm, key));
        Ok(id)
    }
}

/// A variable of the environment may hold a PEM on one line, with `\n` for its line breaks.
fn unfolded(pem: &Secret) -> String {
    pem.expose().replace("\\n", "\n")
}

/// How tokens name a secret. It is part of a hash under its own label; guessing at the secret is no easier with it than
/// with any token.
fn secret_id(secret: &Secret) -> String {
    let digest = Sha256::new().chain_update(b"countersign/jwt-key-id/").chain_update(secret.expose()).finalize();
    hex::encode(&digest[..8])
}
