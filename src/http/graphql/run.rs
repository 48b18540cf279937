//! Runs an admitted operation: within its deadline, never taking the process down with it.

use std::{panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{Executor, Response, parser::types::OperationType};
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};

use crate::{
    caller::Caller,
    graphql::cookies::Cookies,
    http::{
        graphql::{
            admission::Operation,
            refusal::{Code, Refusal},
        },
        wire::Wire,
    },
    session::gate::Auth,
};

/// Hands resolvers what they may ask for.
pub fn equip(operation: &mut Operation, caller: Caller, auth: Auth, cookies: Cookies) {
    let data = &mut operation.request.data;
    data.insert(caller);
    data.insert(auth);
    data.insert(cookies);
}

/// Runs a query or mutation to its end. Dropping the future gives the operation up.
pub async fn once<E: Executor>(wire: &Wire<E>, operation: Operation) -> Response {
    let Ok(_running) = wire.in_flight.try_acquire() else {
        return Refusal::unavailable("Too busy just now; try again in a moment.").into_result();
    };
    let deadline = wire.settings.execution_timeout;
    let Operation { request, text, .. } = operation;
    let name = request.operation_name.clone();
    let running = AssertUnwindSafe(wire.executor.execute(request)).catch_unwind();
    match tokio::time::timeout(deadline, running).await {
        Ok(Ok(mut response)) => {
            wire.shapes.mend(&mut response, &text, name.as_deref());
            response
        }
        Ok(Err(_)) => broken(),
        Err(_) => Refusal::unavailable("This took too long and was given up; try again.").into_result(),
    }
}

/// Runs any operation as a stream of results: a subscription's events, or the one result of anything else.
pub fn stream<E: Executor>(wire: &Arc<Wire<E>>, operation: Operation) -> BoxStream<'static, Response> {
    match operation.kind {
        OperationType::Subscription => {
            let Operation { request, text, .. } = operation;
            let (wire, name) = (wire.clone(), request.operation_name.clone());
            let events = AssertUnwindSafe(wire.executor.execute_stream(request, None)).catch_unwind();
            let mended = move |event: std::thread::Result<Response>| {
                let mut response = event.unwrap_or_else(|_| broken());
                wire.shapes.mend(&mut response, &text, name.as_deref());
                response
            };
            events.map(mended).boxed()
        }
        OperationType::Query | OperationType::Mutation => {
            let wire = wire.clone();
            stream::once(async move { once(&wire, operation).await }).boxed()
        }
    }
}

/// A resolver panicked. The panic hook has written what and where; the client learns that it was our fault.
fn broken() -> Response {
    tracing::error!("a resolver panicked");
    Refusal::document(Code::Internal, "Something went wrong here.").into_result()
}
