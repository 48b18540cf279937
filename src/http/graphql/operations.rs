//! What runs around each operation: request data, load shedding, metrics, traces and logs.

use std::sync::Arc;

use async_graphql::{Request, Response};
use futures_util::{FutureExt, future::BoxFuture};
use graphql_http::{Code, FirstResult, Open, Operation, Operations, Permit, Refusal, Run, error_code};

use super::{
    Api, Client,
    tally::{self, OperationMetrics},
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
            tally::turned_away(&self.labels, operation.kind, &operation.roots);
            return Err(async move { too_busy(&overload).await }.boxed());
        };
        let tally = self.start_tally(operation);
        // Over a socket the operation starts a new trace, because the trace of the handshake has ended.
        let trace = Trace::current().child("operation", Kind::Internal);
        trace.set_attribute("graphql.operation", tally.names());
        let admitted = Admitted { permit, tally, trace, overload };
        Ok(Box::new(move |work| admitted.run(work).boxed()))
    }

    fn subscribe(&self, operation: &mut Operation, _: &Client) -> FirstResult {
        // The operation is counted with its first event.
        let tally = self.start_tally(operation);
        Box::new(move |response| tally.close(response))
    }

    fn span(&self, client: &Client) -> tracing::Span {
        request_span(&client.caller)
    }

    fn refused(&self, code: Code) {
        tally::refused(code);
    }

    fn opened(&self, open: Open) -> Permit {
        match open {
            Open::Socket => Box::new(OpenSocket::new()),
            Open::Stream(transport) => Box::new(OpenStream::new(transport.as_str())),
        }
    }

    fn internal_error(&self, client: &Client) -> Refusal {
        let facts = vec![("requestId", (*client.caller.request_id).into())];
        Refusal { facts, ..Refusal::document(Code::Internal, "Internal server error.") }
    }
}

impl Api {
    /// Starts the measurement of an operation, and gives its resolvers access to the outcomes.
    fn start_tally(&self, operation: &mut Operation) -> OperationMetrics {
        let outcomes = Outcomes::default();
        operation.request.data.insert(outcomes.clone());
        OperationMetrics::begin(&self.labels, operation.kind, &operation.roots, outcomes)
    }
}

/// An operation that runs, unless it waits too long for its turn.
struct Admitted {
    permit: OperationPermit,
    tally: OperationMetrics,
    trace: Trace,
    overload: Arc<Overload>,
}

impl Admitted {
    async fn run(self, work: BoxFuture<'static, Response>) -> Response {
        let Self { permit, tally, trace, overload } = self;
        let Some(response) = permit.run(trace.around(work)).await else {
            trace.set_attribute("error", Code::Unavailable.as_str());
            trace.set_failed();
            trace.end();
            tally.turned_away();
            drop(permit);
            return too_busy(&overload).await.into_result();
        };
        if let Some(error) = response.errors.first() {
            trace.set_attribute("error", Code::known(error_code(error)));
            trace.set_failed();
        }
        trace.end();
        tally.close(&response);
        response
    }
}

/// The refusal, after the pacing delay.
async fn too_busy(overload: &Overload) -> Refusal {
    overload.wait_to_refuse().await;
    Refusal::unavailable("The server is overloaded; please retry.")
}
