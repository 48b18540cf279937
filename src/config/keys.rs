//! The server's secrets.

use crate::config::{Env, Secret, Setting};

pub const SETTINGS: &[Setting] = &[
    Setting::secret(
        "SERVER_KEY",
        "At least 32 random bytes in base 64, from which codes are derived: openssl rand -base64 32. Left out with the embedded database, one is made in DATA_DIR at first start; every process of one installation needs the same.",
    ),
    Setting::secret(
        "SERVER_KEYS_PREVIOUS",
        "Comma-separated keys that SERVER_KEY replaced. Keep one for as long as its codes live (an hour is enough), then drop it.",
    ),
    Setting::secret(
        "JWT_SECRET",
        "At least 32 characters, to sign access tokens with HS256. Left out with the embedded database, one is made in DATA_DIR at first start.",
    ),
    Setting::secret(
        "JWT_SECRETS_PREVIOUS",
        "Comma-separated secrets that JWT_SECRET replaced. Keep one for JWT_ACCESS_EXPIRES_IN, then drop it.",
    ),
    Setting::secret(
        "JWT_PRIVATE_KEY",
        "A PKCS #8 PEM, Ed25519 or RSA of 2048 bits or more, to sign access tokens with EdDSA or RS256 in place of JWT_SECRET. Other back ends then check them against /.well-known/jwks.json.",
    ),
    Setting::secret(
        "JWT_PUBLIC_KEYS_PREVIOUS",
        "Public keys (PEM, one after another) of the private keys that JWT_PRIVATE_KEY replaced. Keep one for JWT_ACCESS_EXPIRES_IN, then drop it.",
    ),
    Setting::secret(
        "ATTESTATION_KEY",
        "The Ed25519 key that attestations are signed with: 32 random bytes in base 64, or a PKCS #8 PEM. Left out with the embedded database, one is made in DATA_DIR at first start.",
    ),
    Setting::new(
        "ATTESTATION_AUDIENCE",
        "countersign",
        "The aud of attestations; the back end that checks them expects the same.",
    ),
];

/// Text that appears in tutorials and is nobody's secret.
const PLACEHOLDERS: [&str; 8] =
    ["changeme", "change-me", "change_me", "your-", "your_", "placeholder", "example", "super-secret"];

/// The secrets as given; what is missing is made, or refused, when the program starts.
#[derive(Clone, Debug)]
pub struct Keys {
    pub server_key: Option<Secret>,
    pub server_keys_previous: Vec<Secret>,
    pub jwt_secret: Option<Secret>,
    pub jwt_secrets_previous: Vec<Secret>,
    pub jwt_private_key: Option<Secret>,
    /// One or more PEMs.
    pub jwt_public_keys_previous: Option<Secret>,
    pub attestation_key: Option<Secret>,
    pub attestation_audience: String,
}

impl Keys {
    /// `embedded`: missing keys may be made at first start.
    pub fn from_env(env: &Env, embedded: bool) -> Self {
        let required = |name: &'static str, mend: &str| {
            let secret = env.secret(name);
            if secret.is_none() && !embedded {
                env.refuse(name, format!("is needed with a database server; make one with: {mend}"));
            }
            secret
        };
        let server_key = required("SERVER_KEY", "openssl rand -base64 32");
        let jwt_private_key = env.secret("JWT_PRIVATE_KEY");
        let jwt_secret = match jwt_private_key {
            None => required("JWT_SECRET", "openssl rand -base64 48"),
            Some(_) => env.secret("JWT_SECRET"),
        };
        if jwt_private_key.is_some() && jwt_secret.is_some() {
            env.refuse("JWT_SECRET", "can't sign beside JWT_PRIVATE_KEY: move it to JWT_SECRETS_PREVIOUS");
        }
        let attestation_key = required("ATTESTATION_KEY", "openssl rand -base64 32");
        if let Some(Err(mend)) = server_key.as_ref().map(crate::keys::parse) {
            env.refuse("SERVER_KEY", mend);
        }
        if let Some(mend) = jwt_secret.as_ref().and_then(weakness) {
            env.refuse("JWT_SECRET", mend);
        }
        let server_keys_previous = list(env.secret("SERVER_KEYS_PREVIOUS").as_ref());
        let jwt_secrets_previous = list(env.secret("JWT_SECRETS_PREVIOUS").as_ref());
        if let Some(mend) = jwt_secrets_previous.iter().find_map(weakness) {
            env.refuse("JWT_SECRETS_PREVIOUS", format!("holds a secret that {mend}"));
        }
        for key in &server_keys_previous {
            if let Err(mend) = crate::keys::parse(key) {
                env.refuse("SERVER_KEYS_PREVIOUS", format!("holds a key that {mend}"));
            }
        }
        Self {
            server_key,
            server_keys_previous,
            jwt_secret,
            jwt_secrets_previous,
            jwt_private_key,
            jwt_public_keys_previous: env.secret("JWT_PUBLIC_KEYS_PREVIOUS"),
            attestation_key,
            attestation_audience: env.text("ATTESTATION_AUDIENCE").unwrap_or_default(),
        }
    }
}

fn list(secrets: Option<&Secret>) -> Vec<Secret> {
    let items = secrets.into_iter().flat_map(|list| list.expose().split(',')).map(str::trim);
    items.filter(|item| !item.is_empty()).map(Secret::new).collect()
}

/// Why a secret typed by hand will not do (RFC 7518 section 3.2: a key at least as long as the hash).
fn weakness(secret: &Secret) -> Option<String> {
    let text = secret.expose();
    let lower = text.to_lowercase();
    if text.len() < 32 {
        return Some("needs at least 32 characters; make one with: openssl rand -base64 48".to_owned());
    }
    if PLACEHOLDERS.iter().any(|word| lower.contains(word)) {
        return Some("is a placeholder out of a tutorial; make one with: openssl rand -base64 48".to_owned());
    }
    let mut characters: Vec<char> = text.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    (characters.len() < 8).then(|| "repeats a few characters; make one with: openssl rand -base64 48".to_owned())
}
