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
    document::{
        admission::{Operation, select_operation},
        nulls::SchemaTypes,
        order::{Conditions, Order},
    },
    endpoint::EndpointState,
    refusal::Refusal,
    service::Service,
};

/// The client of an operation and its identity, for the resolvers.
pub struct RequestIdentity<S: Service> {
    pub client: S::Client,
    pub identity: S::Identity,
}

/// Executes a query or mutation with the timeout of the settings. Dropping the future cancels a query. A mutation
/// continues after a disconnect or a timeout: the steps after its commit (such as notifying subscribers) must not be
/// skipped.
pub async fn once<E: Executor, S: Service>(
    endpoint: &Arc<EndpointState<E, S>>,
    mut operation: Operation,
    caller: RequestIdentity<S>,
) -> Response {
    let run = match endpoint.service.admit(&mut operation, &caller.client) {
        Ok(run) => run,
        Err(refusal) => {
            // The memory is released before the refusal, which may be delayed.
            drop((operation, caller));
            return refusal.await.into_result();
        }
    };
    let (deadline, client) = (endpoint.settings.execution_timeout, caller.client.clone());
    let is_mutation = operation.kind == OperationType::Mutation;
    let running = run(execute(Arc::clone(endpoint), operation, caller).boxed());
    let response = if is_mutation {
        let running = tokio::spawn(running.in_current_span());
        let panicked = |_| panicked(&endpoint.service, &client);
        tokio::time::timeout(deadline, running).await.map(|ran| ran.unwrap_or_else(panicked))
    } else {
        tokio::time::timeout(deadline, running).await
    };
    response.unwrap_or_else(|_| Refusal::unavailable("The operation timed out; please retry.").into_result())
}

async fn execute<E: Executor, S: Service>(
    endpoint: Arc<EndpointState<E, S>>,
    mut operation: Operation,
    caller: RequestIdentity<S>,
) -> Response {
    let client = caller.client.clone();
    endpoint.service.attach(&mut operation.request, caller.client, caller.identity);
    let (request, completion) = Completion::of(operation);
    match AssertUnwindSafe(endpoint.executor.execute(request)).catch_unwind().await {
        Ok(mut response) => {
            completion.complete(&mut response, &endpoint.schema_types);
            response
        }
        Err(_) => panicked(&endpoint.service, &client),
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
    fn complete(&self, response: &mut Response, schema_types: &SchemaTypes) {
        let Self { document, name, conditions } = self;
        schema_types.fill_nulls(response, document, name.as_deref());
        if let Ok(operation) = select_operation(document, name.as_deref()) {
            let order = Order { schema_types, document, conditions };
            order.restore(&mut response.data, operation.ty, &operation.selection_set.node);
        }
    }
}

/// Executes any operation as a stream of results: the events of a subscription, or the single result of a query or
/// mutation. Log entries are assigned to the client's request.
pub fn stream<E: Executor, S: Service>(
    endpoint: &Arc<EndpointState<E, S>>,
    operation: Operation,
    caller: RequestIdentity<S>,
) -> BoxStream<'static, Response> {
    let (endpoint, span) = (endpoint.clone(), endpoint.service.span(&caller.client));
    let mut results = match operation.kind {
        OperationType::Subscription => events(endpoint, operation, caller),
        OperationType::Query | OperationType::Mutation => {
            stream::once(async move { once(&endpoint, operation, caller).await }).boxed()
        }
    };
    stream::poll_fn(move |context| span.in_scope(|| results.poll_next_unpin(context))).boxed()
}

fn events<E: Executor, S: Service>(
    endpoint: Arc<EndpointState<E, S>>,
    mut operation: Operation,
    caller: RequestIdentity<S>,
) -> BoxStream<'static, Response> {
    let client = caller.client.clone();
    let mut first = Some(endpoint.service.subscribe(&mut operation, &client));
    endpoint.service.attach(&mut operation.request, caller.client, caller.identity);
    let (request, completion) = Completion::of(operation);
    let events = AssertUnwindSafe(endpoint.executor.execute_stream(request, None)).catch_unwind();
    let completed = move |event: std::thread::Result<Response>| {
        let mut response = event.unwrap_or_else(|_| panicked(&endpoint.service, &client));
        completion.complete(&mut response, &endpoint.schema_types);
        if let Some(observe) = first.take() {
            observe(&response);
        }
        response
    };
    events.map(completed).boxed()
}

/// A resolver panicked. The panic hook logs the details; the client gets an internal error.
fn panicked<S: Service>(service: &S, client: &S::Client) -> Response {
    tracing::error!("a resolver panicked");
    service.internal_error(client).into_result()
}
