//! Lookup of breached passwords in a file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

/// A file with one SHA-1 in hexadecimal per line, sorted, each optionally followed by `:count`: the download format of
/// Have I Been Pwned. It has tens of gigabytes, so it is searched on disk and not loaded.
#[derive(Clone, Debug)]
pub struct Breached(Arc<PathBuf>);

const HEX: usize = 40;
/// The maximum length of a line: a hash, a colon, a count and CRLF.
const LINE: usize = HEX + 1 + 20 + 2;
/// The number of positions that are sampled to check that the file is sorted.
const SAMPLES: u64 = 64;

impl Breached {
    /// Opens the file and checks its format and order at sampled positions.
    ///
    /// # Errors
    /// A message for the operator if the file can't be read, is empty, malformed or not sorted.
    pub fn open(path: &Path) -> Result<Self, String> {
        let with_path = |what: String| format!("{}: {what}", path.display());
        let file = File::open(path).map_err(|error| with_path(error.to_string()))?;
        let mut lines = Lines::new(file).map_err(|error| with_path(error.to_string()))?;
        if lines.length == 0 {
            return Err(with_path("is empty".to_owned()));
        }
        let mut before = None;
        for sample in 0..=SAMPLES {
            let offset = lines.length / SAMPLES * sample;
            let line = lines.at(offset).map_err(|error| with_path(error.to_string()))?;
            let Some(line) = line else { break };
            if before.is_some_and(|before| before > line.hash) {
                return Err(with_path(format!("is not sorted by hash (near byte {offset})")));
            }
            before = Some(line.hash);
        }
        Ok(Self(Arc::new(path.to_owned())))
    }

    /// Whether the list contains this password. Reads about forty lines of the file. The file is opened for each
    /// lookup, so that it can be replaced while the program runs.
    ///
    /// # Errors
    /// If the file can't be read or is malformed.
    pub fn contains(&self, password: &str) -> io::Result<bool> {
        let mut lines = Lines::new(File::open(&*self.0)?)?;
        // The file was emptied after startup: fail instead of reporting that the password is not listed.
        if lines.length == 0 { Err(malformed(0)) } else { lines.has(&sha1(password)) }
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

    /// Binary search by byte offset. Invariant: if the line exists, it starts in `low..high`.
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
                // No line starts at or after `middle`.
                _ => high = middle,
            }
        }
        Ok(false)
    }

    /// The first line that starts at or after `offset`.
    fn at(&mut self, offset: u64) -> io::Result<Option<Line>> {
        // A line starts at `offset` if the byte before it is a line break.
        let from = offset.saturating_sub(1);
        let mut buffer = [0; 2 * LINE];
        let read = self.read(from, &mut buffer)?;
        let text = &buffer[..read];
        let skip = match (offset, text.iter().position(|byte| *byte == b'\n')) {
            (0, _) => 0,
            (_, Some(end)) => end + 1,
            (_, None) if read < buffer.len() => return Ok(None),
            (_, None) => return Err(malformed(from)),
        };
        let start = from + skip as u64;
        let line = &text[skip..];
        if line.is_empty() {
            return Ok(None);
        }
        let end = line.iter().position(|byte| *byte == b'\n');
        // Only the last line may lack a line break. Any other line without one in the buffer is too long.
        let length = match end {
            Some(end) => end,
            None if read < buffer.len() => line.len(),
            None => return Err(malformed(start)),
        };
        let hash = line.first_chunk::<HEX>().map(|hash| hash.map(|digit| digit.to_ascii_uppercase()));
        let hash = hash.filter(|hash| hash.iter().all(u8::is_ascii_hexdigit)).ok_or_else(|| malformed(start))?;
        if !matches!(line[..length].get(HEX), None | Some(b':' | b'\r')) {
            return Err(malformed(start));
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

fn malformed(offset: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("expected a line HASH or HASH:count at byte {offset}"))
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

    /// A list of the first `passwords` numbers, with lines formatted by `line`.
    fn numbers(passwords: usize, line: impl Fn(usize, &str) -> String) -> tempfile::NamedTempFile {
        let mut hashes: Vec<_> = (0..passwords).map(|number| sha1_hex(&number.to_string())).collect();
        hashes.sort();
        let lines: String = hashes.iter().enumerate().map(|(offset, hash)| line(offset, hash)).collect();
        list(&lines)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn contains_finds_exactly_the_listed_passwords(length in 1_usize..400, form in 0..4) {
            let file = numbers(length, |offset, hash| match form {
                0 => format!("{hash}\n"),
                1 => format!("{hash}:{}\r\n", 10_usize.pow(offset as u32 % 12)),
                2 => format!("{}:{offset}\n", hash.to_lowercase()),
                // No line break at the end.
                _ => format!("{}{hash}", if offset == 0 { "" } else { "\n" }),
            });
            let breached = Breached::open(file.path()).unwrap();
            for number in 0..length + 50 {
                prop_assert_eq!(breached.contains(&number.to_string()).unwrap(), number < length, "{}", number);
            }
        }
    }

    #[test]
    fn the_hash_matches_the_public_lists() {
        assert_eq!(sha1_hex("password"), "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8");
    }

    #[test]
    fn open_rejects_malformed_and_unsorted_files() {
        let error = |text: &str| Breached::open(list(text).path()).unwrap_err();
        assert!(error("").contains("is empty"));
        assert!(error("password\n123456\n").contains("at byte 0"));
        assert!(error(&"x".repeat(10_000)).contains("at byte 0"));
        assert!(error(&format!("{}zz\n", "A".repeat(40))).contains("at byte 0"));
        let unsorted = numbers(1000, |offset, hash| format!("{:01X}{}\n", 15 - offset * 16 / 1000, &hash[1..]));
        assert!(Breached::open(unsorted.path()).unwrap_err().contains("not sorted"));
        assert!(Breached::open(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn contains_fails_if_the_file_becomes_malformed() {
        let file = numbers(100, |_, hash| format!("{hash}\n"));
        let breached = Breached::open(file.path()).unwrap();
        file.as_file().set_len(0).unwrap();
        file.reopen().unwrap().write_all(&[b'x'; 5000]).unwrap();
        assert!(breached.contains("7").is_err());
    }
}
