//! `admin import-users`: imports the accounts of another system.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::PathBuf,
};

use clap::Args;
use futures_util::stream;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{run_name, today};
use crate::{
    account::{Import, ImportOutcome, LineRejection},
    app::{self, ExternalInputs, Settings},
};

pub const FORMAT: &str = r#"One JSON object on each line, for example:

  {"username":"minji","password_hash":"$2b$12$…","phone":"010-1234-5678","birth_date":"1999-03-14"}

  username          The name to sign in with. The other fields are optional.
  password_hash     As Django, Spring, PHP, Laravel, Symfony, WordPress, Drupal, Firebase, Supabase, Keycloak, Auth0,
                    ASP.NET Identity, Devise, better-auth, Werkzeug, passlib, LDAP or Node's bcrypt export it: a string,
                    or an object if parameters are separate; docs/migrate.md lists them. It can't be verified now; the
                    next sign-in replaces it by argon2id. Omitted: the account signs in by code only, until a
                    password is reset. Plain MD5 and SHA are wrapped in argon2id at once, about 40 per second and core.
  phone, email      Count as verified, unless phone_verified or email_verified is false.
  name, nickname, birth_date (YYYY-MM-DD), profile_image_url
  locale            The language of messages to the user: ko or en. Omitted: DEFAULT_LOCALE.
  suspended         true: the account can't sign in.
  created_at        RFC 3339. Omitted: now.

For each rejected line, standard error shows its number and each invalid field with the reason, never the values. All
other lines are imported, and the command exits with status 1. The command can be repeated: accounts that exist already,
with the same contacts, are skipped."#;

/// Maximum length of a line in bytes.
const MAX_LINE: usize = 64 * 1024;
/// How many lines are read ahead.
const AHEAD: usize = 256;

/// The input file.
#[derive(Args)]
pub struct Arguments {
    /// The input file; - for standard input.
    file: PathBuf,
}

type Line = Result<String, LineRejection>;

/// Imports the lines, prints rejected lines with the reasons, and the totals.
pub async fn run(settings: Settings, arguments: &Arguments) -> Result<(), String> {
    let import = Import {
        numbers: settings.config.contacts.numbers,
        locale: settings.config.messages.default_locale,
        today: today(&settings),
    };
    let (source, bar) = open(&arguments.file)?;
    let accounts = app::accounts(settings, ExternalInputs::system()).await?;
    let (lines, reading) = read_ahead(source, bar.clone());
    let mut progress = Progress { bar, counts: Counts::default() };
    let lines = stream::unfold(lines, |mut lines| async move { lines.recv().await.map(|line| (line, lines)) });
    let imported =
        accounts.import_users(&run_name(), lines, import, |number, line| progress.report(number, &line)).await;
    let Progress { bar, counts } = progress;
    bar.finish_and_clear();
    print_line!("{}", counts.summary());
    imported.map_err(|fault| {
        format!("stopped after line {}; the command can be run again: {}", counts.last_line, fault.operator_message())
    })?;
    let read =
        reading.await.map_err(|error| error.to_string()).and_then(|read| read.map_err(|error| error.to_string()));
    read.map_err(|error| format!("stopped after line {}: the next line can't be read: {error}", counts.last_line))?;
    match counts.rejected {
        0 => Ok(()),
        1 => Err("1 line was rejected: correct it and run this command again".to_owned()),
        refused => Err(format!("{refused} lines were rejected: correct them and run this command again")),
    }
}

/// Opens the input, with a progress bar for its size.
fn open(file: &PathBuf) -> Result<(Box<dyn Read + Send>, ProgressBar), String> {
    if file.as_os_str() == "-" {
        return Ok((Box::new(io::stdin()), styled(ProgressBar::new_spinner(), "{spinner} {bytes} read, {msg}")));
    }
    let cannot = |error: io::Error| format!("{}: {error}", file.display());
    let source = File::open(file).map_err(cannot)?;
    let length = source.metadata().map_err(cannot)?.len();
    Ok((Box::new(source), styled(ProgressBar::new(length), "{percent:>3}% {bar:40} {msg}, {eta} left")))
}

/// Applies a template. The bar is drawn only on a terminal.
fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Reads lines on a separate thread, a few ahead of the import.
fn read_ahead(source: Box<dyn Read + Send>, bar: ProgressBar) -> (mpsc::Receiver<Line>, JoinHandle<io::Result<()>>) {
    let (sender, lines) = mpsc::channel(AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        let mut source = BufReader::new(source);
        while let Some((line, length)) = next_line(&mut source)? {
            bar.inc(length);
            if sender.blocking_send(line).is_err() {
                // The import has stopped.
                break;
            }
        }
        Ok(())
    });
    (lines, reading)
}

/// The next line and its length in bytes. `None`: end of input. Of a line that is too long only `MAX_LINE` bytes are
/// buffered.
fn next_line(source: &mut impl BufRead) -> io::Result<Option<(Line, u64)>> {
    let refused = |reason| Err(LineRejection::new("line", reason));
    let mut bytes = Vec::new();
    let mut length = source.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut bytes)?;
    if length == 0 {
        return Ok(None);
    }
    let whole = bytes.ends_with(b"\n") || length < MAX_LINE;
    let line = if whole {
        // Some programs write a byte order mark at the start of a file.
        String::from_utf8(bytes)
            .map(|text| text.trim_start_matches('\u{feff}').to_owned())
            .or_else(|_| refused("not_text"))
    } else {
        length += source.skip_until(b'\n')?;
        refused("too_long")
    };
    Ok(Some((line, length as u64)))
}

/// The counts so far, and the progress bar that shows them.
struct Progress {
    bar: ProgressBar,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    created: u64,
    skipped: u64,
    rejected: u64,
    last_line: usize,
}

impl Progress {
    fn report(&mut self, number: usize, line: &ImportOutcome) {
        let counts = &mut self.counts;
        counts.last_line = number;
        match line {
            ImportOutcome::Created => counts.created += 1,
            ImportOutcome::AlreadyExists => counts.skipped += 1,
            ImportOutcome::Refused(refusals) => {
                counts.rejected += 1;
                for refusal in refusals {
                    self.bar.suspend(|| eprintln!("line {number}: {refusal}"));
                }
            }
        }
        self.bar.set_message(counts.summary());
    }
}

impl Counts {
    fn summary(&self) -> String {
        format!("{} imported, {} skipped, {} rejected", self.created, self.skipped, self.rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &[u8]) -> Vec<Line> {
        let mut source = BufReader::with_capacity(7, source);
        std::iter::from_fn(|| next_line(&mut source).unwrap().map(|(line, _)| line)).collect()
    }

    #[test]
    fn invalid_lines_are_refused_and_others_read() {
        let long = "x".repeat(MAX_LINE * 3);
        let source = [b"\xEF\xBB\xBFone\r\n\n", b"\xFF\n".as_slice(), long.as_bytes(), b"\nlast"].concat();
        let refused = |reason| Err(LineRejection::new("line", reason));
        let read = lines(&source);
        let expected = [
            Ok("one\r\n".to_owned()),
            Ok("\n".to_owned()),
            refused("not_text"),
            refused("too_long"),
            Ok("last".to_owned()),
        ];
        assert_eq!(read, expected);
        assert_eq!(lines(b""), []);
        // The longest accepted line ends exactly at the limit.
        let longest = format!("{}\n", "y".repeat(MAX_LINE - 1));
        assert_eq!(lines(longest.as_bytes()), [Ok(longest)]);
    }
}
