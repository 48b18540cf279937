//! `admin import-users`: the accounts of another system.

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
    account::{Import, Imported, LineRefusal},
    app::{self, Settings, World},
};

pub const FORMAT: &str = r#"One object on each line, for example:

  {"username":"minji","password_hash":"$2b$12$…","phone":"010-1234-5678","birth_date":"1999-03-14"}

  username          The name to sign in with. Nothing else is needed.
  password_hash     As Django, Spring, PHP, Laravel, Symfony, WordPress, Drupal, Firebase, Supabase, Keycloak, Auth0,
                    ASP.NET Identity, Devise, better-auth, Werkzeug, passlib, LDAP or Node's bcrypt export it: a text,
                    or an object where a text does not say it all; docs/migrate.md lists them. It is not verified now;
                    the next sign-in replaces it by argon2id. Left out: the account signs in by code alone, until a
                    password is reset. Plain MD5 and SHA are wrapped in argon2id at once, some 40 a second and core.
  phone, email      Count as proved, unless phone_verified or email_verified is false.
  name, nickname, birth_date (YYYY-MM-DD), profile_image_url
  locale            The language of messages to them: ko or en. Left out: DEFAULT_LOCALE.
  suspended         true: nobody signs in to it.
  created_at        RFC 3339. Left out: now.

A line that is refused is named on standard error, by its number and every field that is wrong with the reason, never by
what stands in it; all others are imported, and the command ends with status 1. Run it again as often as you like: an account that is there already,
with the same contacts, is passed over."#;

/// A line that is longer is no user's.
const LONGEST_LINE: usize = 64 * 1024;
/// Lines that are read ahead.
const AHEAD: usize = 256;

/// Where the lines are.
#[derive(Args)]
pub struct Arguments {
    /// The file with the lines; - for standard input.
    file: PathBuf,
}

type Line = Result<String, LineRefusal>;

/// Imports the lines, says which were refused and why, and how many there were.
pub async fn run(settings: Settings, arguments: &Arguments) -> Result<(), String> {
    let import = Import {
        numbers: settings.config.contacts.numbers,
        locale: settings.config.messages.default_locale,
        today: today(&settings),
    };
    let (source, bar) = open(&arguments.file)?;
    let accounts = app::accounts(settings, World::real()).await?;
    let (lines, reading) = read_ahead(source, bar.clone());
    let mut told = Told { bar, counts: Counts::default() };
    let lines = stream::unfold(lines, |mut lines| async move { lines.recv().await.map(|line| (line, lines)) });
    let imported = accounts.import_users(&run_name(), lines, import, |number, line| told.tell(number, &line)).await;
    let Told { bar, counts } = told;
    bar.finish_and_clear();
    say!("{}", counts.said());
    imported.map_err(|fault| format!("stopped after line {}, and can be run again: {}", counts.last, fault.words()))?;
    let read =
        reading.await.map_err(|error| error.to_string()).and_then(|read| read.map_err(|error| error.to_string()));
    read.map_err(|error| format!("stopped after line {}: it can't be read on: {error}", counts.last))?;
    match counts.refused {
        0 => Ok(()),
        1 => Err("1 line was refused: mend it and run this again".to_owned()),
        refused => Err(format!("{refused} lines were refused: mend them and run this again")),
    }
}

/// Where the lines come from, and how far it is to their end.
fn open(file: &PathBuf) -> Result<(Box<dyn Read + Send>, ProgressBar), String> {
    if file.as_os_str() == "-" {
        return Ok((Box::new(io::stdin()), styled(ProgressBar::new_spinner(), "{spinner} {bytes} read, {msg}")));
    }
    let cannot = |error: io::Error| format!("{}: {error}", file.display());
    let source = File::open(file).map_err(cannot)?;
    let length = source.metadata().map_err(cannot)?.len();
    Ok((Box::new(source), styled(ProgressBar::new(length), "{percent:>3}% {bar:40} {msg}, {eta} left")))
}

/// Drawn on a terminal alone.
fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Reads lines on a thread of its own, a few ahead of what is imported.
fn read_ahead(source: Box<dyn Read + Send>, bar: ProgressBar) -> (mpsc::Receiver<Line>, JoinHandle<io::Result<()>>) {
    let (sender, lines) = mpsc::channel(AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        let mut source = BufReader::new(source);
        while let Some((line, length)) = next_line(&mut source)? {
            bar.inc(length);
            if sender.blocking_send(line).is_err() {
                // Nobody imports any more.
                break;
            }
        }
        Ok(())
    });
    (lines, reading)
}

/// The next line without its end, and how long it was; none: that was all. However long a line is, no more of it is
/// kept than a user may take.
fn next_line(source: &mut impl BufRead) -> io::Result<Option<(Line, u64)>> {
    let refused = |reason| Err(LineRefusal::new("line", reason));
    let mut bytes = Vec::new();
    let mut length = source.by_ref().take(LONGEST_LINE as u64).read_until(b'\n', &mut bytes)?;
    if length == 0 {
        return Ok(None);
    }
    let whole = bytes.ends_with(b"\n") || length < LONGEST_LINE;
    let line = if whole {
        // Some programs begin a file with a byte order mark.
        String::from_utf8(bytes)
            .map(|text| text.trim_start_matches('\u{feff}').to_owned())
            .or_else(|_| refused("not_text"))
    } else {
        length += source.skip_until(b'\n')?;
        refused("too_long")
    };
    Ok(Some((line, length as u64)))
}

/// What was told so far, and where it is shown.
struct Told {
    bar: ProgressBar,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    made: u64,
    known: u64,
    refused: u64,
    last: usize,
}

impl Told {
    fn tell(&mut self, number: usize, line: &Imported) {
        let counts = &mut self.counts;
        counts.last = number;
        match line {
            Imported::Made => counts.made += 1,
            Imported::Known => counts.known += 1,
            Imported::Refused(refusals) => {
                counts.refused += 1;
                for refusal in refusals {
                    self.bar.suspend(|| eprintln!("line {number}: {refusal}"));
                }
            }
        }
        self.bar.set_message(counts.said());
    }
}

impl Counts {
    fn said(&self) -> String {
        format!("{} imported, {} known already, {} refused", self.made, self.known, self.refused)
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
    fn lines_are_read_one_by_one_and_what_is_none_is_refused_in_its_place() {
        let long = "x".repeat(LONGEST_LINE * 3);
        let source = [b"\xEF\xBB\xBFone\r\n\n", b"\xFF\n".as_slice(), long.as_bytes(), b"\nlast"].concat();
        let refused = |reason| Err(LineRefusal::new("line", reason));
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
        // The longest that is taken ends exactly where it may.
        let longest = format!("{}\n", "y".repeat(LONGEST_LINE - 1));
        assert_eq!(lines(longest.as_bytes()), [Ok(longest)]);
    }
}
