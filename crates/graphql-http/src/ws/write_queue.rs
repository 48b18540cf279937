//! The write queue of a socket. It stays short, because operations are polled only while it is empty.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::Sink;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::ws::session::Socket;

/// Limits of queued replies to the client's own messages. Above them, the client's messages are not read.
const MAX_MESSAGES: usize = 100;
const MAX_BYTES: usize = 256 * 1024;

/// The messages that are not yet passed to the socket, in order.
#[derive(Default)]
pub struct WriteQueue {
    waiting: VecDeque<Message>,
    bytes: usize,
    unflushed: bool,
    blocked: Option<Instant>,
}

impl WriteQueue {
    pub fn push(&mut self, message: impl Into<Message>) {
        let message = message.into();
        self.bytes += message.len();
        self.waiting.push_back(message);
    }

    /// Whether everything has been flushed.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.unflushed
    }

    /// Whether the client causes more replies than it reads.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MAX_MESSAGES || self.bytes >= MAX_BYTES
    }

    /// Since when the peer has read nothing.
    pub fn blocked_since(&self) -> Option<Instant> {
        self.blocked
    }

    /// Writes as much as possible.
    pub fn poll_send(&mut self, socket: &mut Socket, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.is_empty() {
            let step = self.poll_step(socket, context);
            self.blocked = match step {
                Poll::Pending => self.blocked.or_else(|| Some(Instant::now())),
                Poll::Ready(_) => None,
            };
            ready!(step)?;
        }
        // After a burst, the capacity is not kept for the life of the socket.
        self.waiting.shrink_to(4);
        Poll::Ready(Ok(()))
    }

    fn poll_step(&mut self, socket: &mut Socket, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(Pin::new(&mut *socket).poll_ready(context))?;
        let Some(message) = self.waiting.pop_front() else {
            ready!(Pin::new(socket).poll_flush(context))?;
            self.unflushed = false;
            return Poll::Ready(Ok(()));
        };
        self.bytes -= message.len();
        self.unflushed = true;
        Poll::Ready(Pin::new(socket).start_send(message))
    }
}
