//! The key files of the embedded default: for each kind of key the current one, the next one, and those before.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    LEAST_BYTES, check_ed25519, check_secret, check_server_key,
    file::{self, Check},
};
use crate::{clock::Entropy, secret::Secret};
use domain::Timestamp;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// Codes, refresh tokens and undo tokens are derived from it.
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

/// A new key, as settings and files hold it.
pub fn make(entropy: &Entropy) -> Secret {
    Secret::new(STANDARD.encode(entropy.bytes::<LEAST_BYTES>()))
}

/// A key that was replaced.
#[derive(Clone, Debug)]
pub struct Retired {
    pub secret: Secret,
    /// Since when no process makes anything with it. None: one may still do so, until it is restarted.
    pub unused_since: Option<Timestamp>,
}

/// What a line has in the place of a time.
const IN_USE: &str = "in-use";

impl Retired {
    fn read(line: &str, check: Check) -> Result<Self, String> {
        let (key, since) = line.split_once(' ').ok_or("has a line that is no key and time")?;
        let secret = Secret::new(key);
        check(&secret)?;
        let unused_since = match since {
            IN_USE => None,
            time => Some(time.parse().map_err(|_| "has a line whose time can't be read".to_owned())?),
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

    /// The file of the key that is used.
    pub fn current_path(&self) -> PathBuf {
        self.folder.join(format!("{}.key", self.kind.as_str()))
    }

    /// The file of the key that is accepted and will be used next.
    pub fn next_path(&self) -> PathBuf {
        self.folder.join(format!("{}.key.{}", self.kind.as_str(), file::NEXT))
    }

    /// The file of the keys that were used before.
    pub fn previous_path(&self) -> PathBuf {
        self.folder.join(format!("{}.key.previous", self.kind.as_str()))
    }

    /// What `judged` says of the modes of all these files, as far as there are any.
    pub fn modes(&self, judged: impl Fn(&Path) -> Option<String>) -> Vec<String> {
        [self.current_path(), self.next_path(), self.previous_path()].iter().filter_map(|path| judged(path)).collect()
    }

    /// # Errors
    /// What is wrong with the file, with its path and how to recover.
    pub fn current(&self) -> Result<Option<Secret>, String> {
        file::read(&self.current_path(), self.kind.check())
    }

    /// # Errors
    /// What is wrong with the file, with its path and how to recover.
    pub fn next(&self) -> Result<Option<Secret>, String> {
        file::read(&self.next_path(), self.kind.check())
    }

    /// # Errors
    /// What is wrong with the file, with its path and how to recover.
    pub fn previous(&self) -> Result<Vec<Retired>, String> {
        let path = self.previous_path();
        let Some(text) = file::read_lines(&path)? else { return Ok(Vec::new()) };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines
            .map(|line| Retired::read(line, self.kind.check()))
            .collect::<Result<_, String>>()
            .map_err(|why| format!("{}: {why}: restore it from a backup, or remove that line", path.display()))
    }

    /// The current key, made and kept if there is none.
    ///
    /// # Errors
    /// What stood in the way, in words for the operator.
    pub fn current_or_made(&self, entropy: &Entropy) -> Result<Secret, String> {
        file::make_or_read(&self.current_path(), self.kind.check(), &make(entropy), entropy)
    }

    /// Makes the next key; it is accepted from the next start on.
    ///
    /// # Errors
    /// What stood in the way, in words for the operator.
    pub fn make_next(&self, entropy: &Entropy) -> Result<(), String> {
        let path = self.next_path();
        let made = file::create(&path, make(entropy).expose(), entropy);
        made.map_err(|error| format!("{}: can't be made: {error}", path.display()))
    }

    /// Puts `next`, the next key, in the current one's place and keeps the current one among the previous ones. A crash
    /// in between leaves every key in one of the files, and the step can be repeated.
    ///
    /// # Errors
    /// What stood in the way, in words for the operator.
    pub fn promote_next(&self, next: &Secret, entropy: &Entropy) -> Result<(), String> {
        let _lock = self.lock()?;
        let (from, to) = (self.next_path(), self.current_path());
        if self.next()?.is_none_or(|found| found.expose() != next.expose()) {
            return Err(format!("{}: another command has taken or replaced it meanwhile", from.display()));
        }
        let mut previous = self.previous()?;
        if let Some(current) = self.current()? {
            previous.retain(|retired| retired.secret.expose() != current.expose());
            previous.push(Retired { secret: current, unused_since: None });
        }
        self.write_previous(&previous, entropy)?;
        std::fs::rename(&from, &to)
            .and_then(|()| file::sync(&self.folder))
            .map_err(|error| format!("{}: can't take the place of {}: {error}", from.display(), to.display()))
    }

    /// Notes which of the replaced keys no process makes anything with from `now` on, drops those that none has used for
    /// `life`, and says how many it dropped.
    ///
    /// # Errors
    /// What stood in the way, in words for the operator; also what `is_used` says.
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

    /// Keeps other processes from changing the files while these are read one after another.
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
    fn a_rotation_loses_no_key_and_drops_those_that_are_over() {
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        let first = files.current_or_made(&entropy).unwrap();
        files.make_next(&entropy).unwrap();
        assert!(files.make_next(&entropy).is_err(), "a next key was replaced");
        let next = files.next().unwrap().unwrap();
        files.promote_next(&next, &entropy).unwrap();
        assert_eq!(files.current().unwrap().unwrap().expose(), next.expose());
        assert!(files.next().unwrap().is_none());
        let previous = files.previous().unwrap();
        assert_eq!((previous.len(), previous[0].secret.expose(), previous[0].unused_since), (1, first.expose(), None));
        assert!(file::loose_mode(&files.previous_path()).is_none());
    }

    #[test]
    fn a_replaced_key_is_kept_for_its_life_after_the_last_process_that_used_it() {
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        let first = files.current_or_made(&entropy).unwrap();
        files.make_next(&entropy).unwrap();
        files.promote_next(&files.next().unwrap().unwrap(), &entropy).unwrap();
        let (day, life) = (Duration::from_secs(86_400), Duration::from_secs(30 * 86_400));
        let start: Timestamp = "2026-03-02T03:00:00Z".parse().unwrap();
        let drop = |used: bool, days: u32| {
            let is_used = |key: &Secret| Ok(used && key.expose() == first.expose());
            files.drop_retired(is_used, start + day * days, life, &entropy).unwrap()
        };
        // The program was not restarted for forty days.
        assert_eq!((drop(true, 40), drop(false, 41), drop(false, 71)), (0, 0, 0));
        assert_eq!(files.previous().unwrap()[0].unused_since, Some(start + day * 41));
        // It was started once more with the old files.
        assert_eq!((drop(true, 72), drop(false, 73), drop(false, 103), drop(false, 104)), (0, 0, 0, 1));
        assert!(files.previous().unwrap().is_empty());
    }

    #[test]
    fn of_commands_at_once_one_takes_the_next_key_and_none_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        for round in 1..=10 {
            let first = files.current_or_made(&entropy).unwrap();
            files.make_next(&entropy).unwrap();
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
    fn the_modes_of_all_files_are_judged_and_made_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        assert!(files.modes(file::loose_mode).is_empty());
        files.current_or_made(&entropy).unwrap();
        files.make_next(&entropy).unwrap();
        files.promote_next(&files.next().unwrap().unwrap(), &entropy).unwrap();
        files.make_next(&entropy).unwrap();
        assert!(files.modes(file::loose_mode).is_empty());
        let paths = [files.current_path(), files.next_path(), files.previous_path()];
        for path in &paths {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o640)).unwrap();
        }
        for judged in [file::loose_mode, file::make_private] {
            let said = files.modes(judged);
            assert!(said.iter().zip(&paths).all(|(said, path)| said.contains(path.to_str().unwrap())), "{said:?}");
            assert_eq!(said.len(), 3);
        }
        assert!(files.modes(file::loose_mode).is_empty());
    }

    #[test]
    fn a_step_that_was_interrupted_can_be_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let (files, entropy) = (files(dir.path()), Entropy::System);
        let first = files.current_or_made(&entropy).unwrap();
        files.make_next(&entropy).unwrap();
        // As a crash leaves it before the rename.
        files.write_previous(&[Retired { secret: first, unused_since: None }], &entropy).unwrap();
        files.promote_next(&files.next().unwrap().unwrap(), &entropy).unwrap();
        assert_eq!(files.previous().unwrap().len(), 1);
    }

    #[test]
    fn a_broken_line_is_refused_with_the_file_and_without_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let files = files(dir.path());
        let strong = make(&Entropy::System);
        for line in ["word", "changeme 2026-03-02T03:00:00Z", &format!("{} soon", strong.expose())] {
            std::fs::write(files.previous_path(), line).unwrap();
            let said = files.previous().unwrap_err();
            assert!(said.contains("server.key.previous") && !said.contains(strong.expose()), "{said}");
        }
    }
}
