//! The running operations of one socket. They are polled in the socket's task, because a task for each would cost
//! memory for every idle subscription.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use async_graphql::Response;
use futures_util::{Stream, stream::BoxStream};

use crate::service::Permit;

/// A running operation.
pub struct Running {
    pub id: Box<str>,
    pub subscription: bool,
    pub results: BoxStream<'static, Response>,
    pub _open: Option<Permit>,
}

/// A result of an operation, or its end.
pub struct Result {
    pub id: Box<str>,
    /// None if the operation is complete; it is then removed.
    pub response: Option<Response>,
}

/// The operations of a socket. There are at most a few dozen, so a list is searched.
#[derive(Default)]
pub struct Operations {
    running: Vec<Running>,
    /// Index of the operation that is polled first next time, so that a busy operation does not starve the others.
    next_index: usize,
}

impl Operations {
    pub fn len(&self) -> usize {
        self.running.len()
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    pub fn has(&self, id: &str) -> bool {
        self.running.iter().any(|running| &*running.id == id)
    }

    pub fn start(&mut self, running: Running) {
        self.running.push(running);
    }

    /// Drops an operation. Does nothing if there is none with this id.
    pub fn stop(&mut self, id: &str) {
        self.running.retain(|running| &*running.id != id);
    }

    /// Drops all subscriptions, which do not end by themselves.
    pub fn stop_subscriptions(&mut self) {
        self.running.retain(|running| !running.subscription);
    }

    /// The next result of any operation; pending if there is none, or if nothing runs.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result> {
        let count = self.running.len();
        for step in 0..count {
            let at = (self.next_index + step) % count;
            let running = &mut self.running[at];
            let Poll::Ready(response) = Pin::new(&mut running.results).poll_next(context) else { continue };
            self.next_index = at + 1;
            let id = running.id.clone();
            if response.is_none() {
                self.running.swap_remove(at);
            }
            return Poll::Ready(Result { id, response });
        }
        Poll::Pending
    }
}
