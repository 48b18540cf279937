//! Receipts of a gateway that we don't know, signed like what we send to it (Standard Webhooks).

use serde::Deserialize;

use super::{NoReceipt, Receipt};
use crate::{
    clock::Instant,
    config::{Env, Secret},
    delivery::{
        loose::{self, Loose},
        provider::ReceiptStatus,
        registry,
        standard_webhooks::{self, Key},
    },
    ids::DeliveryId,
    keys::strong,
    status::DeliveryFailure,
};

/// What receipts are judged by.
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

/// The keys in `DELIVERY_WEBHOOK_SECRET`, the one to sign with first.
pub fn keys(env: &Env) -> Vec<Key> {
    let parse = |secret: &Secret| {
        let bare = secret.expose().trim_start_matches("whsec_");
        Key::parse(secret).and_then(|key| strong(bare.as_bytes()).map(|()| key))
    };
    let parse = |secret| parse(secret).map_err(|mend| env.refuse("DELIVERY_WEBHOOK_SECRET", mend)).ok();
    registry::secrets(env, "DELIVERY_WEBHOOK_SECRET").iter().filter_map(parse).collect()
}

impl Verifier {
    /// None without a key.
    pub fn read(env: &Env) -> Option<Self> {
        let keys = keys(env);
        (!keys.is_empty()).then_some(Self { keys })
    }

    pub fn new(keys: Vec<Key>) -> Self {
        Self { keys }
    }

    /// The receipt in a request. None: a status that says nothing new.
    ///
    /// # Errors
    /// Why it is no receipt.
    pub fn receipt(&self, headers: Headers<'_>, body: &[u8], now: Instant) -> Result<Option<Receipt>, NoReceipt> {
        let Headers { id, timestamp, signature } = headers;
        if !standard_webhooks::is_genuine(&self.keys, id, timestamp, signature, body, now) {
            return Err(NoReceipt::Forged);
        }
        let told: Told = serde_json::from_slice(body).map_err(|_| NoReceipt::Malformed)?;
        let status = match told.status.as_str() {
            "sent" => ReceiptStatus::Sent,
            "delivered" => ReceiptStatus::Delivered,
            "undelivered" => ReceiptStatus::Undelivered(told.failure()),
            _ => return Ok(None),
        };
        let delivery = DeliveryId::parse(told.id.as_str());
        if delivery.is_none() && told.provider_message_id.some().is_none() {
            return Err(NoReceipt::Malformed);
        }
        Ok(Some(Receipt {
            provider: "webhook",
            provider_message_id: told.provider_message_id.as_str().to_owned(),
            delivery,
            status,
            code: told.error.some().and_then(loose::code),
        }))
    }
}

/// `id` is the one that the message was handed over with, for gateways that have none of their own.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    id: Loose,
    #[serde(default)]
    provider_message_id: Loose,
    status: Loose,
    #[serde(default)]
    error: Loose,
    #[serde(default)]
    failure: Loose,
}

impl Told {
    /// Why it was not delivered. A gateway that does not say so reached nobody.
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
