//! `/receipts/…`: delivery receipts of providers. Their authenticity is verified before anything else.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{HeaderMap, Method, StatusCode},
    routing::{MethodFilter, MethodRouter},
};

use platform::{clock::Clock, telemetry};
use providers::{Receipt, ReceiptError, ReceiptHandler, ReceiptRequest, Verifiers};

/// Maximum size of a body in bytes. Receipts are a few hundred bytes each.
const MAX_BODY: usize = 64 * 1024;

/// The verifiers of receipts, and the handler of verified ones.
#[derive(Clone)]
pub struct ReceiptState {
    pub verifiers: Arc<Verifiers>,
    pub handler: ReceiptHandler,
    pub clock: Clock,
}

/// The webhooks of all providers that have one. Providers accept any 2xx. 403 means an invalid signature, 404 that
/// receipts of this provider are not configured, 503 that the provider should retry.
pub fn routes(state: ReceiptState) -> Router {
    let with_webhook = providers::ALL.iter().filter_map(|provider| Some((provider.name, provider.receipts.as_ref()?)));
    with_webhook
        .fold(Router::new(), |router, (name, webhook)| {
            router.route(&format!("/receipts/{name}"), method_router(name, webhook.methods))
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(state)
}

fn method_router(provider: &'static str, methods: &[Method]) -> MethodRouter<ReceiptState> {
    let receive = move |State(state): State<ReceiptState>,
                        RawQuery(query): RawQuery,
                        headers: HeaderMap,
                        body: Bytes| async move {
        let request = ReceiptRequest {
            query: query.as_deref(),
            headers: &headers,
            body: &body,
            received_at: state.clock.system_time(),
        };
        state.receive(state.verifiers.verify(provider, &request)).await
    };
    let filters = methods.iter().filter_map(|method| MethodFilter::try_from(method.clone()).ok());
    filters.fold(MethodRouter::new(), |router, filter| router.on(filter, receive))
}

impl ReceiptState {
    async fn receive(&self, verified: Result<Vec<Receipt>, ReceiptError>) -> StatusCode {
        let receipts = match verified {
            Ok(receipts) => receipts,
            Err(ReceiptError::NotExpected) => return StatusCode::NOT_FOUND,
            Err(ReceiptError::Forged) => return StatusCode::FORBIDDEN,
            Err(ReceiptError::Malformed) => return StatusCode::BAD_REQUEST,
        };
        if receipts.is_empty() {
            return StatusCode::OK;
        }
        match (self.handler)(receipts).await {
            Ok(()) => StatusCode::OK,
            Err(fault) => {
                telemetry::report(&fault.context("processing a receipt"));
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}
