//! `/receipts/…`: delivery receipts of providers. Their authenticity is verified before anything else.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    routing::{get, post},
};

use platform::{clock::Clock, telemetry};
use providers::{Receipt, ReceiptError, ReceiptHandler, Verifiers, twilio::Callback, vonage, webhook};

/// Maximum size of a body in bytes. Receipts are a few hundred bytes each.
const MAX_BODY: usize = 64 * 1024;

/// The verifiers of receipts, and the sink of verified ones.
#[derive(Clone)]
pub struct ReceiptState {
    pub verifiers: Arc<Verifiers>,
    pub sink: ReceiptHandler,
    pub clock: Clock,
}

/// The routes. Providers accept any 2xx. 403 means an invalid signature, 404 that receipts of this provider are not
/// configured, 503 that the provider should retry.
pub fn routes(door: ReceiptState) -> Router {
    Router::new()
        .route("/receipts/twilio", post(twilio))
        .route("/receipts/solapi", post(solapi))
        .route("/receipts/vonage", get(vonage).post(vonage))
        .route("/receipts/webhook", post(webhook))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(door)
}

async fn twilio(
    State(door): State<ReceiptState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let callback = Callback {
        query: query.as_deref(),
        content_type: header(&headers, CONTENT_TYPE.as_str()),
        body: &body,
        signature: header(&headers, "x-twilio-signature"),
        settings: headers.get("x-twilio-webhooks-signature-settings").and_then(|value| value.to_str().ok()),
    };
    let verified = door.verifiers.twilio.as_ref().ok_or(ReceiptError::NotExpected);
    door.take(verified.and_then(|verifier| verifier.receipt(callback))).await
}

async fn solapi(State(door): State<ReceiptState>, RawQuery(query): RawQuery, body: Bytes) -> StatusCode {
    let fields = vonage::form_fields(query.unwrap_or_default().as_bytes());
    let token = fields.get("token").map(String::as_str).unwrap_or_default();
    let verified = door.verifiers.solapi.as_ref().ok_or(ReceiptError::NotExpected);
    door.take(verified.and_then(|verifier| verifier.receipts(token, &body))).await
}

/// In the query, as a form or as JSON, depending on the account's setting.
async fn vonage(
    State(door): State<ReceiptState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let verified = door.verifiers.vonage.as_ref().ok_or(ReceiptError::NotExpected).and_then(|signature| {
        let fields = if body.is_empty() {
            vonage::form_fields(query.unwrap_or_default().as_bytes())
        } else if header(&headers, CONTENT_TYPE.as_str()).starts_with("application/json") {
            vonage::json_fields(&body)?
        } else {
            vonage::form_fields(&body)
        };
        signature.receipt(&fields, door.clock.system_time())
    });
    door.take(verified).await
}

async fn webhook(State(door): State<ReceiptState>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signed = webhook::Headers {
        id: header(&headers, "webhook-id"),
        timestamp: header(&headers, "webhook-timestamp"),
        signature: header(&headers, "webhook-signature"),
    };
    let verified = door.verifiers.webhook.as_ref().ok_or(ReceiptError::NotExpected);
    door.take(verified.and_then(|verifier| verifier.receipt(signed, &body, door.clock.system_time()))).await
}

impl ReceiptState {
    async fn take(&self, verified: Result<impl IntoIterator<Item = Receipt>, ReceiptError>) -> StatusCode {
        let receipts: Vec<_> = match verified {
            Ok(receipts) => receipts.into_iter().collect(),
            Err(ReceiptError::NotExpected) => return StatusCode::NOT_FOUND,
            Err(ReceiptError::Forged) => return StatusCode::FORBIDDEN,
            Err(ReceiptError::Malformed) => return StatusCode::BAD_REQUEST,
        };
        if receipts.is_empty() {
            return StatusCode::OK;
        }
        match (self.sink)(receipts).await {
            Ok(()) => StatusCode::OK,
            Err(fault) => {
                telemetry::report(&fault.context("taking a receipt"));
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
