//! Receipts of a custom gateway, signed like the requests to it (Standard Webhooks).

use serde::Deserialize;

use crate::receipt::{Receipt, ReceiptError};
use crate::{
    lenient::{self, LenientString},
    provider::ReceiptStatus,
    registration,
    standard_webhooks::{self, Key},
};
use domain::{Timestamp, ids::DeliveryId, status::DeliveryFailure};
use platform::{
    config::{Env, Secret},
    keys::strong,
};

/// Verifies receipts.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Vec<Key>,
}

/// The three headers of Standard Webhooks.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    pub id: &'a str,
    pub timestamp: &'a str,
    pub signature: &'a str,
}

/// The keys in `DELIVERY_WEBHOOK_SECRET`; the first one signs requests.
pub fn keys(env: &Env) -> Vec<Key> {
    let parse = |secret: &Secret| {
        let bare = secret.expose().trim_start_matches("whsec_");
        Key::parse(secret).and_then(|key| strong(bare.as_bytes()).map(|()| key))
    };
    let parse = |secret| parse(secret).map_err(|hint| env.add_error("DELIVERY_WEBHOOK_SECRET", hint)).ok();
    registration::secrets(env, "DELIVERY_WEBHOOK_SECRET").iter().filter_map(parse).collect()
}

impl Verifier {
    /// None if no key is configured.
    pub fn read(env: &Env) -> Option<Self> {
        let keys = keys(env);
        (!keys.is_empty()).then_some(Self { keys })
    }

    pub fn new(keys: Vec<Key>) -> Self {
        Self { keys }
    }

    /// The receipt in a request. None if its status is not relevant.
    ///
    /// # Errors
    /// Why it is not a valid receipt.
    pub fn receipt(&self, headers: Headers<'_>, body: &[u8], now: Timestamp) -> Result<Option<Receipt>, ReceiptError> {
        let Headers { id, timestamp, signature } = headers;
        if !standard_webhooks::is_genuine(&self.keys, id, timestamp, signature, body, now) {
            return Err(ReceiptError::Forged);
        }
        let receipt_body: Body = serde_json::from_slice(body).map_err(|_| ReceiptError::Malformed)?;
        let status = match receipt_body.status.as_str() {
            "sent" => ReceiptStatus::Sent,
            "delivered" => ReceiptStatus::Delivered,
            "undelivered" => ReceiptStatus::Undelivered(receipt_body.failure()),
            _ => return Ok(None),
        };
        let delivery = DeliveryId::parse(receipt_body.id.as_str());
        if delivery.is_none() && receipt_body.provider_message_id.some().is_none() {
            return Err(ReceiptError::Malformed);
        }
        Ok(Some(Receipt {
            provider: "webhook",
            provider_message_id: receipt_body.provider_message_id.as_str().to_owned(),
            delivery,
            status,
            code: receipt_body.error.some().and_then(lenient::code),
        }))
    }
}

/// `id` is the id that the message was sent with, for gateways without their own ids.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    id: LenientString,
    #[serde(default)]
    provider_message_id: LenientString,
    status: LenientString,
    #[serde(default)]
    error: LenientString,
    #[serde(default)]
    failure: LenientString,
}

impl Body {
    /// Why it was not delivered. Without a known value, the recipient could not be reached.
    fn failure(&self) -> DeliveryFailure {
        match self.failure.as_str() {
            "blocked" => DeliveryFailure::Blocked,
            "content" => DeliveryFailure::Content,
            "provider" => DeliveryFailure::Provider,
            "expired" => DeliveryFailure::Expired,
            _ => DeliveryFailure::Recipient,
        }
    }
}
