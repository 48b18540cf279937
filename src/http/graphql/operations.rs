//! What runs around each operation: request data, load shedding, metrics, traces and logs.

use std::sync::Arc;

use async_graphql::{Request, Response};
use futures_util::{FutureExt, future::BoxFuture};
use graphql_http::{Code, FirstResult, OpenConnection, Operation, Operations, Permit, Refusal, Run, error_code};

use super::{
    Api, Client,
    operation_metrics::{self, OperationMetrics},
};
use crate::{
    graphql::outcomes::Outcomes,
    http::load_shedding::{OperationPermit, Overload},
    session::access_token_verifier::Auth,
};
use platform::telemetry::{
    logs::request_span,
    metrics::{OpenSocket, OpenStream},
    traces::{Kind, Trace},
};

impl Operations for Api {
    fn next_operation(&self, client: &Client) -> Client {
        Client { caller: self.clients.with_new_request_id(&client.caller), ..client.clone() }
    }

    fn attach(&self, request: &mut Request, client: Client, identity: Auth) {
        request.data.insert(client.caller);
        request.data.insert(client.cookies);
        request.data.insert(identity);
    }

    fn admit(&self, operation: &mut Operation, client: &Client) -> Result<Run, BoxFuture<'static, Refusal>> {
        let overload = Arc::clone(&self.overload);
        let Some(permit) = overload.admit(client.caller.address.network()) else {
            operation_metrics::shed(&self.labels, operation.kind, &operation.roots);
            return Err(async move { too_busy(&overload).await }.boxed());
        };
        let metrics = self.start_metrics(operation);
        // Over a socket the operation starts a new trace, because the trace of the handshake has ended.
        let trace = Trace::current().child("operation", Kind::Internal);
        trace.set_attribute("graphql.operation", metrics.names());
        let admitted = AdmittedOperation { permit, metrics, trace, overload };
        Ok(Box::new(move |work| admitted.run(work).boxed()))
    }

    fn subscribe(&self, operation: &mut Operation, _: &Client) -> FirstResult {
        // The operation is counted with its first event.
        let metrics = self.start_metrics(operation);
        Box::new(move |response| metrics.close(response))
    }

    fn span(&self, client: &Client) -> tracing::Span {
        request_span(&client.caller)
    }

    fn refused(&self, code: Code) {
        operation_metrics::refused(code);
    }

    fn opened(&self, open: OpenConnection) -> Permit {
        match open {
            OpenConnection::Socket => Box::new(OpenSocket::new()),
            OpenConnection::Stream(transport) => Box::new(OpenStream::new(transport.as_str())),
        }
    }

    fn internal_error(&self, client: &Client) -> Refusal {
        let facts = vec![("requestId", (*client.caller.request_id).into())];
        Refusal { extensions: facts, ..Refusal::document(Code::Internal, "Internal server error.") }
    }
}

impl Api {
    /// Starts the measurement of an operation, and gives its resolvers access to the outcomes.
    fn start_metrics(&self, operation: &mut Operation) -> OperationMetrics {
        let outcomes = Outcomes::default();
        operation.request.data.insert(outcomes.clone());
        OperationMetrics::begin(&self.labels, operation.kind, &operation.roots, outcomes)
    }
}

/// An admitted operation, which is still refused if it waits too long.
struct AdmittedOperation {
    permit: OperationPermit,
    metrics: OperationMetrics,
    trace: Trace,
    overload: Arc<Overload>,
}

impl AdmittedOperation {
    async fn run(self, work: BoxFuture<'static, Response>) -> Response {
        let Self { permit, metrics, trace, overload } = self;
        let Some(response) = permit.run(trace.in_context(work)).await else {
            trace.set_attribute("error", Code::Unavailable.as_str());
            trace.set_failed();
            trace.end();
            metrics.shed();
            drop(permit);
            return too_busy(&overload).await.into_result();
        };
        if let Some(error) = response.errors.first() {
            trace.set_attribute("error", Code::known(error_code(error)));
            trace.set_failed();
        }
        trace.end();
        metrics.close(&response);
        response
    }
}

/// The refusal, after the pacing delay.
async fn too_busy(overload: &Overload) -> Refusal {
    overload.wait_to_refuse().await;
    Refusal::unavailable("The server is overloaded; please retry.")
}
