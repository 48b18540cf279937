//! Tracks whether PostgreSQL is reachable and writable, so that requests do not wait for a server that is known to be
//! down.
//!
//! A statement that fails or is slow starts a probe: one connection outside the pool, which checks whether the server
//! accepts writes. A busy server responds to the probe, and nothing changes. If the probe fails, all statements are refused
//! at once, and the probe is repeated until it succeeds. On a read-only server reads continue and writes are refused.

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

use platform::fault::Fault;

/// A statement that takes longer starts a probe.
const SLOW: Duration = Duration::from_millis(500);
/// The first pause between two probes of a server that is down; each failure doubles it.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// A server that responded to a probe is not probed again for this long.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// The result of the last probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Up,
    /// A standby, or `default_transaction_read_only`.
    ReadOnly,
    Down,
}

/// The availability of the server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Availability(Arc<Shared>);

struct Shared {
    options: PgConnectOptions,
    timeout: Duration,
    state: watch::Sender<State>,
    probing: AtomicBool,
    /// The last probe was refused because the server has no free connection.
    out_of_connections: AtomicBool,
    times: Arc<Mutex<Times>>,
}

/// The times of changes.
struct Times {
    /// Older connections are not used again: they belong to a server that was down or read-only.
    usable_since: Instant,
    last_success: Option<Instant>,
}

/// Decides whether a pooled connection may be used. Cheap to clone.
#[derive(Clone)]
pub(super) struct ConnectionFilter(Arc<Mutex<Times>>);

impl ConnectionFilter {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Times { usable_since: Instant::now(), last_success: None })))
    }

    /// Whether a connection of this age may be used.
    pub fn allows(&self, age: Duration) -> bool {
        age <= self.0.lock().unwrap_or_else(PoisonError::into_inner).usable_since.elapsed()
    }
}

impl Availability {
    /// For a server that was just reached.
    pub fn new(options: PgConnectOptions, timeout: Duration, state: State, usable: &ConnectionFilter) -> Self {
        let state = watch::Sender::new(state);
        let times = Arc::clone(&usable.0);
        let (probing, full) = (AtomicBool::new(false), AtomicBool::new(false));
        let availability = Self(Arc::new(Shared { options, timeout, state, probing, out_of_connections: full, times }));
        if availability.state() != State::Up {
            availability.start_probe();
        }
        availability
    }

    pub fn state(&self) -> State {
        *self.0.state.borrow()
    }

    /// Whether the server had no free connection at the last probe.
    pub fn is_full(&self) -> bool {
        self.0.out_of_connections.load(Ordering::Relaxed)
    }

    /// Runs `work` with the timeout, unless the server is known to be down.
    pub async fn run<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        if self.state() == State::Down {
            return Err(down());
        }
        let deadline = tokio::time::Instant::now() + self.0.timeout;
        let mut work = pin!(work);
        let outcome = match tokio::time::timeout(SLOW.min(self.0.timeout), &mut work).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.start_probe();
                tokio::select! {
                    outcome = tokio::time::timeout_at(deadline, &mut work) => outcome.unwrap_or_else(|_| Err(timed_out())),
                    () = self.until_down() => Err(down()),
                }
            }
        };
        if let Err(fault) = &outcome {
            self.check(fault);
        }
        outcome
    }

    /// Starts a probe, unless one is running or the server has just responded to one.
    pub fn start_probe(&self) {
        let state = &self.0;
        let trusted = state.times().last_success.is_some_and(|answered| answered.elapsed() < PROBE_INTERVAL);
        if trusted && self.state() == State::Up || state.probing.swap(true, Ordering::SeqCst) {
            return;
        }
        tokio::spawn(probe(Arc::downgrade(state)));
    }

    fn check(&self, fault: &Fault) {
        if fault.is_read_only() {
            self.0.times().usable_since = Instant::now();
            self.0.times().last_success = None;
        }
        if fault.kind() == platform::fault::FaultKind::Unavailable {
            self.start_probe();
        }
    }

    async fn until_down(&self) {
        let mut state = self.0.state.subscribe();
        // The sender lives as long as `self`.
        let _ = state.wait_for(|state| *state == State::Down).await;
    }
}

/// The error for writes to a read-only server.
pub(super) const READ_ONLY: &str = "PostgreSQL is read-only (a standby, or default_transaction_read_only is on): \
                                    DATABASE_URL must point to the primary";

fn down() -> Fault {
    Fault::unavailable("PostgreSQL is down according to the last probe")
}

fn timed_out() -> Fault {
    Fault::unavailable("the database took longer than DATABASE_TIMEOUT")
}

impl Shared {
    fn times(&self) -> std::sync::MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the result of a probe, and logs a change.
    fn record(&self, found: State, cause: Option<&sqlx::Error>) {
        let before = self.state.send_replace(found);
        let mut times = self.times();
        if found == State::Up {
            times.last_success = Some(Instant::now());
        }
        if before == found {
            return;
        }
        if found != State::Down {
            times.usable_since = Instant::now();
        }
        drop(times);
        match (found, cause) {
            (State::Up, _) => tracing::info!("PostgreSQL is available again"),
            (State::ReadOnly, _) => tracing::warn!("{READ_ONLY}: writes are refused until then"),
            (State::Down, Some(error)) => tracing::warn!(%error, "PostgreSQL can't be reached"),
            (State::Down, None) => tracing::warn!("PostgreSQL does not respond"),
        }
    }

    async fn run_probe(&self) -> (State, Option<sqlx::Error>) {
        let result = tokio::time::timeout(self.timeout, is_read_only(&self.options)).await;
        let refused = result.as_ref().ok().and_then(|result| result.as_ref().err());
        self.out_of_connections
            .store(refused.is_some_and(|error| code(error) == Some("53300".into())), Ordering::Relaxed);
        match result {
            Ok(Ok(false)) => (State::Up, None),
            Ok(Ok(true)) => (State::ReadOnly, None),
            Ok(Err(error)) if is_working(&error) => (State::Up, None),
            Ok(Err(error)) => (State::Down, Some(error)),
            Err(_) => (State::Down, None),
        }
    }
}

/// Probes until the server accepts writes, or until the store is closed.
async fn probe(state: Weak<Shared>) {
    let mut pause = MIN_PAUSE;
    loop {
        let Some(state) = state.upgrade() else { return };
        let (found, cause) = state.run_probe().await;
        if found == State::Up {
            state.probing.store(false, Ordering::SeqCst);
            state.record(found, None);
            return;
        }
        state.record(found, cause.as_ref());
        drop(state);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Whether an error response shows that the server works: it has no free connection, or rejects this login, and
/// existing connections stay usable. A server that is shutting down or starting up does not work.
fn is_working(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| !code.starts_with("57P"))
}

fn code(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error().and_then(|error| error.code())
}

/// Queries over a separate connection, with the simple query protocol, which works with connection poolers.
pub(super) async fn is_read_only(options: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let mut connection = options.connect().await?;
    let row = sqlx::raw_sql("SHOW transaction_read_only").fetch_one(&mut connection).await?;
    let shown: String = row.try_get(0)?;
    // The result is known; closing the connection may fail.
    drop(connection.close().await);
    Ok(shown == "on")
}
