//! Runs an admitted operation: within its deadline, never taking the process down with it.

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
    telemetry::{
        logs::request_span,
        traces::{Kind, Trace},
    },
};
use domain::caller::Caller;

/// Who asks, as resolvers are told.
#[derive(Clone)]
pub struct Asker {
    pub caller: Caller,
    pub auth: Auth,
    pub cookies: Cookies,
}

impl Asker {
    fn hand_over(self, operation: &mut Operation) {
        let data = &mut operation.request.data;
        data.insert(self.caller);
        data.insert(self.auth);
        data.insert(self.cookies);
    }
}

/// Runs a query or mutation to its end, for as long as `EXECUTION_TIMEOUT`. Dropping the future gives a query up. A
/// mutation goes on by itself, whoever leaves or tires of waiting: what follows its commit (telling who watches, ending
/// what was revoked) is as much a part of it as the commit.
pub async fn once<E: Executor>(wire: &Arc<Wire<E>>, operation: Operation, asker: Asker) -> Response {
    let Some(running) = wire.overload.enter(asker.caller.address.network()) else {
        return turned_away(wire, operation, asker).await;
    };
    let (deadline, request_id) = (wire.settings.execution_timeout, asker.caller.request_id.clone());
    let is_mutation = operation.kind == OperationType::Mutation;
    let running = to_its_end(Arc::clone(wire), operation, asker, running);
    let answered = if is_mutation {
        let running = tokio::spawn(Trace::current().around(running.in_current_span()));
        tokio::time::timeout(deadline, running).await.map(|ran| ran.unwrap_or_else(|_| broken(&request_id)))
    } else {
        tokio::time::timeout(deadline, running).await
    };
    answered.unwrap_or_else(|_| Refusal::unavailable("This took too long and was given up; try again.").into_result())
}

/// Costs as little as can be: it is counted, and nothing of it is kept until it is told.
async fn turned_away<E>(wire: &Wire<E>, operation: Operation, asker: Asker) -> Response {
    tally::turned_away(&wire.labels, operation.kind, &operation.roots);
    drop((operation, asker));
    too_busy(wire).await
}

/// The refusal, when it is its turn.
async fn too_busy<E>(wire: &Wire<E>) -> Response {
    wire.overload.until_told().await;
    Refusal::unavailable("Too busy just now; try again in a moment.").into_result()
}

async fn to_its_end<E: Executor>(
    wire: Arc<Wire<E>>,
    mut operation: Operation,
    asker: Asker,
    running: Running,
) -> Response {
    let tally = counted(&wire, &mut operation);
    // Over a socket it begins a trace: the handshake's is long over.
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

/// Begins to count an operation, and has its resolvers say how they refuse.
fn counted<E>(wire: &Wire<E>, operation: &mut Operation) -> Tally {
    let outcomes = Outcomes::default();
    operation.request.data.insert(outcomes.clone());
    Tally::begin(&wire.labels, operation.kind, &operation.roots, outcomes)
}

async fn run<E: Executor>(wire: &Wire<E>, mut operation: Operation, asker: Asker) -> Response {
    let request_id = asker.caller.request_id.clone();
    asker.hand_over(&mut operation);
    let (request, form) = Form::of(operation);
    match AssertUnwindSafe(wire.executor.execute(request)).catch_unwind().await {
        Ok(mut response) => {
            form.give(&mut response, &wire.shapes);
            response
        }
        Err(_) => broken(&request_id),
    }
}

/// The form that the response to an operation has.
struct Form {
    document: Arc<ExecutableDocument>,
    name: Option<String>,
    conditions: Conditions,
}

impl Form {
    /// Takes it from an operation before it is run.
    fn of(operation: Operation) -> (Request, Self) {
        let Operation { request, document, conditions, .. } = operation;
        let name = request.operation_name.clone();
        (request, Self { document, name, conditions })
    }

    /// Puts nulls where fields have failed, and the keys in order.
    fn give(&self, response: &mut Response, shapes: &Shapes) {
        let Self { document, name, conditions } = self;
        shapes.mend(response, document, name.as_deref());
        if let Ok(operation) = choose(document, name.as_deref()) {
            let order = Order { shapes, document, conditions };
            order.restore(&mut response.data, operation.ty, &operation.selection_set.node);
        }
    }
}

/// Runs any operation as a stream of results: a subscription's events, or the one result of anything else. Whatever is
/// logged on the way belongs to the asker's request.
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
    // A stream is answered with its first event.
    let mut tally = Some(counted(&wire, &mut operation));
    asker.hand_over(&mut operation);
    let (request, form) = Form::of(operation);
    let events = AssertUnwindSafe(wire.executor.execute_stream(request, None)).catch_unwind();
    let mended = move |event: std::thread::Result<Response>| {
        let mut response = event.unwrap_or_else(|_| broken(&request_id));
        form.give(&mut response, &wire.shapes);
        if let Some(tally) = tally.take() {
            tally.close(&response);
        }
        response
    };
    events.map(mended).boxed()
}

/// A resolver panicked. The panic hook has written what and where; the client learns that it was our fault.
fn broken(request_id: &str) -> Response {
    tracing::error!("a resolver panicked");
    let refusal = Refusal::document(Code::Internal, "Something went wrong here.");
    Refusal { facts: vec![("requestId", request_id.into())], ..refusal }.into_result()
}
