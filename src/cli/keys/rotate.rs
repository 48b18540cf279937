//! `keys rotate`: replaces a key in two phases. First every process accepts the new key, then it is used.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{Process, life, processes};
use crate::{
    app::{Settings, keys as app_keys},
    session,
};
use platform::{
    clock::{Clock, Entropy},
    keys::{
        ED25519_PKCS8_PREFIX, Ids, MIN_BYTES,
        folder::{KeyFiles, KeyKind, generate},
    },
    secret::Secret,
};

/// Runs the next phase, or prints the settings to change.
///
/// # Errors
/// An error message for the operator.
pub async fn rotate(settings: &Settings, kind: KeyKind) -> Result<(), String> {
    let config = &settings.config;
    if kind == KeyKind::Jwt && (config.keys.jwt_private_key.is_some() || config.keys.jwt_private_key_next.is_some()) {
        return rotate_private_key(settings).await;
    }
    match config.keys.comes_from_file(kind) {
        true => rotate_files(settings, kind).await,
        false => rotate_settings(settings, kind).await,
    }
}

async fn rotate_files(settings: &Settings, kind: KeyKind) -> Result<(), String> {
    let entropy = Entropy::System;
    let files = KeyFiles::new(kind, &settings.config.store.data_dir);
    if files.current()?.is_none() {
        return Err(format!("{}: does not exist yet; it is generated at first start", files.current_path().display()));
    }
    drop_retired(settings, kind, &files).await?;
    let Some(next) = files.next()? else {
        files.generate_next(&entropy)?;
        print_line!("Phase 1 of 2: created {}.", files.next_path().display());
        print_line!("Restart the program, so that it accepts the new key, then run this command again.");
        return Ok(());
    };
    refuse_unknown(settings, kind, &ids(settings, kind, &next)?).await?;
    files.promote_next(&next, &entropy)?;
    print_line!("Phase 2 of 2: the new key is in {}.", files.current_path().display());
    print_line!("Restart the program, so that it uses the new key. The old one is accepted as long as it is needed.");
    Ok(())
}

/// Drops replaced keys whose tokens and codes have all expired. Their lifetime counts from the time when no process
/// used the key any more: a process that was not restarted still uses it.
async fn drop_retired(settings: &Settings, kind: KeyKind, files: &KeyFiles) -> Result<(), String> {
    if files.previous()?.is_empty() {
        return Ok(());
    }
    let (processes, secrets) = (processes(settings).await?, secrets(settings)?);
    let is_used = |key: &Secret| {
        let ids = secrets.ids_of(kind, key)?;
        let uses =
            |process: &Process| process.keys.current(kind).is_some_and(|used| used.iter().any(|id| ids.contains(id)));
        Ok(processes.iter().any(uses))
    };
    let dropped = files.drop_retired(is_used, Clock::System.now(), life(settings, kind), &Entropy::System)?;
    if dropped > 0 {
        print_line!("Dropped {dropped} old keys that are no longer needed.");
    }
    Ok(())
}

async fn rotate_settings(settings: &Settings, kind: KeyKind) -> Result<(), String> {
    let given = settings.config.keys.of(kind);
    let name = kind.setting();
    let Some(next) = given.next else {
        print_line!("# Phase 1 of 2: add this to the settings of every process, and restart them one after another.");
        print_line!("# Then run this command again with the new settings.");
        print_line!("{name}_NEXT={}", generate(&Entropy::System).expose());
        return Ok(());
    };
    refuse_unknown(settings, kind, &ids(settings, kind, next)?).await?;
    let previous: Vec<_> = given.current.into_iter().chain(given.previous).filter(|key| !is(key, next)).collect();
    print_line!(
        "# Phase 2 of 2: every running process accepts the new key. Change these settings of every process, remove"
    );
    print_line!("# {name}_NEXT, and restart them one after another.");
    print_line!("{name}={}", next.expose());
    print_line!("{}={}", kind.previous_setting(), list(&previous));
    let days = humantime::format_duration(life(settings, kind));
    print_line!("# Drop the old key from {} {days} after the last restart, not before.", kind.previous_setting());
    Ok(())
}

async fn rotate_private_key(settings: &Settings) -> Result<(), String> {
    let keys = &settings.config.keys;
    let Some(next) = &keys.jwt_private_key_next else {
        print_line!("# Phase 1 of 2: add this to the settings of every process, and restart them one after another.");
        print_line!("# Then run this command again with the new settings.");
        print_line!("JWT_PRIVATE_KEY_NEXT={}", new_private_key().expose());
        return Ok(());
    };
    refuse_unknown(settings, KeyKind::Jwt, &session::private_key_ids(next)?).await?;
    print_line!(
        "# Phase 2 of 2: every running process accepts the new key. Change these settings of every process, remove"
    );
    print_line!("# JWT_PRIVATE_KEY_NEXT, and restart them one after another.");
    print_line!("JWT_PRIVATE_KEY={}", next.expose().replace('\n', "\\n"));
    match &keys.jwt_private_key {
        Some(_) => {
            print_line!("# JWT_PUBLIC_KEYS_PREVIOUS: add the public half of the JWT_PRIVATE_KEY that is replaced:");
            print_line!("#   openssl pkey -in old.pem -pubout");
        }
        None => {
            let tokens = secrets(settings)?.access_tokens;
            let secrets: Vec<_> = tokens.secret.iter().chain(&tokens.accepted_secrets).collect();
            print_line!("# Remove JWT_SECRET as well:");
            print_line!("JWT_SECRETS_PREVIOUS={}", list(&secrets));
        }
    }
    Ok(())
}

/// Rejects the use of a key that a running process does not accept yet.
async fn refuse_unknown(settings: &Settings, kind: KeyKind, next: &Ids) -> Result<(), String> {
    let processes = processes(settings).await?;
    let unaware: Vec<_> = processes.iter().filter(|process| !process.keys.accepts(kind, next)).map(named).collect();
    if unaware.is_empty() {
        return Ok(());
    }
    Err(format!(
        "not yet: these running processes do not accept the new {} key: {}. Restart them with it first; a process that \
         was killed counts as running for two minutes",
        kind.as_str(),
        unaware.join(", ")
    ))
}

fn named(process: &Process) -> String {
    format!("{} (started {})", process.id, process.started_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

fn ids(settings: &Settings, kind: KeyKind, key: &Secret) -> Result<Ids, String> {
    secrets(settings)?.ids_of(kind, key)
}

fn secrets(settings: &Settings) -> Result<app_keys::Secrets, String> {
    let config = &settings.config;
    let secrets = app_keys::read(&config.keys, &config.store.data_dir)?;
    secrets.ok_or_else(|| "there are no keys yet: they are generated at first start".to_owned())
}

fn is(one: &Secret, other: &Secret) -> bool {
    one.expose() == other.expose()
}

/// Secrets in the format of a list setting: a JSON array if a secret contains a comma or begins with a bracket.
fn list(secrets: &[&Secret]) -> String {
    let texts: Vec<_> = secrets.iter().map(|secret| secret.expose()).collect();
    let plain = texts.iter().all(|text| !text.contains(',') && !text.starts_with('['));
    match plain {
        true => texts.join(","),
        false => serde_json::to_string(&texts).unwrap_or_default(),
    }
}

/// An Ed25519 key in PKCS #8, on one line.
fn new_private_key() -> Secret {
    let mut der = Zeroizing::new(ED25519_PKCS8_PREFIX.to_vec());
    der.extend_from_slice(&Entropy::System.bytes::<MIN_BYTES>());
    Secret::new(format!("-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----", STANDARD.encode(der)))
}
