//! An operation whose results are sent as they arise in one HTTP response: the common part of SSE and multipart.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_graphql::Executor;
use axum::response::Response;
use futures_util::{FutureExt, Stream, StreamExt, future::BoxFuture, stream::BoxStream};
use tokio::time::{Interval, MissedTickBehavior};

use crate::{
    bearer::BearerToken,
    document::admission::Operation,
    endpoint::EndpointState,
    negotiate::ResponseForm,
    refusal::{Code, Refusal},
    response::ExecutionResult,
    run::{self, RequestIdentity},
    service::{Permit, Service},
};

mod multipart;
mod sse;

/// Next event of a stream.
pub enum StreamEvent {
    Event(ExecutionResult),
    /// No result for a while; keeps the connection open, and detects dead ones.
    Heartbeat,
    /// The operation is complete.
    Complete,
    /// The token that the stream was opened with is no longer valid. The last event.
    Refused(ExecutionResult),
    /// The server is stopping; the client can reconnect. The last event.
    Stopping(ExecutionResult),
}

/// A running operation, with everything that can end it. Dropped when the client disconnects.
pub struct LiveOperation {
    results: BoxStream<'static, async_graphql::Response>,
    heartbeat: Interval,
    refused: Option<BoxFuture<'static, ()>>,
    stopping: BoxFuture<'static, ()>,
    finished: bool,
    _permits: Vec<Permit>,
}

impl LiveOperation {
    /// Starts the operation. `held` is released when it ends.
    pub fn open<E: Executor, S: Service>(
        endpoint: &Arc<EndpointState<E, S>>,
        operation: Operation,
        caller: RequestIdentity<S>,
        token: Option<BearerToken>,
        permits: Vec<Permit>,
    ) -> Self {
        let every = endpoint.settings.timeouts.heartbeat;
        let mut heartbeat = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            refused: endpoint.service.until_invalid(token, &caller.identity),
            results: run::stream(endpoint, operation, caller),
            heartbeat,
            stopping: endpoint.shutdown.requested_owned().boxed(),
            finished: false,
            _permits: permits,
        }
    }

    fn last(&mut self, event: StreamEvent) -> Poll<Option<StreamEvent>> {
        self.finished = true;
        Poll::Ready(Some(event))
    }
}

impl Stream for LiveOperation {
    type Item = StreamEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<StreamEvent>> {
        if self.finished {
            return Poll::Ready(None);
        }
        // Checked first: no event is sent once the token is refused.
        if self.refused.as_mut().is_some_and(|refused| refused.poll_unpin(context).is_ready()) {
            return self
                .last(StreamEvent::Refused(error(Code::Unauthenticated, "The access token is no longer valid.")));
        }
        if self.stopping.poll_unpin(context).is_ready() {
            return self.last(StreamEvent::Stopping(error(Code::Unavailable, "The server is stopping; please retry.")));
        }
        match self.results.poll_next_unpin(context) {
            Poll::Ready(Some(result)) => {
                self.heartbeat.reset();
                return Poll::Ready(Some(StreamEvent::Event(ExecutionResult::new(result))));
            }
            Poll::Ready(None) => return self.last(StreamEvent::Complete),
            Poll::Pending => {}
        }
        self.heartbeat.poll_tick(context).map(|_| Some(StreamEvent::Heartbeat))
    }
}

fn error(code: Code, message: &str) -> ExecutionResult {
    ExecutionResult::new(Refusal::document(code, message).into_result())
}

/// The HTTP response of a live operation.
pub fn response(form: ResponseForm, live: LiveOperation) -> Response {
    match form {
        ResponseForm::Multipart => multipart::response(live),
        ResponseForm::EventStream | ResponseForm::Single(_) => sse::response(live),
    }
}
