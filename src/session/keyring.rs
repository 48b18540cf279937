//! Keys of access tokens: one for signing, and all that are trusted for verification.

use std::collections::HashMap;

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    jwk::{AlgorithmParameters, Jwk, ThumbprintHash},
};
use sha2::{Digest, Sha256};

use platform::{
    config,
    keys::{Ids, ServerKey, ServerKeys, unescape_newlines},
    secret::Secret,
};

/// The configured keys.
#[derive(Clone, Debug)]
pub struct KeySource {
    /// Signs with HS256, if there is no private key.
    pub secret: Option<Secret>,
    /// A PKCS #8 PEM; signs with EdDSA or RS256.
    pub private_key: Option<Secret>,
    /// Secrets that were used for signing before or will be next.
    pub accepted_secrets: Vec<Secret>,
    /// A PKCS #8 PEM that will be used for signing next.
    pub next_private_key: Option<Secret>,
    /// PEMs of the public keys of private keys that were used for signing before.
    pub previous_public_keys: Option<Secret>,
    /// The keys that the ids of secrets are derived with, so that an id cannot be used to confirm a guess at a secret.
    pub server_keys: ServerKeys,
}

/// The keys, each bound to one algorithm: a token's header selects a key and never an algorithm (RFC 8725, sections 3.1
/// and 3.2).
pub(super) struct Keyring {
    pub signing: EncodingKey,
    pub algorithm: Algorithm,
    pub key_id: String,
    trusted: HashMap<String, (Algorithm, DecodingKey)>,
    public: Vec<Jwk>,
    /// The ids of each key as they appear in tokens. The signing key comes first.
    ids: Vec<Ids>,
}

/// RFC 7518, section 3.3: 2048 bits or more.
const MIN_RSA_BYTES: usize = 2048 / 8;
const PEM_END: &str = "-----END PUBLIC KEY-----";

impl Keyring {
    /// # Errors
    /// The setting and what is wrong with it, for the operator.
    pub fn open(source: &KeySource) -> Result<Self, String> {
        let mut ring = match (&source.private_key, &source.secret) {
            (Some(pem), _) => Self::from_private_key(pem).map_err(|reason| format!("JWT_PRIVATE_KEY: {reason}"))?,
            (None, Some(secret)) => Self::from_secret(secret, &source.server_keys),
            (None, None) => return Err("JWT_SECRET: no key to sign access tokens with".to_owned()),
        };
        for secret in &source.accepted_secrets {
            ring.trust_secret(secret, &source.server_keys);
        }
        if let Some(pem) = &source.next_private_key {
            ring.trust_private_key(pem).map_err(|reason| format!("JWT_PRIVATE_KEY_NEXT: {reason}"))?;
        }
        if let Some(pems) = &source.previous_public_keys {
            let refused = |reason| format!("JWT_PUBLIC_KEYS_PREVIOUS: {reason}");
            for (jwk, algorithm) in public_keys(pems).map_err(refused)? {
                ring.trust(jwk, algorithm).map_err(refused)?;
            }
        }
        Ok(ring)
    }

    /// The key with this id, and its algorithm. None: no trusted key has this id.
    pub fn trusted(&self, key_id: &str) -> Option<&(Algorithm, DecodingKey)> {
        self.trusted.get(key_id)
    }

    /// The trusted public keys, for `/.well-known/jwks.json`. Empty if tokens are signed with a secret.
    pub fn public(&self) -> &[Jwk] {
        &self.public
    }

    /// The ids of each key as they appear in tokens. The signing key comes first, in both lists.
    pub fn ids(&self) -> &[Ids] {
        &self.ids
    }

    fn new(signing: EncodingKey, algorithm: Algorithm) -> Self {
        let (trusted, public, ids) = (HashMap::new(), Vec::new(), Vec::new());
        Self { signing, algorithm, key_id: String::new(), trusted, public, ids }
    }

    fn from_secret(secret: &Secret, server_keys: &ServerKeys) -> Self {
        let mut ring = Self::new(EncodingKey::from_secret(secret.expose().as_bytes()), Algorithm::HS256);
        ring.key_id = secret_id(secret, server_keys.current());
        ring.trust_secret(secret, server_keys);
        ring
    }

    fn from_private_key(pem: &Secret) -> Result<Self, String> {
        let (signing, algorithm) = private_key(pem)?;
        let jwk = public_jwk(&signing, algorithm)?;
        let mut ring = Self::new(signing, algorithm);
        ring.key_id = ring.trust(jwk, algorithm)?;
        Ok(ring)
    }

    /// Trusts a secret under every id that another process, or an earlier version, may use for it.
    fn trust_secret(&mut self, secret: &Secret, server_keys: &ServerKeys) {
        let ids = secret_ids(secret, server_keys);
        for id in ids.iter().cloned().chain([unkeyed_secret_id(secret)]) {
            self.trusted.insert(id, (Algorithm::HS256, DecodingKey::from_secret(secret.expose().as_bytes())));
        }
        self.add_ids(ids);
    }

    fn trust_private_key(&mut self, pem: &Secret) -> Result<(), String> {
        let (key, algorithm) = private_key(pem)?;
        self.trust(public_jwk(&key, algorithm)?, algorithm).map(|_| ())
    }

    fn add_ids(&mut self, ids: Ids) {
        if !self.ids.contains(&ids) {
            self.ids.push(ids);
        }
    }

    /// Trusts a public key, and returns its id (RFC 7638).
    fn trust(&mut self, mut jwk: Jwk, algorithm: Algorithm) -> Result<String, String> {
        check_length(&jwk)?;
        let invalid = |_| "is invalid".to_owned();
        let key = DecodingKey::from_jwk(&jwk).map_err(invalid)?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256).map_err(invalid)?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(jsonwebtoken::jwk::PublicKeyUse::Signature);
        // The same key may be listed twice during a rolling deployment.
        if self.trusted.insert(id.clone(), (algorithm, key)).is_none() {
            self.public.push(jwk);
        }
        self.add_ids(vec![id.clone()]);
        Ok(id)
    }
}

/// The settings whose private or public keys cannot sign or verify access tokens, each with the reason.
pub fn unusable_keys(keys: &config::Keys) -> Vec<(&'static str, String)> {
    let private = [("JWT_PRIVATE_KEY", &keys.jwt_private_key), ("JWT_PRIVATE_KEY_NEXT", &keys.jwt_private_key_next)];
    let private = private.into_iter().filter_map(|(name, pem)| Some((name, private_key_ids(pem.as_ref()?).err()?)));
    let public = keys.jwt_public_keys_previous.as_ref().and_then(|pems| public_keys(pems).err());
    private.chain(public.map(|reason| ("JWT_PUBLIC_KEYS_PREVIOUS", reason))).collect()
}

/// The ids of each key of this source as they appear in tokens. The signing key comes first.
///
/// # Errors
/// The setting and what is wrong with it, for the operator.
pub fn key_ids(source: &KeySource) -> Result<Vec<Ids>, String> {
    Keyring::open(source).map(|ring| ring.ids)
}

/// The ids of a secret as they appear in tokens.
pub fn secret_ids(secret: &Secret, server_keys: &ServerKeys) -> Ids {
    server_keys.all().map(|key| secret_id(secret, key)).collect()
}

/// The ids of a private key as they appear in tokens.
///
/// # Errors
/// What is wrong with it, for the operator.
pub fn private_key_ids(pem: &Secret) -> Result<Ids, String> {
    Keyring::from_private_key(pem).map(|ring| vec![ring.key_id])
}

/// Parses concatenated PEMs of public keys.
fn public_keys(pems: &Secret) -> Result<Vec<(Jwk, Algorithm)>, String> {
    let pems = unescape_newlines(pems);
    pems.split_inclusive(PEM_END).filter(|pem| !pem.trim().is_empty()).map(public_key).collect()
}

fn public_key(pem: &str) -> Result<(Jwk, Algorithm), String> {
    let (key, algorithm) = match DecodingKey::from_ed_pem(pem.as_bytes()) {
        Ok(key) => (key, Algorithm::EdDSA),
        Err(_) => match DecodingKey::from_rsa_pem(pem.as_bytes()) {
            Ok(key) => (key, Algorithm::RS256),
            Err(_) => return Err("contains something other than PEMs of Ed25519 or RSA public keys".to_owned()),
        },
    };
    let jwk = Jwk::from_decoding_key(&key, Some(algorithm)).map_err(|_| "contains an invalid key".to_owned())?;
    check_length(&jwk)?;
    Ok((jwk, algorithm))
}

fn check_length(jwk: &Jwk) -> Result<(), String> {
    match &jwk.algorithm {
        // Base 64 without padding: four characters for three bytes.
        AlgorithmParameters::RSA(parameters) if parameters.n.len() * 3 / 4 < MIN_RSA_BYTES => {
            Err("has fewer than 2048 bits".to_owned())
        }
        _ => Ok(()),
    }
}

fn private_key(pem: &Secret) -> Result<(EncodingKey, Algorithm), String> {
    let pem = unescape_newlines(pem);
    let rsa = |_| EncodingKey::from_rsa_pem(pem.as_bytes()).map(|key| (key, Algorithm::RS256));
    EncodingKey::from_ed_pem(pem.as_bytes())
        .map(|key| (key, Algorithm::EdDSA))
        .or_else(rsa)
        .map_err(|_| "is not a PEM of an Ed25519 or RSA private key in PKCS #8".to_owned())
}

fn public_jwk(key: &EncodingKey, algorithm: Algorithm) -> Result<Jwk, String> {
    Jwk::from_encoding_key(key, algorithm).map_err(|_| "is not a private key".to_owned())
}

/// The id of a secret. It is keyed: without the server key it cannot be used to confirm a guess at the secret.
fn secret_id(secret: &Secret, server_key: &ServerKey) -> String {
    hex::encode(&server_key.derive("jwt-key-id/2", &[secret.expose().as_bytes()])[..8])
}

/// The id of a secret in earlier versions. Tokens with it are accepted until they expire; new tokens do not use it.
fn unkeyed_secret_id(secret: &Secret) -> String {
    let digest = Sha256::new().chain_update(b"countersign/jwt-key-id/").chain_update(secret.expose()).finalize();
    hex::encode(&digest[..8])
}
