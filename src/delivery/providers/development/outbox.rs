//! The messages of the outbox, newest first, as the page and tests read them.

use std::{
    collections::{HashSet, VecDeque},
    fmt, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::file::{Log, News};

/// Messages that are kept in memory; older ones stay in the file.
const KEPT: usize = 10_000;
/// How often a watched file is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// One message of the outbox. It holds a code: it does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub id: String,
    /// RFC 3339, UTC, milliseconds.
    pub created_at: String,
    /// As the schema names it: SMS, VOICE, EMAIL.
    pub channel: String,
    /// E.164, or an e-mail address.
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
    /// None: a notice.
    pub code: Option<String>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("channel", &self.channel).finish_non_exhaustive()
    }
}

/// Which messages are wanted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Filter {
    /// To this contact alone. A number may be in national form: it is compared by its last digits.
    pub to: Option<String>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

impl Filter {
    fn wants(&self, to: &str) -> bool {
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

/// The outbox of the development provider. Cheap to clone; clones are one.
#[derive(Clone, Debug)]
pub struct DevOutbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tail: Mutex<Tail>,
    closed: CancellationToken,
}

/// The file's end, in memory.
#[derive(Debug)]
struct Tail {
    log: Log,
    /// Oldest first.
    messages: VecDeque<Arc<Message>>,
    ids: HashSet<String>,
}

impl DevOutbox {
    /// The outbox in `folder`, which is made if it is missing.
    ///
    /// # Errors
    /// When the folder can't be made or the file can't be read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut tail = Tail { log: Log::new(folder), messages: VecDeque::new(), ids: HashSet::new() };
        tail.catch_up()?;
        Ok(Self(Arc::new(Inner { tail: Mutex::new(tail), closed: CancellationToken::new() })))
    }

    /// The messages that the filter wants, newest first, from whichever process.
    ///
    /// # Errors
    /// When the file can't be read.
    pub async fn list(&self, filter: Filter) -> io::Result<Vec<Arc<Message>>> {
        self.with_tail(move |tail| {
            tail.catch_up()?;
            let wanted = tail.messages.iter().rev().filter(|message| filter.wants(&message.to));
            Ok(wanted.take(filter.limit.unwrap_or(usize::MAX)).cloned().collect())
        })
        .await
    }

    /// Writes a message, unless one with its id is there.
    pub(super) async fn append(&self, message: Message) -> io::Result<()> {
        self.with_tail(move |Tail { log, messages, ids }| {
            log.append(&message, |news| {
                take_in(news, messages, ids);
                !ids.contains(&message.id)
            })
        })
        .await
    }

    /// Returns once the outbox is another than it was at `seen`, with what to wait from next; `None` starts. The file
    /// is looked at only while somebody waits here. None: the outbox is closed.
    pub async fn changed(&self, seen: Option<u64>) -> Option<u64> {
        loop {
            let length = self.with_tail(|tail| Ok(tail.log.length())).await.unwrap_or_default();
            if self.0.closed.is_cancelled() {
                return None;
            }
            if seen != Some(length) {
                return Some(length);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.0.closed.cancelled() => return None,
            }
        }
    }

    /// Lets go of whoever waits in [`DevOutbox::changed`], so that the program can stop.
    pub fn close(&self) {
        self.0.closed.cancel();
    }

    /// Files block: off the threads that serve.
    async fn with_tail<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tail) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let inner = Arc::clone(&self.0);
        let worked =
            tokio::task::spawn_blocking(move || work(&mut inner.tail.lock().unwrap_or_else(PoisonError::into_inner)));
        worked.await.map_err(io::Error::other)?
    }
}

impl Tail {
    fn catch_up(&mut self) -> io::Result<()> {
        let news = self.log.news()?;
        take_in(news, &mut self.messages, &mut self.ids);
        Ok(())
    }
}

/// Adds the news; of two messages with one id the first stays.
fn take_in(news: News, messages: &mut VecDeque<Arc<Message>>, ids: &mut HashSet<String>) {
    if news.afresh {
        messages.clear();
        ids.clear();
    }
    for message in news.messages {
        if ids.insert(message.id.clone()) {
            messages.push_back(Arc::new(message));
        }
        if messages.len() > KEPT
            && let Some(oldest) = messages.pop_front()
        {
            ids.remove(&oldest.id);
        }
    }
}
