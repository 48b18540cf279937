//! The operations that run on one socket, in the socket's own task: a task for each would cost memory for every idle
//! subscription.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use async_graphql::Response;
use futures_util::{Stream, stream::BoxStream};

use crate::telemetry::metrics::OpenStream;

/// One of them.
pub struct Running {
    pub id: Box<str>,
    pub subscription: bool,
    pub results: BoxStream<'static, Response>,
    pub _counted: Option<OpenStream>,
}

/// A result of one, or that it is over.
pub struct Result {
    pub id: Box<str>,
    /// None: it is over, and no longer among the running.
    pub response: Option<Response>,
}

/// At most some dozen, so a list is searched.
#[derive(Default)]
pub struct Operations {
    running: Vec<Running>,
    /// Who is asked first next time, so that a busy operation does not silence the others.
    turn: usize,
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

    /// Gives an operation up; without effect where none of that id runs.
    pub fn stop(&mut self, id: &str) {
        self.running.retain(|running| &*running.id != id);
    }

    /// Gives up all that do not end by themselves.
    pub fn stop_subscriptions(&mut self) {
        self.running.retain(|running| !running.subscription);
    }

    /// The next result of any of them; pending while there is none, also where nothing runs.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result> {
        let count = self.running.len();
        for step in 0..count {
            let at = (self.turn + step) % count;
            let running = &mut self.running[at];
            let Poll::Ready(response) = Pin::new(&mut running.results).poll_next(context) else { continue };
            self.turn = at + 1;
            let id = running.id.clone();
            if response.is_none() {
                self.running.swap_remove(at);
            }
            return Poll::Ready(Result { id, response });
        }
        Poll::Pending
    }
}
