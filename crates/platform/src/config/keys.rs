//! Settings of the server's keys.

use std::collections::BTreeMap;

use crate::{
    config::{Env, Secret, Setting},
    keys::{self, folder::KeyKind},
};

pub const SETTINGS: &[Setting] = &[
    Setting::secret(
        "SERVER_KEY",
        "At least 32 random bytes in Base64, from which codes are derived: openssl rand -base64 32. Unset with the embedded database: generated in DATA_DIR at first start. All processes of one installation need the same key.",
    ),
    Setting::secret(
        "SERVER_KEY_NEXT",
        "The key that will replace SERVER_KEY. It is accepted and not yet used: set it in every process before the first one uses it (see countersign keys rotate server).",
    ),
    Setting::secret(
        "SERVER_KEYS_PREVIOUS",
        "Comma-separated keys that SERVER_KEY replaced. Keep one until every session that was last refreshed under it has ended, which is JWT_REFRESH_EXPIRES_IN after its replacement, then drop it.",
    ),
    Setting::secret(
        "JWT_SECRET",
        "At least 32 characters, to sign access tokens with HS256: openssl rand -base64 32. Unset with the embedded database: generated in DATA_DIR at first start.",
    ),
    Setting::secret("JWT_SECRET_NEXT", "The secret that will replace JWT_SECRET: accepted and not yet used."),
    Setting::secret(
        "JWT_SECRETS_PREVIOUS",
        "Comma-separated secrets that JWT_SECRET replaced; a secret that contains a comma needs a JSON array: [\"first\", \"second, with a comma\"]. Keep one for JWT_ACCESS_EXPIRES_IN, then drop it.",
    ),
    Setting::secret(
        "JWT_PRIVATE_KEY",
        "A PKCS #8 PEM, Ed25519 or RSA of 2048 bits or more, to sign access tokens with EdDSA or RS256 instead of JWT_SECRET. Other back ends then verify them with /.well-known/jwks.json.",
    ),
    Setting::secret(
        "JWT_PRIVATE_KEY_NEXT",
        "The private key that will replace JWT_PRIVATE_KEY or JWT_SECRET: accepted and published, not yet used.",
    ),
    Setting::secret(
        "JWT_PUBLIC_KEYS_PREVIOUS",
        "Public keys (PEM, one after another) of the private keys that JWT_PRIVATE_KEY replaced. Keep one for JWT_ACCESS_EXPIRES_IN, then drop it.",
    ),
    Setting::secret(
        "ATTESTATION_KEY",
        "The Ed25519 key that signs attestations: 32 random bytes in Base64, or a PKCS #8 PEM. Unset with the embedded database: generated in DATA_DIR at first start.",
    ),
    Setting::secret(
        "ATTESTATION_KEY_NEXT",
        "The key that will replace ATTESTATION_KEY: published in /.well-known/jwks.json and not yet used.",
    ),
    Setting::secret(
        "ATTESTATION_KEYS_PREVIOUS",
        "Comma-separated keys that ATTESTATION_KEY replaced. They stay published. Keep one for PROOF_TTL, then drop it.",
    ),
    Setting::new(
        "ATTESTATION_AUDIENCE",
        "countersign-attestation",
        "The aud of attestations; the back end that verifies them expects the same. Keep it different from JWT_AUDIENCE, so that an access token is never accepted as an attestation.",
    ),
];

/// The keys as configured. Missing ones are generated, or an error, when the program starts.
#[derive(Clone, Debug)]
pub struct Keys {
    pub server_key: Option<Secret>,
    pub server_key_next: Option<Secret>,
    pub server_keys_previous: Vec<Secret>,
    pub jwt_secret: Option<Secret>,
    pub jwt_secret_next: Option<Secret>,
    pub jwt_secrets_previous: Vec<Secret>,
    pub jwt_private_key: Option<Secret>,
    pub jwt_private_key_next: Option<Secret>,
    /// One or more PEM blocks.
    pub jwt_public_keys_previous: Option<Secret>,
    pub attestation_key: Option<Secret>,
    pub attestation_key_next: Option<Secret>,
    pub attestation_keys_previous: Vec<Secret>,
    pub attestation_audience: String,
}

/// Checks one key as it is written in a setting.
type Check = fn(&Secret) -> Result<(), String>;

impl Keys {
    /// `embedded`: missing keys may be generated at first start.
    pub fn from_env(env: &Env, embedded: bool) -> Self {
        let jwt_private_key = one(env, "JWT_PRIVATE_KEY", keys::check_private_key);
        let keys = Self {
            server_key: one(env, "SERVER_KEY", keys::check_server_key),
            server_key_next: one(env, "SERVER_KEY_NEXT", keys::check_server_key),
            server_keys_previous: list(env, "SERVER_KEYS_PREVIOUS", keys::check_server_key),
            jwt_secret: one(env, "JWT_SECRET", keys::check_secret),
            jwt_secret_next: one(env, "JWT_SECRET_NEXT", keys::check_secret),
            jwt_secrets_previous: list(env, "JWT_SECRETS_PREVIOUS", keys::check_secret),
            jwt_private_key,
            jwt_private_key_next: one(env, "JWT_PRIVATE_KEY_NEXT", keys::check_private_key),
            jwt_public_keys_previous: env.secret("JWT_PUBLIC_KEYS_PREVIOUS"),
            attestation_key: one(env, "ATTESTATION_KEY", keys::check_ed25519),
            attestation_key_next: one(env, "ATTESTATION_KEY_NEXT", keys::check_ed25519),
            attestation_keys_previous: list(env, "ATTESTATION_KEYS_PREVIOUS", keys::check_ed25519),
            attestation_audience: env.text("ATTESTATION_AUDIENCE").unwrap_or_default(),
        };
        keys.refuse_missing(env, embedded);
        keys.refuse_no_change(env);
        if keys.jwt_private_key.is_some() && keys.jwt_secret.is_some() {
            env.add_error("JWT_SECRET", "can't be set together with JWT_PRIVATE_KEY: move it to JWT_SECRETS_PREVIOUS");
        }
        keys
    }

    /// Rejects a next key that is the current key: the operator would believe that the key was replaced.
    fn refuse_no_change(&self, env: &Env) {
        let kinds = [
            ("SERVER_KEY", "SERVER_KEY_NEXT", &self.server_key, &self.server_key_next),
            ("JWT_SECRET", "JWT_SECRET_NEXT", &self.jwt_secret, &self.jwt_secret_next),
            ("JWT_PRIVATE_KEY", "JWT_PRIVATE_KEY_NEXT", &self.jwt_private_key, &self.jwt_private_key_next),
            ("ATTESTATION_KEY", "ATTESTATION_KEY_NEXT", &self.attestation_key, &self.attestation_key_next),
        ];
        for (name, next_name, current, next) in kinds {
            if let (Some(current), Some(next)) = (current, next)
                && same(current, next)
            {
                env.add_error(next_name, format!("is the same key as {name}: remove it, or set a new key"));
            }
        }
    }

    /// With a database server all processes need the same keys, so none is generated.
    fn refuse_missing(&self, env: &Env, embedded: bool) {
        let needed = [
            ("SERVER_KEY", self.server_key.is_some(), "openssl rand -base64 32"),
            ("JWT_SECRET", self.jwt_secret.is_some() || self.jwt_private_key.is_some(), "openssl rand -base64 32"),
            ("ATTESTATION_KEY", self.attestation_key.is_some(), "openssl rand -base64 32"),
        ];
        for (name, given, make) in needed {
            if !given && !embedded && !env.is_secret_set(name) {
                env.add_error(name, format!("is required with a database server; make one with: {make}"));
            }
        }
    }
}

/// The configured keys of one kind.
#[derive(Clone, Copy, Debug)]
pub struct ConfiguredKeys<'a> {
    pub current: Option<&'a Secret>,
    pub next: Option<&'a Secret>,
    pub previous: &'a [Secret],
}

impl Keys {
    /// The configured keys of this kind, without private keys of access tokens.
    pub fn of(&self, kind: KeyKind) -> ConfiguredKeys<'_> {
        let (current, next, previous) = match kind {
            KeyKind::Server => (&self.server_key, &self.server_key_next, &self.server_keys_previous),
            KeyKind::Jwt => (&self.jwt_secret, &self.jwt_secret_next, &self.jwt_secrets_previous),
            KeyKind::Attestation => {
                (&self.attestation_key, &self.attestation_key_next, &self.attestation_keys_previous)
            }
        };
        ConfiguredKeys { current: current.as_ref(), next: next.as_ref(), previous }
    }

    /// Whether the key of this kind is read from a file in `DATA_DIR`.
    pub fn comes_from_file(&self, kind: KeyKind) -> bool {
        self.of(kind).current.is_none() && !(kind == KeyKind::Jwt && self.jwt_private_key.is_some())
    }
}

fn one(env: &Env, name: &'static str, check: Check) -> Option<Secret> {
    let secret = env.secret(name)?;
    check(&secret).map_err(|reason| env.add_error(name, reason)).ok().map(|()| secret)
}

fn list(env: &Env, name: &'static str, check: Check) -> Vec<Secret> {
    let secrets = env.secret_list(name);
    for reason in secrets.iter().filter_map(|secret| check(secret).err()) {
        env.add_error(name, format!("contains a key that {reason}"));
    }
    secrets
}

/// The settings whose values the operator generates: no two of them may have the same value.
const GENERATED: [&str; 5] =
    ["SERVER_KEY", "JWT_SECRET", "ATTESTATION_KEY", "DELIVERY_WEBHOOK_SECRET", "SOLAPI_WEBHOOK_TOKEN"];

/// Rejects a secret that two settings share, in any encoding: a leak of one would be a leak of both.
/// `from_files` are the keys of key files, each with the setting that it replaces.
pub fn refuse_shared_secrets(env: &Env, from_files: &[(&'static str, Secret)]) {
    let mut given: BTreeMap<&'static str, Vec<Secret>> = BTreeMap::new();
    for setting in env.settings().filter(|setting| setting.secret && !setting.name.ends_with("_URL")) {
        given.entry(base_name(setting.name)).or_default().extend(env.unchecked_secrets(setting.name));
    }
    for (name, secret) in from_files {
        given.entry(name).or_default().push(secret.clone());
    }
    for (at, (name, secrets)) in given.iter().enumerate() {
        for (other, others) in given.iter().skip(at + 1) {
            let involves_generated = GENERATED.contains(name) || GENERATED.contains(other);
            if involves_generated && secrets.iter().any(|secret| others.iter().any(|other| same(secret, other))) {
                env.add_error(name, format!("is the same as {other} (setting or key file): each needs its own secret"));
            }
        }
    }
}

fn same(one: &Secret, other: &Secret) -> bool {
    let bare = |secret: &Secret| secret.expose().trim_start_matches("whsec_").as_bytes().to_vec();
    keys::strength::is_same(&bare(one), &bare(other))
}

/// The setting of the current key, for a setting of its predecessors or successor.
fn base_name(name: &'static str) -> &'static str {
    match name {
        "SERVER_KEY_NEXT" | "SERVER_KEYS_PREVIOUS" => "SERVER_KEY",
        "JWT_SECRET_NEXT" | "JWT_SECRETS_PREVIOUS" => "JWT_SECRET",
        "ATTESTATION_KEY_NEXT" | "ATTESTATION_KEYS_PREVIOUS" => "ATTESTATION_KEY",
        "JWT_PRIVATE_KEY_NEXT" => "JWT_PRIVATE_KEY",
        name => name,
    }
}
