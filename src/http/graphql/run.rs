//! Executes an admitted operation with a timeout, and catches panics.

use std::{panic::AssertUnwindSafe, sync::Arc};

use async_graphql::{
    Executor, Request, Response,
    parser::types::{ExecutableDocument, OperationType},
};
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};

use tracing::Instrument;

use crate::{
    graphql::{cookies::Cookies, outcomes::Outcomes},
    http::{
        graphql::{
            admission::{Operation, choose},
            nulls::Shapes,
            order::{Conditions, Order},
            refusal::{Code, Refusal},
            response,
            tally::{self, Tally},
        },
        overload::Running,
        wire::Wire,
    },
    session::gate::Auth,
};
use domain::caller::Caller;
use platform::telemetry::{
    logs::request_span,
    traces::{Kind, Trace},
};

/// The identity of a request, for the resolvers.
#[derive(Clone)]
pub struct Asker {
    pub caller: Caller,
    pub auth: Auth,
    pub cookies: Cookies,
}

impl Asker {
    fn attach_to(self, operation: &mut Operation) {
        let data = &mut operation.request.data;
        data.insert(self.caller);
        data.insert(self.auth);
        data.insert(self.cookies);
    }
}

/// Executes a query or mutation with the timeout `EXECUTION_TIMEOUT`. Dropping the future cancels a query. A mutation
/// continues after a disconnect or a timeout: the steps after its commit (notifying subscribers, ending revoked
/// sessions) must not be skipped.
pub async fn once<E: Executor>(wire: &Arc<Wire<E>>, operation: Operation, asker: Asker) -> Response {
    let Some(running) = wire.overload.enter(asker.caller.address.network()) else {
        return shed(wire, operation, asker).await;
    };
    let (deadline, request_id) = (wire.settings.execution_timeout, asker.caller.request_id.clone());
    let is_mutation = operation.kind == OperationType::Mutation;
    let running = run_to_completion(Arc::clone(wire), operation, asker, running);
    let response = if is_mutation {
        let running = tokio::spawn(Trace::current().around(running.in_current_span()));
        tokio::time::timeout(deadline, running).await.map(|ran| ran.unwrap_or_else(|_| panicked(&request_id)))
    } else {
        tokio::time::timeout(deadline, running).await
    };
    response.unwrap_or_else(|_| Refusal::unavailable("The operation timed out; please retry.").into_result())
}

/// Refuses an operation at minimal cost: it is counted, and its memory is released before the response is delayed.
async fn shed<E>(wire: &Wire<E>, operation: Operation, asker: Asker) -> Response {
    tally::turned_away(&wire.labels, operation.kind, &operation.roots);
    drop((operation, asker));
    too_busy(wire).await
}

/// The refusal, after the pacing delay.
async fn too_busy<E>(wire: &Wire<E>) -> Response {
    wire.overload.until_told().await;
    Refusal::unavailable("The server is overloaded; please retry.").into_result()
}

async fn run_to_completion<E: Executor>(
    wire: Arc<Wire<E>>,
    mut operation: Operation,
    asker: Asker,
    running: Running,
) -> Response {
    let tally = start_tally(&wire, &mut operation);
    // Over a socket the operation starts a new trace, because the trace of the handshake has ended.
    let trace = Trace::current().step("operation", Kind::Internal);
    trace.note("graphql.operation", tally.names());
    let Some(response) = running.bear(trace.around(run(&wire, operation, asker))).await else {
        trace.note("error", Code::Unavailable.as_str());
        trace.failed();
        trace.end();
        tally.turned_away();
        drop(running);
        return too_busy(&wire).await;
    };
    if let Some(error) = response.errors.first() {
        trace.note("error", Code::known(response::code(error)));
        trace.failed();
    }
    trace.end();
    tally.close(&response);
    response
}

/// Starts the measurement of an operation, and gives its resolvers access to the outcomes.
fn start_tally<E>(wire: &Wire<E>, operation: &mut Operation) -> Tally {
    let outcomes = Outcomes::default();
    operation.request.data.insert(outcomes.clone());
    Tally::begin(&wire.labels, operation.kind, &operation.roots, outcomes)
}

async fn run<E: Executor>(wire: &Wire<E>, mut operation: Operation, asker: Asker) -> Response {
    let request_id = asker.caller.request_id.clone();
    asker.attach_to(&mut operation);
    let (request, completion) = Completion::of(operation);
    match AssertUnwindSafe(wire.executor.execute(request)).catch_unwind().await {
        Ok(mut response) => {
            completion.complete(&mut response, &wire.shapes);
            response
        }
        Err(_) => panicked(&request_id),
    }
}

/// What is needed to complete the response to an operation.
struct Completion {
    document: Arc<ExecutableDocument>,
    name: Option<String>,
    conditions: Conditions,
}

impl Completion {
    /// Takes the parts of an operation that are needed after its execution.
    fn of(operation: Operation) -> (Request, Self) {
        let Operation { request, document, conditions, .. } = operation;
        let name = request.operation_name.clone();
        (request, Self { document, name, conditions })
    }

    /// Fills in nulls for failed fields, and restores the order of keys.
    fn complete(&self, response: &mut Response, shapes: &Shapes) {
        let Self { document, name, conditions } = self;
        shapes.mend(response, document, name.as_deref());
        if let Ok(operation) = choose(document, name.as_deref()) {
            let order = Order { shapes, document, conditions };
            order.restore(&mut response.data, operation.ty, &operation.selection_set.node);
        }
    }
}

/// Executes any operation as a stream of results: the events of a subscription, or the single result of a query or
/// mutation. Log entries are assigned to the client's request.
pub fn stream<E: Executor>(wire: &Arc<Wire<E>>, operation: Operation, asker: Asker) -> BoxStream<'static, Response> {
    let (wire, span) = (wire.clone(), request_span(&asker.caller));
    let mut results = match operation.kind {
        OperationType::Subscription => events(wire, operation, asker),
        OperationType::Query | OperationType::Mutation => {
            stream::once(async move { once(&wire, operation, asker).await }).boxed()
        }
    };
    stream::poll_fn(move |context| span.in_scope(|| results.poll_next_unpin(context))).boxed()
}

fn events<E: Executor>(wire: Arc<Wire<E>>, mut operation: Operation, asker: Asker) -> BoxStream<'static, Response> {
    let request_id = asker.caller.request_id.clone();
    // The operation is counted with its first event.
    let mut tally = Some(start_tally(&wire, &mut operation));
    asker.attach_to(&mut operation);
    let (request, completion) = Completion::of(operation);
    let events = AssertUnwindSafe(wire.executor.execute_stream(request, None)).catch_unwind();
    let completed = move |event: std::thread::Result<Response>| {
        let mut response = event.unwrap_or_else(|_| panicked(&request_id));
        completion.complete(&mut response, &wire.shapes);
        if let Some(tally) = tally.take() {
            tally.close(&response);
        }
        response
    };
    events.map(completed).boxed()
}

/// A resolver panicked. The panic hook logs the details; the client gets an internal error with the request id.
fn panicked(request_id: &str) -> Response {
    tracing::error!("a resolver panicked");
    let refusal = Refusal::document(Code::Internal, "Internal server error.");
    Refusal { facts: vec![("requestId", request_id.into())], ..refusal }.into_result()
}
