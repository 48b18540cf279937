//! Whether PostgreSQL can be reached and written, so that a server known to be away is not waited for again by every
//! request.
//!
//! A statement that fails, or is slow to answer, starts a probe: one connection outside the pool, which asks whether the
//! server takes writes. A server that is merely busy answers the probe, and nothing changes. Where the probe fails,
//! everything is refused at once, and the probe is repeated until it succeeds. On a server that only reads, reading goes
//! on and writes are refused.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions as _, Connection as _, Row as _, postgres::PgConnectOptions};
use tokio::sync::watch;

use crate::fault::Fault;

/// A statement that has no answer after this long starts a probe.
const SUSPICIOUS: Duration = Duration::from_millis(500);
/// The first pause between two probes of a server that is away; each failure doubles it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A server that answered a probe is not probed again for so long.
const TRUSTED: Duration = Duration::from_secs(1);

/// What the last probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Up,
    /// A standby, or `default_transaction_read_only`.
    ReadOnly,
    Down,
}

/// What is known of the server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Availability(Arc<Inner>);

struct Inner {
    options: PgConnectOptions,
    timeout: Duration,
    state: watch::Sender<State>,
    probing: AtomicBool,
    /// The last probe was refused, since the server has no connection left.
    full: AtomicBool,
    times: Arc<Mutex<Times>>,
}

/// When things changed.
struct Times {
    /// Older connections are not used again: they lead to a server that was away or could not be written.
    usable_since: Instant,
    answered: Option<Instant>,
}

/// Tells connections that may be used again from those that may not. Cheap to clone.
#[derive(Clone)]
pub(super) struct Usable(Arc<Mutex<Times>>);

impl Usable {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Times { usable_since: Instant::now(), answered: None })))
    }

    /// Whether a connection of this age may be used.
    pub fn is(&self, age: Duration) -> bool {
        age <= self.0.lock().unwrap_or_else(PoisonError::into_inner).usable_since.elapsed()
    }
}

impl Availability {
    /// Of a server that answered just now.
    pub fn new(options: PgConnectOptions, timeout: Duration, state: State, usable: &Usable) -> Self {
        let state = watch::Sender::new(state);
        let times = Arc::clone(&usable.0);
        let (probing, full) = (AtomicBool::new(false), AtomicBool::new(false));
        let availability = Self(Arc::new(Inner { options, timeout, state, probing, full, times }));
        if availability.state() != State::Up {
            availability.suspect();
        }
        availability
    }

    pub fn state(&self) -> State {
        *self.0.state.borrow()
    }

    /// Whether the server had no connection left as it was last probed.
    pub fn is_full(&self) -> bool {
        self.0.full.load(Ordering::Relaxed)
    }

    /// Runs `work` unless the server is known to be away, and for no longer than the time-out.
    pub async fn around<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        if self.state() == State::Down {
            return Err(away());
        }
        let deadline = tokio::time::Instant::now() + self.0.timeout;
        let mut work = pin!(work);
        let outcome = match tokio::time::timeout(SUSPICIOUS.min(self.0.timeout), &mut work).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.suspect();
                tokio::select! {
                    outcome = tokio::time::timeout_at(deadline, &mut work) => outcome.unwrap_or_else(|_| Err(late())),
                    () = self.goes_away() => Err(away()),
                }
            }
        };
        if let Err(fault) = &outcome {
            self.judge(fault);
        }
        outcome
    }

    /// Starts a probe, unless one is under way or the server answered one just now.
    pub fn suspect(&self) {
        let inner = &self.0;
        let trusted = inner.times().answered.is_some_and(|answered| answered.elapsed() < TRUSTED);
        if trusted && self.state() == State::Up || inner.probing.swap(true, Ordering::SeqCst) {
            return;
        }
        tokio::spawn(probe(Arc::downgrade(inner)));
    }

    fn judge(&self, fault: &Fault) {
        if fault.is_read_only() {
            self.0.times().usable_since = Instant::now();
            self.0.times().answered = None;
        }
        if fault.kind() == crate::fault::FaultKind::Unavailable {
            self.suspect();
        }
    }

    async fn goes_away(&self) {
        let mut state = self.0.state.subscribe();
        // The sender lives as long as `self`.
        let _ = state.wait_for(|state| *state == State::Down).await;
    }
}

/// What a server that takes no writes is refused with.
pub(super) const READ_ONLY: &str = "PostgreSQL is read-only (a standby, or default_transaction_read_only is on): \
                                    DATABASE_URL has to lead to the primary";

fn away() -> Fault {
    Fault::unavailable("PostgreSQL is away, as the last probe found")
}

fn late() -> Fault {
    Fault::unavailable("the database took longer than DATABASE_TIMEOUT")
}

impl Inner {
    fn times(&self) -> std::sync::MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a probe found, and says it where it is news.
    fn note(&self, found: State, why: Option<&sqlx::Error>) {
        let before = self.state.send_replace(found);
        let mut times = self.times();
        if found == State::Up {
            times.answered = Some(Instant::now());
        }
        if before == found {
            return;
        }
        if found != State::Down {
            times.usable_since = Instant::now();
        }
        drop(times);
        match (found, why) {
            (State::Up, _) => tracing::info!("PostgreSQL can be reached and written again"),
            (State::ReadOnly, _) => tracing::warn!("{READ_ONLY}: nothing can be written until it does"),
            (State::Down, Some(error)) => tracing::warn!(%error, "PostgreSQL can't be reached"),
            (State::Down, None) => tracing::warn!("PostgreSQL does not answer"),
        }
    }

    async fn ask(&self) -> (State, Option<sqlx::Error>) {
        let asked = tokio::time::timeout(self.timeout, is_read_only(&self.options)).await;
        let refused = asked.as_ref().ok().and_then(|asked| asked.as_ref().err());
        self.full.store(refused.is_some_and(|error| code(error) == Some("53300".into())), Ordering::Relaxed);
        match asked {
            Ok(Ok(false)) => (State::Up, None),
            Ok(Ok(true)) => (State::ReadOnly, None),
            Ok(Err(error)) if answers(&error) => (State::Up, None),
            Ok(Err(error)) => (State::Down, Some(error)),
            Err(_) => (State::Down, None),
        }
    }
}

/// Probes until the server takes writes, or until the store is closed.
async fn probe(inner: Weak<Inner>) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let Some(inner) = inner.upgrade() else { return };
        let (found, why) = inner.ask().await;
        if found == State::Up {
            inner.probing.store(false, Ordering::SeqCst);
            inner.note(found, None);
            return;
        }
        inner.note(found, why.as_ref());
        drop(inner);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether a refusal shows that the server works: it has no connection left, or refuses this log-in, and the connections
/// that stand are as good as before. One that shuts down or starts up does not work.
fn answers(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| !code.starts_with("57P"))
}

fn code(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error().and_then(|error| error.code())
}

/// Asks over a connection of its own, in the simple protocol: poolers lend a server for it.
pub(super) async fn is_read_only(options: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let mut connection = options.connect().await?;
    let row = sqlx::raw_sql("SHOW transaction_read_only").fetch_one(&mut connection).await?;
    let shown: String = row.try_get(0)?;
    // What is known already does not depend on a farewell that arrives.
    drop(connection.close().await);
    Ok(shown == "on")
}
