//! Solapi's webhook. Solapi does not sign requests: the URL contains a secret, and receipts are confirmed by polling.

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq;

use crate::{
    lenient::{self, LenientString},
    provider::ReceiptStatus,
    receipt::{Receipt, ReceiptError, ReceiptRequest, ReceiptVerifier, ReceiptWebhook},
    registration,
};
use domain::{ids::DeliveryId, status::DeliveryFailure};
use platform::{
    config::{Env, Secret},
    keys::check_text,
};

/// The minimum length of a token: shorter ones could be guessed.
const MIN_TOKEN: usize = 20;
/// The maximum number of events of one request that are processed.
const MAX_EVENTS: usize = 200;

/// Solapi posts the status of messages to the URL in its console.
pub const WEBHOOK: ReceiptWebhook =
    ReceiptWebhook { methods: &[Method::POST], read: |env, _| Some(Arc::new(Verifier::read(env)?)) };

/// Verifies requests of the webhook.
struct Verifier {
    tokens: Vec<Secret>,
}

impl Verifier {
    /// None if no token is configured.
    fn read(env: &Env) -> Option<Self> {
        let tokens = registration::secrets(env, "SOLAPI_WEBHOOK_TOKEN");
        for hint in tokens.iter().filter_map(|token| check_text(token, MIN_TOKEN).err()) {
            env.add_error("SOLAPI_WEBHOOK_TOKEN", hint);
        }
        (!tokens.is_empty()).then_some(Self { tokens })
    }
}

impl ReceiptVerifier for Verifier {
    /// The token is in the query: `?token=…`.
    fn verify(&self, request: &ReceiptRequest<'_>) -> Result<Vec<Receipt>, ReceiptError> {
        // Of several tokens, the last one counts.
        let token = form_urlencoded::parse(request.query.unwrap_or_default().as_bytes())
            .filter(|(name, _)| name == "token")
            .last()
            .map(|(_, token)| token.into_owned())
            .unwrap_or_default();
        let same = |secret: &Secret| bool::from(secret.expose().as_bytes().ct_eq(token.as_bytes()));
        if !self.tokens.iter().any(same) {
            return Err(ReceiptError::Forged);
        }
        let events: Vec<Value> = serde_json::from_slice(request.body).map_err(|_| ReceiptError::Malformed)?;
        let events =
            events.into_iter().take(MAX_EVENTS).filter_map(|event| serde_json::from_value::<Event>(event).ok());
        Ok(events.filter_map(Event::receipt).collect())
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    data: Report,
}

/// The report of a message; the report of a group has no message id.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Report {
    message_id: LenientString,
    status_code: LenientString,
    custom_fields: CustomFields,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CustomFields {
    delivery: LenientString,
}

impl Event {
    fn receipt(self) -> Option<Receipt> {
        let (status, code) = message_status(self.data.status_code.as_str())?;
        Some(Receipt {
            provider: "solapi",
            provider_message_id: self.data.message_id.non_empty()?,
            delivery: DeliveryId::parse(self.data.custom_fields.delivery.as_str()),
            status,
            code,
        })
    }
}

/// The status by four-digit code: 2000 is accepted, 3000 sent to the carrier, 4000 delivered; every other 1xxx, 2xxx
/// and 3xxx is a failure.
pub fn message_status(code: &str) -> Option<(ReceiptStatus, Option<String>)> {
    match code {
        "3000" => Some((ReceiptStatus::Sent, None)),
        "4000" => Some((ReceiptStatus::Delivered, None)),
        "2000" => None,
        _ if code.starts_with(['1', '2', '3']) => {
            Some((ReceiptStatus::Undelivered(failure(code)), lenient::code(code)))
        }
        _ => None,
    }
}

/// The delivery failure of a status code: 1xxx and 2xxx are failures of the platform, 3xxx of the carrier.
fn failure(code: &str) -> DeliveryFailure {
    match code {
        "1058" | "1060" | "1061" | "2060" | "2061" => DeliveryFailure::Recipient,
        // Refused by the recipient, blocked as spam, not a KakaoTalk user, or the channel is blocked.
        "3050" | "3054" | "2254" | "3104" | "3107" | "3108" => DeliveryFailure::Blocked,
        // Sender not registered or malformed, or a failure of the carrier.
        "3012" | "3013" | "3024" | "3059" => DeliveryFailure::Provider,
        _ if code.starts_with('3') => DeliveryFailure::Recipient,
        _ => DeliveryFailure::Provider,
    }
}
