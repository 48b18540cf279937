//! The keys of the program: from settings, or generated at first start with the embedded database.

use std::path::Path;

use crate::{
    session::{self, KeySource},
    verification::Attestor,
};
use platform::{
    clock::Entropy,
    config::{self, Env},
    keys::{
        self, Ids, KeysInUse, ServerKey, ServerKeys, file,
        folder::{KeyFiles, KeyKind},
    },
    secret::Secret,
};

/// All keys of the program.
pub struct Secrets {
    pub server_keys: ServerKeys,
    pub access_tokens: KeySource,
    pub attestation_key: Secret,
    /// Keys that are published and don't sign attestations: the next and previous ones.
    pub attestation_keys_accepted: Vec<Secret>,
    /// Warnings for the operator about the key files.
    pub warnings: Vec<String>,
}

/// The keys of one kind.
#[derive(Debug, Default)]
pub struct KeySet {
    pub current: Option<Secret>,
    /// The next key, and the previous ones.
    pub accepted: Vec<Secret>,
    warnings: Vec<String>,
}

/// Loads the configured keys and generates the missing ones in `data_dir`.
///
/// # Errors
/// An error message for the operator.
pub fn open(settings: &config::Keys, data_dir: &Path, entropy: &Entropy) -> Result<Secrets, String> {
    let current = |files: &KeyFiles| files.current_or_generated(entropy).map(Some);
    assemble(settings, |kind| collect(settings, kind, data_dir, current, file::restrict_permissions))
}

/// Loads the keys without changing anything. `None`: one of them will be generated at first start.
///
/// # Errors
/// An error message for the operator.
pub fn read(settings: &config::Keys, data_dir: &Path) -> Result<Option<Secrets>, String> {
    for kind in KeyKind::ALL.into_iter().filter(|kind| settings.comes_from_file(*kind)) {
        if KeyFiles::new(kind, data_dir).current()?.is_none() {
            return Ok(None);
        }
    }
    assemble(settings, |kind| collect(settings, kind, data_dir, KeyFiles::current, file::permission_warning)).map(Some)
}

fn assemble(settings: &config::Keys, set: impl Fn(KeyKind) -> Result<KeySet, String>) -> Result<Secrets, String> {
    let (server, jwt, attestation) = (set(KeyKind::Server)?, set(KeyKind::Jwt)?, set(KeyKind::Attestation)?);
    let missing = |kind: KeyKind| format!("{}: there is no key", kind.setting());
    let parse = |key: &Secret| keys::parse(key).map_err(|reason| format!("SERVER_KEY: {reason}"));
    let current = parse(&server.current.ok_or_else(|| missing(KeyKind::Server))?)?;
    let accepted = server.accepted.iter().map(parse).collect::<Result<Vec<ServerKey>, String>>()?;
    let server_keys = ServerKeys::new(current, accepted);
    Ok(Secrets {
        access_tokens: KeySource {
            secret: jwt.current,
            private_key: settings.jwt_private_key.clone(),
            accepted_secrets: jwt.accepted,
            next_private_key: settings.jwt_private_key_next.clone(),
            previous_public_keys: settings.jwt_public_keys_previous.clone(),
            server_keys: server_keys.clone(),
        },
        server_keys,
        attestation_key: attestation.current.ok_or_else(|| missing(KeyKind::Attestation))?,
        attestation_keys_accepted: attestation.accepted,
        warnings: [server.warnings, jwt.warnings, attestation.warnings].concat(),
    })
}

/// Opens the keys and logs the warnings about their files.
///
/// # Errors
/// An error message for the operator.
pub fn open_and_log(config: &config::Config, entropy: &Entropy) -> Result<Secrets, String> {
    let secrets = open(&config.keys, &config.store.data_dir, entropy)?;
    for warning in &secrets.warnings {
        tracing::warn!("{warning}");
    }
    Ok(secrets)
}

impl Secrets {
    /// The ids of all keys.
    ///
    /// # Errors
    /// An error message for the operator, if a key is invalid.
    pub fn in_use(&self) -> Result<KeysInUse, String> {
        let of_attestation =
            Attestor::new(&self.attestation_key, &self.attestation_keys_accepted, String::new(), String::new())?;
        Ok(KeysInUse {
            server: self.server_keys.all().map(|key| vec![key.id().to_owned()]).collect(),
            jwt: session::key_ids(&self.access_tokens)?,
            attestation: of_attestation.key_ids().iter().map(|id| vec![id.clone()]).collect(),
        })
    }

    /// The ids of one key.
    ///
    /// # Errors
    /// An error message for the operator, if the key is invalid.
    pub fn ids_of(&self, kind: KeyKind, key: &Secret) -> Result<Ids, String> {
        Ok(match kind {
            KeyKind::Server => vec![keys::parse(key)?.id().to_owned()],
            KeyKind::Jwt => session::secret_ids(key, &self.server_keys),
            KeyKind::Attestation => Attestor::new(key, &[], String::new(), String::new())?.key_ids().to_vec(),
        })
    }
}

/// The result of inspecting the key files, before any key is loaded or generated.
#[derive(Debug, Default)]
pub struct KeyFileInspection {
    /// The keys from files, each with the setting that it replaces.
    pub secrets: Vec<(&'static str, Secret)>,
    pub warnings: Vec<String>,
}

/// Reads the key files that the program would use, and records invalid ones in `env`. Changes nothing.
pub fn inspect(env: &Env, settings: &config::Keys, data_dir: &Path) -> KeyFileInspection {
    let mut inspected = KeyFileInspection::default();
    for kind in KeyKind::ALL.into_iter().filter(|kind| settings.comes_from_file(*kind)) {
        match collect(settings, kind, data_dir, KeyFiles::current, file::permission_warning) {
            Ok(set) => {
                let keys = set.current.into_iter().chain(set.accepted);
                inspected.secrets.extend(keys.map(|key| (kind.setting(), key)));
                inspected.warnings.extend(set.warnings);
            }
            Err(reason) => {
                let (path, hint) = reason.split_once(": ").unwrap_or(("DATA_DIR", &reason));
                env.add_error(path, hint);
            }
        }
    }
    inspected
}

/// The keys of one kind, from settings, or from files if no setting has the current key. `mode` returns a warning about
/// the permissions of a file.
fn collect(
    settings: &config::Keys,
    kind: KeyKind,
    data_dir: &Path,
    current: impl Fn(&KeyFiles) -> Result<Option<Secret>, String>,
    mode: fn(&Path) -> Option<String>,
) -> Result<KeySet, String> {
    let given = settings.of(kind);
    let mut set = KeySet {
        current: given.current.cloned(),
        accepted: given.next.into_iter().chain(given.previous).cloned().collect(),
        warnings: Vec::new(),
    };
    if settings.comes_from_file(kind) {
        let files = KeyFiles::new(kind, data_dir);
        let _lock = files.lock_for_reading();
        set.current = current(&files)?;
        let next = files.next()?;
        if let (Some(current), Some(next)) = (&set.current, &next)
            && keys::strength::is_same(current.expose().as_bytes(), next.expose().as_bytes())
        {
            return Err(format!("{}: is the same key as the current one: delete it", files.next_path().display()));
        }
        set.accepted.extend(next);
        set.accepted.extend(files.previous()?.into_iter().map(|retired| retired.secret));
        set.warnings = files.permission_warnings(mode);
    }
    Ok(set)
}
