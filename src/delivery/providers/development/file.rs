//! The outbox file: one JSON object a line. It is the truth, so a killed process loses nothing, and several processes
//! that share the folder see the same messages.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::outbox::Message;

/// How far a reader has come.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    offset: u64,
}

/// What a look into the file found.
pub(super) struct News {
    /// The file is another one than before, or shorter: what was read earlier is gone.
    pub afresh: bool,
    pub messages: Vec<Message>,
}

impl Log {
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("outbox.jsonl"), offset: 0 }
    }

    /// How long the file is; 0 where there is none.
    pub fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |about| about.len())
    }

    /// What was appended since the last look.
    pub fn news(&mut self) -> io::Result<News> {
        match File::open(&self.path) {
            Ok(file) => self.read(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let afresh = self.offset > 0;
                self.offset = 0;
                Ok(News { afresh, messages: Vec::new() })
            }
            Err(error) => Err(error),
        }
    }

    /// Appends a message in one write, unless `wanted` says, of the news, that it is there already. Other processes
    /// wait meanwhile.
    pub fn append(&mut self, message: &Message, wanted: impl FnOnce(News) -> bool) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        // Released when the file is closed, however this returns. A file system without locks has one process, we hope.
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
        let news = self.read(&file)?;
        if !wanted(news) {
            return Ok(());
        }
        let mut line = Vec::new();
        if file.metadata()?.len() > self.offset {
            // A process died in the middle of its line: what follows starts a new one.
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, message)?;
        line.push(b'\n');
        file.write_all(&line)
    }

    /// Reads whole lines from where the last look ended; a line without its end is left for the next look.
    fn read(&mut self, file: &File) -> io::Result<News> {
        let afresh = file.metadata()?.len() < self.offset;
        if afresh {
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
                return Ok(News { afresh, messages });
            }
            self.offset += u64::try_from(read).unwrap_or_default();
            // What is no message (a torn line, somebody's note) is passed over.
            messages.extend(serde_json::from_slice(&line).ok());
        }
    }
}
