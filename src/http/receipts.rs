//! `/receipts/…`: what providers tell of messages. Who tells it is judged before anything else.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, RawQuery, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    routing::{get, post},
};

use crate::{
    clock::Clock,
    delivery::receipts::{NoReceipt, Receipt, Sink, Verifiers, twilio::Callback, vonage, webhook},
    telemetry,
};

/// Receipts are a few hundred bytes each.
const LONGEST_BODY: usize = 64 * 1024;

/// What receipts are judged by, and who takes them on.
#[derive(Clone)]
pub struct Door {
    pub verifiers: Arc<Verifiers>,
    pub sink: Sink,
    pub clock: Clock,
}

/// The routes. Providers take any 2xx; 403 says that a signature is not good, 404 that this provider's receipts are not
/// expected here, 503 that they should come again.
pub fn routes(door: Door) -> Router {
    Router::new()
        .route("/receipts/twilio", post(twilio))
        .route("/receipts/solapi", post(solapi))
        .route("/receipts/vonage", get(vonage).post(vonage))
        .route("/receipts/webhook", post(webhook))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(door)
}

async fn twilio(State(door): State<Door>, RawQuery(query): RawQuery, headers: HeaderMap, body: Bytes) -> StatusCode {
    let callback = Callback {
        query: query.as_deref(),
        content_type: header(&headers, CONTENT_TYPE.as_str()),
        body: &body,
        signature: header(&headers, "x-twilio-signature"),
        settings: headers.get("x-twilio-webhooks-signature-settings").and_then(|value| value.to_str().ok()),
    };
    let judged = door.verifiers.twilio.as_ref().ok_or(NoReceipt::NotExpected);
    door.take(judged.and_then(|verifier| verifier.receipt(callback))).await
}

async fn solapi(State(door): State<Door>, RawQuery(query): RawQuery, body: Bytes) -> StatusCode {
    let fields = vonage::form_fields(query.unwrap_or_default().as_bytes());
    let token = fields.get("token").map(String::as_str).unwrap_or_default();
    let judged = door.verifiers.solapi.as_ref().ok_or(NoReceipt::NotExpected);
    door.take(judged.and_then(|verifier| verifier.receipts(token, &body))).await
}

/// By query, by form or as JSON: the account's setting decides.
async fn vonage(State(door): State<Door>, RawQuery(query): RawQuery, headers: HeaderMap, body: Bytes) -> StatusCode {
    let judged = door.verifiers.vonage.as_ref().ok_or(NoReceipt::NotExpected).and_then(|signature| {
        let fields = if body.is_empty() {
            vonage::form_fields(query.unwrap_or_default().as_bytes())
        } else if header(&headers, CONTENT_TYPE.as_str()).starts_with("application/json") {
            vonage::json_fields(&body)?
        } else {
            vonage::form_fields(&body)
        };
        signature.receipt(&fields, door.clock.wall())
    });
    door.take(judged).await
}

async fn webhook(State(door): State<Door>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signed = webhook::Headers {
        id: header(&headers, "webhook-id"),
        timestamp: header(&headers, "webhook-timestamp"),
        signature: header(&headers, "webhook-signature"),
    };
    let judged = door.verifiers.webhook.as_ref().ok_or(NoReceipt::NotExpected);
    door.take(judged.and_then(|verifier| verifier.receipt(signed, &body, door.clock.wall()))).await
}

impl Door {
    async fn take(&self, judged: Result<impl IntoIterator<Item = Receipt>, NoReceipt>) -> StatusCode {
        let receipts: Vec<_> = match judged {
            Ok(receipts) => receipts.into_iter().collect(),
            Err(NoReceipt::NotExpected) => return StatusCode::NOT_FOUND,
            Err(NoReceipt::Forged) => return StatusCode::FORBIDDEN,
            Err(NoReceipt::Malformed) => return StatusCode::BAD_REQUEST,
        };
        if receipts.is_empty() {
            return StatusCode::OK;
        }
        match (self.sink)(receipts).await {
            Ok(()) => StatusCode::OK,
            Err(fault) => {
                telemetry::report(&fault.doing("taking a receipt"));
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
