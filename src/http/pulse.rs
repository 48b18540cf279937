//! What a connection is doing and since when, so that one that does nothing can be cut.
//!
//! hyper times the head of a request, but by the same clock also the quiet between two requests, so that a proxy's idle
//! connection would be closed under its hands; and it does not time a peer that reads nothing. Here the bytes
//! themselves are watched.

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

use crate::{config::http::Patience, http::places::Place};

/// Shared by the connection's bytes, its requests, and the task that watches both.
#[derive(Debug)]
pub struct Pulse(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Since when the peer has taken nothing of what is written.
    blocked: Option<Instant>,
    /// When it is over whatever happens.
    last: Option<Instant>,
    /// The next answer is the last one.
    leaving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Opened; the head of the first request is due.
    Opened,
    /// Kept alive after a response.
    Idle,
    /// Some bytes of a request's head have come.
    Head,
    /// A request is being answered.
    Serving,
    /// It carries something else than HTTP now.
    Upgraded,
    /// It was idle and gave way to another connection.
    Evicted,
}

impl Pulse {
    pub fn new(now: Instant) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            phase: Phase::Opened,
            since: now,
            blocked: None,
            last: None,
            leaving: false,
        })))
    }

    /// When the connection is to be cut if nothing happens before.
    pub fn deadline(&self, patience: &Patience) -> Option<Instant> {
        self.with(|state| {
            let phase = match state.phase {
                Phase::Opened | Phase::Head => Some(state.since + patience.head),
                Phase::Idle => Some(state.since + patience.idle),
                Phase::Serving | Phase::Upgraded | Phase::Evicted => None,
            };
            let stalled = state.blocked.map(|since| since + patience.stall);
            [phase, stalled, state.last].into_iter().flatten().min()
        })
    }

    /// The head of a request has come. None: the connection gave way to another one, so nothing of the request may
    /// be done.
    pub fn serving(self: &Arc<Self>) -> Option<Serving> {
        self.enter(Phase::Serving).then(|| Serving(self.clone()))
    }

    /// The connection is no longer HTTP, and not idle as long as it is open.
    pub fn upgraded(&self) {
        self.enter(Phase::Upgraded);
    }

    /// Since when nothing was asked; none: something is being answered, or the connection has ended.
    pub fn idle_since(&self) -> Option<Instant> {
        self.with(|state| state.is_idle().then_some(state.since))
    }

    /// Ends a connection that is idle. Whether it is.
    pub fn evict(&self) -> bool {
        self.with(|state| {
            let idle = state.is_idle();
            if idle {
                state.phase = Phase::Evicted;
            }
            idle
        })
    }

    /// Ends the connection after this answer, and cuts it so much later where the client still sends.
    pub fn hang_up(&self, after: Duration) {
        self.with(|state| state.last = Some(Instant::now() + after));
    }

    pub fn hangs_up(&self) -> bool {
        self.with(|state| state.last.is_some() || state.leaving)
    }

    /// Makes the next answer the last one.
    pub fn leave(&self) {
        self.with(|state| state.leaving = true);
    }

    /// Whether no request has begun to come since the last answer.
    pub fn is_quiet(&self) -> bool {
        self.with(|state| matches!(state.phase, Phase::Opened | Phase::Idle))
    }

    /// Whether a request is being answered.
    pub fn is_serving(&self) -> bool {
        self.with(|state| state.phase == Phase::Serving)
    }

    /// Whether it could: what was upgraded or evicted stays so.
    fn enter(&self, phase: Phase) -> bool {
        self.with(|state| {
            let open = !matches!(state.phase, Phase::Upgraded | Phase::Evicted);
            if open {
                (state.phase, state.since) = (phase, Instant::now());
            }
            open
        })
    }

    fn read_some(&self) {
        self.with(|state| {
            if state.phase == Phase::Idle {
                (state.phase, state.since) = (Phase::Head, Instant::now());
            }
        });
    }

    fn wrote(&self, pending: bool) {
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

/// A response under way; dropped with its body.
#[derive(Debug)]
pub struct Serving(Arc<Pulse>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

/// The bytes of a connection, watched. It holds the connection's place among `MAX_CONNECTIONS`, so that an upgrade
/// keeps it.
pub struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
    _place: Place,
}

impl<S> Watched<S> {
    pub fn new(stream: S, pulse: Arc<Pulse>, place: Place) -> Self {
        Self { stream, pulse, _place: place }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.pulse.read_some();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.pulse.wrote(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.pulse.wrote(written.is_pending());
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
