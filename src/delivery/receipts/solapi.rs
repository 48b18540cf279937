//! Solapi's webhook. Solapi signs nothing: the address is the secret, and the receipts are a hint to ask again.

use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::{NoReceipt, Receipt};
use crate::{
    config::{Env, Secret},
    delivery::{
        loose::{self, Loose},
        provider::ReceiptStatus,
        registry,
    },
    ids::DeliveryId,
    keys::check_text,
    status::DeliveryFailure,
};

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 20;
/// More events than this in one body are none of ours.
const MOST_EVENTS: usize = 200;

/// What the webhook is judged by.
#[derive(Clone, Debug)]
pub struct Verifier {
    tokens: Vec<Secret>,
}

impl Verifier {
    /// None without a token.
    pub fn read(env: &Env) -> Option<Self> {
        let tokens = registry::secrets(env, "SOLAPI_WEBHOOK_TOKEN");
        for why in tokens.iter().filter_map(|token| check_text(token, SHORTEST_TOKEN).err()) {
            env.refuse("SOLAPI_WEBHOOK_TOKEN", why);
        }
        (!tokens.is_empty()).then_some(Self { tokens })
    }

    pub fn new(tokens: Vec<Secret>) -> Self {
        Self { tokens }
    }

    /// The receipts in a request whose address ended with `token`.
    ///
    /// # Errors
    /// Why there are none.
    pub fn receipts(&self, token: &str, body: &[u8]) -> Result<Vec<Receipt>, NoReceipt> {
        let same = |secret: &Secret| bool::from(secret.expose().as_bytes().ct_eq(token.as_bytes()));
        if !self.tokens.iter().any(same) {
            return Err(NoReceipt::Forged);
        }
        let events: Vec<Value> = serde_json::from_slice(body).map_err(|_| NoReceipt::Malformed)?;
        let events =
            events.into_iter().take(MOST_EVENTS).filter_map(|event| serde_json::from_value::<Event>(event).ok());
        Ok(events.filter_map(Event::receipt).collect())
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    data: Report,
}

/// A message's report; a group's has no message id.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Report {
    message_id: Loose,
    status_code: Loose,
    custom_fields: CustomFields,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CustomFields {
    delivery: Loose,
}

impl Event {
    fn receipt(self) -> Option<Receipt> {
        let (status, code) = message_status(self.data.status_code.as_str())?;
        Some(Receipt {
            provider: "solapi",
            provider_message_id: self.data.message_id.some()?,
            delivery: DeliveryId::parse(self.data.custom_fields.delivery.as_str()),
            status,
            code,
        })
    }
}

/// What a status code of four digits says: 2000 taken, 3000 with the carrier, 4000 arrived; every other 1xxx, 2xxx and
/// 3xxx is a failure.
pub fn message_status(code: &str) -> Option<(ReceiptStatus, Option<String>)> {
    match code {
        "3000" => Some((ReceiptStatus::Sent, None)),
        "4000" => Some((ReceiptStatus::Delivered, None)),
        "2000" => None,
        _ if code.starts_with(['1', '2', '3']) => Some((ReceiptStatus::Undelivered(failure(code)), loose::code(code))),
        _ => None,
    }
}

/// Why a message failed: 1xxx and 2xxx at the platform, 3xxx at the carrier.
fn failure(code: &str) -> DeliveryFailure {
    match code {
        "1058" | "1060" | "1061" | "2060" | "2061" => DeliveryFailure::Recipient,
        // Refused by the recipient, spam filters, not registered there; the channel blocked.
        "3050" | "3054" | "2254" | "3104" | "3107" | "3108" => DeliveryFailure::Blocked,
        // Not registered or malformed senders, and the carrier's own trouble.
        "3012" | "3013" | "3024" | "3059" => DeliveryFailure::Provider,
        _ if code.starts_with('3') => DeliveryFailure::Recipient,
        _ => DeliveryFailure::Provider,
    }
}
