//! The outbox file with one JSON object per line. It is the only storage, so a killed process loses nothing, and
//! several processes that share the directory see the same messages.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::Message;

/// The file and the position up to which it was read.
#[derive(Debug)]
pub(super) struct OutboxFile {
    path: PathBuf,
    offset: u64,
}

/// The result of reading new lines.
pub(super) struct NewMessages {
    /// The file was removed or truncated: messages that were read before no longer exist.
    pub was_reset: bool,
    pub messages: Vec<Message>,
}

impl OutboxFile {
    /// The file `outbox.jsonl` in `folder`, from its start.
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("outbox.jsonl"), offset: 0 }
    }

    /// The length of the file in bytes; 0 if it does not exist.
    pub fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |about| about.len())
    }

    /// The messages that were appended since the last call.
    pub fn read_new(&mut self) -> io::Result<NewMessages> {
        match File::open(&self.path) {
            Ok(file) => self.read(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let was_reset = self.offset > 0;
                self.offset = 0;
                Ok(NewMessages { was_reset, messages: Vec::new() })
            }
            Err(error) => Err(error),
        }
    }

    /// Appends a message in one write, if `wanted` returns true for the messages that were appended meanwhile. The file
    /// is locked for other processes.
    pub fn append(&mut self, message: &Message, wanted: impl FnOnce(NewMessages) -> bool) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        // The lock is released when the file is closed. Without file locks, only one process is expected.
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
        let new_messages = self.read(&file)?;
        if !wanted(new_messages) {
            return Ok(());
        }
        let mut line = Vec::new();
        if file.metadata()?.len() > self.offset {
            // A process crashed while writing a line: start a new line.
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, message)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    /// Reads complete lines from the last position; an incomplete line is left for the next call.
    fn read(&mut self, file: &File) -> io::Result<NewMessages> {
        let was_reset = file.metadata()?.len() < self.offset;
        if was_reset {
            self.offset = 0;
        }
        let mut reader = BufReader::new(file);
        reader.seek(SeekFrom::Start(self.offset))?;
        let mut messages = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader.by_ref().read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                return Ok(NewMessages { was_reset, messages });
            }
            self.offset += u64::try_from(read).unwrap_or_default();
            // Lines that are not messages (for example incomplete ones) are skipped.
            messages.extend(serde_json::from_slice(&line).ok());
        }
    }
}
