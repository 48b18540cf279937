//! Passwords out of breaches, looked up on disk.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

/// A file with one SHA-1 in hexadecimal per line, sorted, each with or without `:count` behind it: the form in which
/// Have I Been Pwned's list is downloaded. It has tens of gigabytes, so it is searched where it lies.
#[derive(Clone, Debug)]
pub struct Breached(Arc<PathBuf>);

const HEX: usize = 40;
/// The longest line: a hash, a colon, a count, a line break of two.
const LINE: usize = HEX + 1 + 20 + 2;
/// How many places are looked at before the file is believed to be sorted.
const SAMPLES: u64 = 64;

impl Breached {
    /// Looks whether the file is what it should be, by its ends and some places between.
    ///
    /// # Errors
    /// What is wrong with the file, in words for an operator.
    pub fn open(path: &Path) -> Result<Self, String> {
        let named = |what: String| format!("{}: {what}", path.display());
        let file = File::open(path).map_err(|error| named(error.to_string()))?;
        let mut lines = Lines::new(file).map_err(|error| named(error.to_string()))?;
        if lines.length == 0 {
            return Err(named("is empty".to_owned()));
        }
        let mut before = None;
        for sample in 0..=SAMPLES {
            let place = lines.length / SAMPLES * sample;
            let line = lines.at(place).map_err(|error| named(error.to_string()))?;
            let Some(line) = line else { break };
            if before.is_some_and(|before| before > line.hash) {
                return Err(named(format!("is not sorted by hash (near byte {place})")));
            }
            before = Some(line.hash);
        }
        Ok(Self(Arc::new(path.to_owned())))
    }

    /// Whether the list has this password. Reads some forty lines of the file; it is opened anew each time, so that a
    /// newer list can take its place while we run.
    ///
    /// # Errors
    /// When the file can't be read, or is not such a list.
    pub fn contains(&self, password: &str) -> io::Result<bool> {
        let mut lines = Lines::new(File::open(&*self.0)?)?;
        // Emptied since it was opened at start: no list is not a list that says no.
        if lines.length == 0 { Err(not_a_list(0)) } else { lines.has(&sha1(password)) }
    }
}

/// A SHA-1 as its upper-case hexadecimal digits.
type Hash = [u8; HEX];

fn sha1(password: &str) -> Zeroizing<Hash> {
    let mut hex = Zeroizing::new([0; HEX]);
    for (pair, byte) in hex.chunks_exact_mut(2).zip(Sha1::digest(password.as_bytes())) {
        pair[0] = b"0123456789ABCDEF"[usize::from(byte >> 4)];
        pair[1] = b"0123456789ABCDEF"[usize::from(byte & 15)];
    }
    hex
}

#[cfg(test)]
pub fn sha1_hex(password: &str) -> String {
    String::from_utf8_lossy(&*sha1(password)).into_owned()
}

/// The lines of an open list.
struct Lines {
    file: File,
    length: u64,
}

struct Line {
    start: u64,
    /// Where the next line starts.
    next: u64,
    hash: Hash,
}

impl Lines {
    fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }

    /// Binary search by byte: the line that is sought, if there is one, starts from `low` to before `high`.
    fn has(&mut self, hash: &Hash) -> io::Result<bool> {
        let (mut low, mut high) = (0, self.length);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle)? {
                Some(line) if line.start < high => match line.hash.cmp(hash) {
                    std::cmp::Ordering::Equal => return Ok(true),
                    std::cmp::Ordering::Less => low = line.next,
                    std::cmp::Ordering::Greater => high = middle,
                },
                // No line starts from the middle on.
                _ => high = middle,
            }
        }
        Ok(false)
    }

    /// The first line that starts at `place` or after it.
    fn at(&mut self, place: u64) -> io::Result<Option<Line>> {
        // The line break before `place` says whether a line starts there.
        let from = place.saturating_sub(1);
        let mut buffer = [0; 2 * LINE];
        let read = self.read(from, &mut buffer)?;
        let text = &buffer[..read];
        let skip = match (place, text.iter().position(|byte| *byte == b'\n')) {
            (0, _) => 0,
            (_, Some(end)) => end + 1,
            (_, None) if read < buffer.len() => return Ok(None),
            (_, None) => return Err(not_a_list(from)),
        };
        let start = from + skip as u64;
        let line = &text[skip..];
        if line.is_empty() {
            return Ok(None);
        }
        let end = line.iter().position(|byte| *byte == b'\n');
        // The last line may go without a line break; any other that has none within reach is longer than a line.
        let length = match end {
            Some(end) => end,
            None if read < buffer.len() => line.len(),
            None => return Err(not_a_list(start)),
        };
        let hash = line.first_chunk::<HEX>().map(|hash| hash.map(|digit| digit.to_ascii_uppercase()));
        let hash = hash.filter(|hash| hash.iter().all(u8::is_ascii_hexdigit)).ok_or_else(|| not_a_list(start))?;
        if !matches!(line[..length].get(HEX), None | Some(b':' | b'\r')) {
            return Err(not_a_list(start));
        }
        Ok(Some(Line { start, next: start + length as u64 + 1, hash }))
    }

    fn read(&mut self, from: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(from))?;
        let mut read = 0;
        while read < buffer.len() {
            match self.file.read(&mut buffer[read..])? {
                0 => break,
                more => read += more,
            }
        }
        Ok(read)
    }
}

fn not_a_list(place: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no line HASH or HASH:count at byte {place}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    /// The first `passwords` numbers, as a list in one of the forms that are around.
    fn numbers(passwords: usize, line: impl Fn(usize, &str) -> String) -> tempfile::NamedTempFile {
        let mut hashes: Vec<_> = (0..passwords).map(|number| sha1_hex(&number.to_string())).collect();
        hashes.sort();
        let lines: String = hashes.iter().enumerate().map(|(place, hash)| line(place, hash)).collect();
        list(&lines)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_password_of_a_list_is_found_and_no_other(length in 1_usize..400, form in 0..4) {
            let file = numbers(length, |place, hash| match form {
                0 => format!("{hash}\n"),
                1 => format!("{hash}:{}\r\n", 10_usize.pow(place as u32 % 12)),
                2 => format!("{}:{place}\n", hash.to_lowercase()),
                // No line break at the end.
                _ => format!("{}{hash}", if place == 0 { "" } else { "\n" }),
            });
            let breached = Breached::open(file.path()).unwrap();
            for number in 0..length + 50 {
                prop_assert_eq!(breached.contains(&number.to_string()).unwrap(), number < length, "{}", number);
            }
        }
    }

    #[test]
    fn the_hash_is_the_one_of_the_public_lists() {
        assert_eq!(sha1_hex("password"), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
    }

    #[test]
    fn what_is_no_sorted_list_is_refused_at_start() {
        let error = |text: &str| Breached::open(list(text).path()).unwrap_err();
        assert!(error("").contains("is empty"));
        assert!(error("password\n123456\n").contains("at byte 0"));
        assert!(error(&"x".repeat(10_000)).contains("at byte 0"));
        assert!(error(&format!("{}zz\n", "A".repeat(40))).contains("at byte 0"));
        let unsorted = numbers(1000, |place, hash| format!("{:01X}{}\n", 15 - place * 16 / 1000, &hash[1..]));
        assert!(Breached::open(unsorted.path()).unwrap_err().contains("not sorted"));
        assert!(Breached::open(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn a_list_that_breaks_later_is_an_error_and_not_a_no() {
        let file = numbers(100, |_, hash| format!("{hash}\n"));
        let breached = Breached::open(file.path()).unwrap();
        file.as_file().set_len(0).unwrap();
        file.reopen().unwrap().write_all(&[b'x'; 5000]).unwrap();
        assert!(breached.contains("7").is_err());
    }
}
