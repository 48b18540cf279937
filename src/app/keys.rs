//! The secrets that the program runs on: given, or made at first start where the embedded default may.

use std::path::Path;

use crate::{
    clock::Entropy,
    config,
    keys::{self, ServerKey, ServerKeys},
    secret::Secret,
    session::KeySource,
};

/// The secrets, all of them there.
pub struct Secrets {
    pub server_keys: ServerKeys,
    pub access_tokens: KeySource,
    pub attestation_key: Secret,
}

/// Takes the secrets that were configured and makes the missing ones in `data_dir`.
///
/// # Errors
/// What stood in the way, in words for whoever runs the program.
pub fn open(settings: &config::Keys, data_dir: &Path, entropy: &Entropy) -> Result<Secrets, String> {
    let given_or_made = |given: &Option<Secret>, file: &str| match given {
        Some(secret) => Ok(secret.clone()),
        None => keys::make_or_read(&data_dir.join(file), entropy),
    };
    let server_key = given_or_made(&settings.server_key, "server.key")?;
    let current = keys::parse(&server_key).map_err(|why| format!("the server key {why}"))?;
    let previous: Result<Vec<ServerKey>, String> = settings.server_keys_previous.iter().map(keys::parse).collect();
    let access_tokens = KeySource {
        secret: match settings.jwt_private_key {
            Some(_) => None,
            None => Some(given_or_made(&settings.jwt_secret, "jwt.key")?),
        },
        private_key: settings.jwt_private_key.clone(),
        previous_secrets: settings.jwt_secrets_previous.clone(),
        previous_public_keys: settings.jwt_public_keys_previous.clone(),
    };
    Ok(Secrets {
        server_keys: ServerKeys::new(current, previous?),
        access_tokens,
        attestation_key: given_or_made(&settings.attestation_key, "attestation.key")?,
    })
}
