//! Activity of a connection, so that idle and stalled connections can be closed.
//!
//! hyper's timeout for request heads also covers the time between two requests, so it would close the idle connections
//! of a proxy; and it does not detect a peer that reads nothing. Therefore the bytes themselves are observed here.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use crate::http::connection_limits::ConnectionSlot;
use platform::config::http::Timeouts;

/// Shared by the connection's byte stream, its requests, and the task that enforces the deadlines.
#[derive(Debug)]
pub struct ConnectionActivity(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Since when the peer has not read what is written.
    blocked: Option<Instant>,
    /// When the connection is closed regardless of its activity.
    last: Option<Instant>,
    /// Whether the next response is the last one.
    close_after_response: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Opened; the head of the first request is expected.
    Opened,
    /// Kept alive after a response.
    Idle,
    /// Part of a request's head was received.
    Head,
    /// A request is being processed.
    Serving,
    /// Upgraded to another protocol.
    Upgraded,
    /// Was idle and is closed in favour of another connection.
    Evicted,
}

impl ConnectionActivity {
    pub fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            phase: Phase::Opened,
            since: now,
            blocked: None,
            last: None,
            close_after_response: false,
        })))
    }

    /// When the connection is to be closed if there is no activity before.
    pub fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        self.with(|state| {
            let phase = match state.phase {
                Phase::Opened | Phase::Head => Some(state.since + timeouts.head),
                Phase::Idle => Some(state.since + timeouts.idle),
                Phase::Serving | Phase::Upgraded | Phase::Evicted => None,
            };
            let stalled = state.blocked.map(|since| since + timeouts.write_timeout);
            [phase, stalled, state.last].into_iter().flatten().min()
        })
    }

    /// The head of a request was received. None if the connection was evicted; the request must then not be processed.
    pub fn serving(self: &Arc<Self>) -> Option<Serving> {
        self.enter(Phase::Serving).then(|| Serving(self.clone()))
    }

    /// The connection was upgraded, and counts as busy as long as it is open.
    pub fn upgraded(&self) {
        self.enter(Phase::Upgraded);
    }

    /// Since when the connection is idle. None if a request is being processed, or the connection has ended.
    pub fn idle_since(&self) -> Option<Instant> {
        self.with(|state| state.is_idle().then_some(state.since))
    }

    /// Evicts the connection if it is idle. Returns whether it was.
    pub fn evict(&self) -> bool {
        self.with(|state| {
            let idle = state.is_idle();
            if idle {
                state.phase = Phase::Evicted;
            }
            idle
        })
    }

    /// Ends the connection after this response, at the latest `after` from now if the client still sends.
    pub fn close_within(&self, after: Duration) {
        self.with(|state| state.last = Some(Instant::now() + after));
    }

    pub fn closes_after_response(&self) -> bool {
        self.with(|state| state.last.is_some() || state.close_after_response)
    }

    /// Makes the next response the last one.
    pub fn close_after_response(&self) {
        self.with(|state| state.close_after_response = true);
    }

    /// Whether no part of a new request was received since the last response.
    pub fn is_quiet(&self) -> bool {
        self.with(|state| matches!(state.phase, Phase::Opened | Phase::Idle))
    }

    /// Whether a request is being processed.
    pub fn is_serving(&self) -> bool {
        self.with(|state| state.phase == Phase::Serving)
    }

    /// Changes the phase. Returns false for upgraded and evicted connections, which keep theirs.
    fn enter(&self, phase: Phase) -> bool {
        self.with(|state| {
            let open = !matches!(state.phase, Phase::Upgraded | Phase::Evicted);
            if open {
                (state.phase, state.since) = (phase, Instant::now());
            }
            open
        })
    }

    fn on_read(&self) {
        self.with(|state| {
            if state.phase == Phase::Idle {
                (state.phase, state.since) = (Phase::Head, Instant::now());
            }
        });
    }

    fn on_write(&self, pending: bool) {
        self.with(|state| {
            state.blocked = if pending { state.blocked.or_else(|| Some(Instant::now())) } else { None };
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Opened | Phase::Idle | Phase::Head)
    }
}

/// A response in progress; dropped with its body.
#[derive(Debug)]
pub struct Serving(Arc<ConnectionActivity>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

/// The byte stream of a connection, observed. It holds the connection's slot of `MAX_CONNECTIONS`, so that the slot is
/// kept after an upgrade.
pub struct ObservedStream<S> {
    stream: S,
    activity: Arc<ConnectionActivity>,
    _slot: ConnectionSlot,
}

impl<S> ObservedStream<S> {
    pub fn new(stream: S, activity: Arc<ConnectionActivity>, place: ConnectionSlot) -> Self {
        Self { stream, activity, _slot: place }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ObservedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.on_read();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ObservedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.activity.on_write(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.activity.on_write(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
