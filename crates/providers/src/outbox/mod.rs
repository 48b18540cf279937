//! The outbox of the development provider: its messages, newest first, for the page and for tests.

mod file;

use std::{
    collections::{HashSet, VecDeque},
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use self::file::{NewMessages, OutboxFile};

/// The maximum number of messages in memory; older ones stay in the file.
const MAX_MESSAGES: usize = 10_000;
/// The interval at which a watched file is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// A message of the outbox. It may contain a code, so `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: String,
    /// RFC 3339, UTC, milliseconds.
    pub created_at: String,
    /// As in the GraphQL schema: SMS, VOICE, EMAIL.
    pub channel: String,
    /// E.164, or an e-mail address.
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
    /// None for a notice.
    pub code: Option<String>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Selects messages.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Filter {
    /// Only messages to this contact. A phone number may be in national format: its last digits are compared.
    pub to: Option<String>,
    /// The maximum number of messages, newest first.
    pub limit: Option<usize>,
}

impl Filter {
    fn matches(&self, to: &str) -> bool {
        match self.to.as_deref().map(str::trim).filter(|wanted| !wanted.is_empty()) {
            None => true,
            Some(wanted) if wanted.contains('@') || to.contains('@') => wanted.eq_ignore_ascii_case(to),
            Some(wanted) => {
                let digits: String = wanted.chars().filter(char::is_ascii_digit).collect();
                let digits = digits.trim_start_matches('0');
                !digits.is_empty() && to.ends_with(digits)
            }
        }
    }
}

/// The outbox of the development provider. Cheap to clone; clones share their state.
#[derive(Clone, Debug)]
pub struct DevOutbox(Arc<OutboxState>);

#[derive(Debug)]
struct OutboxState {
    recent: Mutex<RecentMessages>,
    closed: CancellationToken,
}

/// The newest messages of the file, in memory.
#[derive(Debug)]
struct RecentMessages {
    file: OutboxFile,
    /// Oldest first.
    messages: VecDeque<Arc<Message>>,
    ids: HashSet<String>,
}

impl DevOutbox {
    /// Opens the outbox in `folder`, which is created if it does not exist.
    ///
    /// # Errors
    /// If the folder can't be created or the file can't be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut tail = RecentMessages { file: OutboxFile::new(folder), messages: VecDeque::new(), ids: HashSet::new() };
        tail.read_new_messages()?;
        Ok(Self(Arc::new(OutboxState { recent: Mutex::new(tail), closed: CancellationToken::new() })))
    }

    /// The messages that match the filter, newest first, from all processes.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn list(&self, filter: Filter) -> io::Result<Vec<Arc<Message>>> {
        self.with_recent(move |tail| {
            tail.read_new_messages()?;
            let wanted = tail.messages.iter().rev().filter(|message| filter.matches(&message.to));
            Ok(wanted.take(filter.limit.unwrap_or(usize::MAX)).cloned().collect())
        })
        .await
    }

    /// Appends a message, unless there is one with its id.
    pub(crate) async fn append(&self, message: Message) -> io::Result<()> {
        self.with_recent(move |RecentMessages { file, messages, ids }| {
            file.append(&message, |new_messages| {
                add(new_messages, messages, ids);
                !ids.contains(&message.id)
            })
        })
        .await
    }

    /// Waits until the outbox differs from the state `seen`, and returns the new state; pass `None` at first. The file
    /// is only checked while a caller waits. Returns None if the outbox is closed.
    pub async fn changed(&self, seen: Option<u64>) -> Option<u64> {
        loop {
            let length = self.with_recent(|tail| Ok(tail.file.length())).await.unwrap_or_default();
            if self.0.closed.is_cancelled() {
                return None;
            }
            if seen != Some(length) {
                return Some(length);
            }
            tokio::select! {
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
                () = self.0.closed.cancelled() => return None,
            }
        }
    }

    /// Ends all waiting calls of [`DevOutbox::changed`], so that the program can stop.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// File access blocks, so it runs on a blocking thread.
    async fn with_recent<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut RecentMessages) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let state = Arc::clone(&self.0);
        let result =
            tokio::task::spawn_blocking(move || work(&mut state.recent.lock().unwrap_or_else(PoisonError::into_inner)));
        result.await.map_err(io::Error::other)?
    }
}

impl RecentMessages {
    fn read_new_messages(&mut self) -> io::Result<()> {
        let new_messages = self.file.read_new()?;
        add(new_messages, &mut self.messages, &mut self.ids);
        Ok(())
    }
}

/// Adds the new messages; of two messages with the same id the first is kept.
fn add(new_messages: NewMessages, messages: &mut VecDeque<Arc<Message>>, ids: &mut HashSet<String>) {
    if new_messages.was_reset {
        messages.clear();
        ids.clear();
    }
    for message in new_messages.messages {
        if ids.insert(message.id.clone()) {
            messages.push_back(Arc::new(message));
        }
        if messages.len() > MAX_MESSAGES
            && let Some(oldest) = messages.pop_front()
        {
            ids.remove(&oldest.id);
        }
    }
}
