//! The key files of the embedded database: for each kind of key the current, the next and the previous ones.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    MIN_BYTES, check_ed25519, check_secret, check_server_key,
    file::{self, Check},
};
use crate::{clock::Entropy, secret::Secret};
use domain::Timestamp;

/// The purpose of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Derives codes, refresh tokens and undo tokens.
    Server,
    /// Signs access tokens.
    Jwt,
    /// Signs attestations.
    Attestation,
}

impl KeyKind {
    pub const ALL: [KeyKind; 3] = [KeyKind::Server, KeyKind::Jwt, KeyKind::Attestation];

    pub fn as_str(self) -> &'static str {
        match self {
            KeyKind::Server => "server",
            KeyKind::Jwt => "jwt",
            KeyKind::Attestation => "attestation",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The setting that holds a key of this kind.
    pub fn setting(self) -> &'static str {
        match self {
            KeyKind::Server => "SERVER_KEY",
            KeyKind::Jwt => "JWT_SECRET",
            KeyKind::Attestation => "ATTESTATION_KEY",
        }
    }

    /// The setting that holds its predecessors.
    pub fn previous_setting(self) -> &'static str {
        match self {
            KeyKind::Server => "SERVER_KEYS_PREVIOUS",
            KeyKind::Jwt => "JWT_SECRETS_PREVIOUS",
            KeyKind::Attestation => "ATTESTATION_KEYS_PREVIOUS",
        }
    }

    fn check(self) -> Check {
        match self {
            KeyKind::Server => check_server_key,
            KeyKind::Jwt => check_secret,
            KeyKind::Attestation => check_ed25519,
        }
    }
}

/// Generates a key in the format of settings and files.
pub fn generate(entropy: &Entropy) -> Secret {
    Secret::new(STANDARD.encode(entropy.bytes::<MIN_BYTES>()))
}

/// A key that was replaced.
#[derive(Clone, Debug)]
pub struct Retired {
    pub secret: Secret,
    /// When the last process stopped using the key. `None`: a process that was not restarted may still use it.
    pub unused_since: Option<Timestamp>,
}

/// Replaces the time in a line if the key may still be in use.
const IN_USE: &str = "in-use";

impl Retired {
    fn read(line: &str, check: Check) -> Result<Self, String> {
        let (key, since) = line.split_once(' ').ok_or("has a line that is not a key and a time")?;
        let secret = Secret::new(key);
        check(&secret)?;
        let unused_since = match since {
            IN_USE => None,
            time => Some(time.parse().map_err(|_| "has a line with an invalid time".to_owned())?),
        };
        Ok(Self { secret, unused_since })
    }

    fn line(&self) -> Zeroizing<String> {
        let since = self.unused_since.map_or_else(|| IN_USE.to_owned(), |time| time.to_rfc3339());
        Zeroizing::new(format!("{} {since}\n", self.secret.expose()))
    }
}

/// The files of one kind of key.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    kind: KeyKind,
    folder: PathBuf,
}

impl KeyFiles {
    pub fn new(kind: KeyKind, folder: &Path) -> Self {
        Self { kind, folder: folder.to_owned() }
    }

    /// The file of the current key.
    pub fn current_path(&self) -> PathBuf {
        self.folder.join(format!("{}.key", self.kind.as_str()))
    }

    /// The file of the next key, which is accepted and not used yet.
    pub fn next_path(&self) -> PathBuf {
        self.folder.join(format!("{}.key.{}", self.kind.as_str(), file::NEXT))
    }

    /// The file of the previous keys.
    pub fn previous_path(&self) -> PathBuf {
        self.folder.join(format!("{}.key.previous", self.kind.as_str()))
    }

    /// The warnings of `check` about the permissions of these files.
    pub fn permission_warnings(&self, check: impl Fn(&Path) -> Option<String>) -> Vec<String> {
        [self.current_path(), self.next_path(), self.previous_path()].iter().filter_map(|path| check(path)).collect()
    }

    /// The current key. `None`: the file does not exist.
    ///
    /// # Errors
    /// A message with the path and how to recover.
    pub fn current(&self) -> Result<Option<Secret>, String> {
        file::read(&self.current_path(), self.kind.check())
    }

    /// The next key. `None`: the file does not exist.
    ///
    /// # Errors
    /// A message with the path and how to recover.
    pub fn next(&self) -> Result<Option<Secret>, String> {
        file::read(&self.next_path(), self.kind.check())
    }

    /// The previous keys.
    ///
    /// # Errors
    /// A message with the path and how to recover.
    pub fn previous(&self) -> Result<Vec<Retired>, String> {
        let path = self.previous_path();
        let Some(text) = file::read_lines(&path)? else { return Ok(Vec::new()) };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines
            .map(|line| Retired::read(line, self.kind.check()))
            .collect::<Result<_, String>>()
            .map_err(|reason| format!("{}: {reason}: restore it from a backup, or remove that line", path.display()))
    }

    /// The current key. If the file does not exist, a key is generated and written.
    ///
    /// # Errors
    /// An error message for the operator.
    pub fn current_or_generated(&self, entropy: &Entropy) -> Result<Secret, String> {
        file::read_or_create(&self.current_path(), self.kind.check(), &generate(entropy), entropy)
    }

    /// Generates the next key. It is accepted from the next start.
    ///
    /// # Errors
    /// An error message for the operator.
    pub fn generate_next(&self, entropy: &Entropy) -> Result<(), String> {
        let path = self.next_path();
        let created = file::create(&path, generate(entropy).expose(), entropy);
        created.map_err(|error| format!("{}: can't be created: {error}", path.display()))
    }

    /// Makes `next`, the next key, the current one, and adds the current one to the previous keys. After a crash every
    /// key is still in one of the files, and the step can be repeated.
    ///
    /// # Errors
    /// An error message for the operator.
    pub fn promote_next(&self, next: &Secret, entropy: &Entropy) -> Result<(), String> {
        let _lock = self.lock()?;
        let (from, to) = (self.next_path(), self.current_path());
        if self.next()?.is_none_or(|found| found.expose() != next.expose()) {
            return Err(format!("{}: was used or replaced by another command meanwhile", from.display()));
        }
        let mut previous = self.previous()?;
        if let Some(current) = self.current()? {
            previous.retain(|retired| retired.secret.expose() != current.expose());
            previous.push(Retired { secret: current, unused_since: None });
        }
        self.write_previous(&previous, entropy)?;
        std::fs::rename(&from, &to)
            .and_then(|()| file::sync(&self.folder))
            .map_err(|error| format!("{}: can't be renamed to {}: {error}", from.display(), to.display()))
    }

    /// Records `now` for previous keys that no process uses any more, and drops those that have been unused for `life`.
    /// Returns the number of dropped keys.
    ///
    /// # Errors
    /// An error message for the operator, or the error of `is_used`.
    pub fn drop_retired(
        &self,
        is_used: impl Fn(&Secret) -> Result<bool, String>,
        now: Timestamp,
        life: Duration,
        entropy: &Entropy,
    ) -> Result<usize, String> {
        let _lock = self.lock()?;
        let previous = self.previous()?;
        let mut kept = Vec::with_capacity(previous.len());
        for Retired { secret, unused_since } in &previous {
            let unused_since = if is_used(secret)? { None } else { Some(unused_since.unwrap_or(now)) };
            if unused_since.is_none_or(|since| since + life >= now) {
                kept.push(Retired { secret: secret.clone(), unused_since });
            }
        }
        let changed = |(one, other): (&Retired, &Retired)| one.unused_since != other.unused_since;
        if kept.len() < previous.len() || kept.iter().zip(&previous).any(changed) {
            self.write_previous(&kept, entropy)?;
        }
        Ok(previous.len() - kept.len())
    }

    /// Prevents changes by other processes while the files are read one after another.
    pub fn lock_for_reading(&self) -> Option<File> {
        file::lock_shared(&self.folder)
    }

    fn lock(&self) -> Result<File, String> {
        file::lock(&self.folder).map_err(|error| format!("{}: can't be locked: {error}", self.folder.display()))
    }

    fn write_previous(&self, previous: &[Retired], entropy: &Entropy) -> Result<(), String> {
        let path = self.previous_path();
        let lines: Vec<_> = previous.iter().map(Retired::line).collect();
        let text = Zeroizing::new(lines.iter().map(|line| line.as_str()).collect::<String>());
        file::replace(&path, &text, entropy).map_err(|error| format!("{}: can't be written: {error}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> KeyFiles {
        KeyFiles::new(KeyKind::Server, folder)
    }

    #[test]
    fn rotation_keeps_the_previous_key() {
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        let first = files.current_or_generated(&entropy).unwrap();
        files.generate_next(&entropy).unwrap();
        assert!(files.generate_next(&entropy).is_err(), "a next key was replaced");
        let next = files.next().unwrap().unwrap();
        files.promote_next(&next, &entropy).unwrap();
        assert_eq!(files.current().unwrap().unwrap().expose(), next.expose());
        assert!(files.next().unwrap().is_none());
        let previous = files.previous().unwrap();
        assert_eq!((previous.len(), previous[0].secret.expose(), previous[0].unused_since), (1, first.expose(), None));
        assert!(file::permission_warning(&files.previous_path()).is_none());
    }

    #[test]
    fn previous_key_is_kept_for_its_life_after_its_last_use() {
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        let first = files.current_or_generated(&entropy).unwrap();
        files.generate_next(&entropy).unwrap();
        files.promote_next(&files.next().unwrap().unwrap(), &entropy).unwrap();
        let (day, life) = (Duration::from_secs(86_400), Duration::from_secs(30 * 86_400));
        let start: Timestamp = "2026-03-02T03:00:00Z".parse().unwrap();
        let drop = |used: bool, days: u32| {
            let is_used = |key: &Secret| Ok(used && key.expose() == first.expose());
            files.drop_retired(is_used, start + day * days, life, &entropy).unwrap()
        };
        // A process was not restarted for 40 days.
        assert_eq!((drop(true, 40), drop(false, 41), drop(false, 71)), (0, 0, 0));
        assert_eq!(files.previous().unwrap()[0].unused_since, Some(start + day * 41));
        // A process was started again with the old files.
        assert_eq!((drop(true, 72), drop(false, 73), drop(false, 103), drop(false, 104)), (0, 0, 0, 1));
        assert!(files.previous().unwrap().is_empty());
    }

    #[test]
    fn concurrent_promotions_succeed_once_and_lose_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        for round in 1..=10 {
            let first = files.current_or_generated(&entropy).unwrap();
            files.generate_next(&entropy).unwrap();
            let next = files.next().unwrap().unwrap();
            let barrier = std::sync::Barrier::new(4);
            let promote = || {
                barrier.wait();
                files.promote_next(&next, &entropy).is_ok()
            };
            let done = std::thread::scope(|scope| {
                let all: Vec<_> = (0..4).map(|_| scope.spawn(promote)).collect();
                all.into_iter().map(|one| one.join().unwrap()).filter(|done| *done).count()
            });
            assert_eq!(done, 1);
            let previous = files.previous().unwrap();
            assert_eq!((previous.len(), previous[round - 1].secret.expose()), (round, first.expose()));
            assert_eq!(files.current().unwrap().unwrap().expose(), next.expose());
        }
    }

    #[test]
    fn modes_of_all_files_are_checked_and_made_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        assert!(files.permission_warnings(file::permission_warning).is_empty());
        files.current_or_generated(&entropy).unwrap();
        files.generate_next(&entropy).unwrap();
        files.promote_next(&files.next().unwrap().unwrap(), &entropy).unwrap();
        files.generate_next(&entropy).unwrap();
        assert!(files.permission_warnings(file::permission_warning).is_empty());
        let paths = [files.current_path(), files.next_path(), files.previous_path()];
        for path in &paths {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o640)).unwrap();
        }
        for check in [file::permission_warning, file::restrict_permissions] {
            let warnings = files.permission_warnings(check);
            let all_named = warnings.iter().zip(&paths).all(|(warning, path)| warning.contains(path.to_str().unwrap()));
            assert!(all_named, "{warnings:?}");
            assert_eq!(warnings.len(), 3);
        }
        assert!(files.permission_warnings(file::permission_warning).is_empty());
    }

    #[test]
    fn interrupted_promotion_can_be_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        let first = files.current_or_generated(&entropy).unwrap();
        files.generate_next(&entropy).unwrap();
        // The state after a crash before the rename.
        files.write_previous(&[Retired { secret: first, unused_since: None }], &entropy).unwrap();
        files.promote_next(&files.next().unwrap().unwrap(), &entropy).unwrap();
        assert_eq!(files.previous().unwrap().len(), 1);
    }

    #[test]
    fn invalid_line_is_refused_with_path_and_without_key() {
        let dir = tempfile::tempdir().unwrap();
        let files = files(dir.path());
        let strong = generate(&Entropy::System);
        for line in ["word", "changeme 2026-03-02T03:00:00Z", &format!("{} soon", strong.expose())] {
            std::fs::write(files.previous_path(), line).unwrap();
            let error = files.previous().unwrap_err();
            assert!(error.contains("server.key.previous") && !error.contains(strong.expose()), "{error}");
        }
    }
}
