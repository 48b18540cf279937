//! What providers tell later: who may tell it, and what it means. Pure functions; what comes of a receipt is decided
//! elsewhere.

pub mod solapi;
pub mod twilio;
pub mod vonage;
pub mod webhook;

use crate::delivery::provider::{Answering, Polled, Provider, ReceiptStatus};
use domain::ids::DeliveryId;
use platform::{config::Env, fault::Fault};

/// What a provider told of a message. Late, repeated and out-of-order receipts are normal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its name in `SMS_PROVIDER`. A receipt by `twilio` is about a text or a call.
    pub provider: &'static str,
    /// The id that [`crate::delivery::provider::Outcome::Accepted`] gave.
    pub provider_message_id: String,
    /// The delivery, where the provider says it back: then the receipt may come before the id above is known here.
    pub delivery: Option<DeliveryId>,
    pub status: ReceiptStatus,
    /// Why it was not delivered, in the provider's code.
    pub code: Option<String>,
}

/// Why a request is no receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoReceipt {
    /// No secret is configured to judge it by.
    NotExpected,
    /// Not signed by whom it should be, or too long ago.
    Forged,
    /// Signed, and can't be read.
    Malformed,
}

/// What receipts of each provider are judged by. Without a secret, none of that provider is believed.
#[derive(Clone, Debug)]
pub struct Verifiers {
    pub twilio: Option<twilio::Verifier>,
    pub solapi: Option<solapi::Verifier>,
    pub vonage: Option<vonage::Signature>,
    pub webhook: Option<webhook::Verifier>,
}

impl Verifiers {
    /// `public_url` is `PUBLIC_URL`: Twilio signs the address that it was given. Whether a provider is chosen does not
    /// matter: one that was replaced yesterday still sends receipts.
    pub fn from_env(env: &Env, public_url: Option<&str>) -> Self {
        Self {
            twilio: twilio::Verifier::read(env, public_url),
            solapi: solapi::Verifier::read(env),
            vonage: vonage::Signature::read(env),
            webhook: webhook::Verifier::read(env),
        }
    }

    /// Whether receipts of this provider can be expected here and will be believed.
    pub fn hear(&self, provider: &str) -> bool {
        match provider {
            "twilio" => self.twilio.as_ref().is_some_and(twilio::Verifier::is_public),
            "solapi" => self.solapi.is_some(),
            "vonage" => self.vonage.is_some(),
            "webhook" => self.webhook.is_some(),
            _ => false,
        }
    }
}

/// Takes receipts on. An error makes the provider send them again.
pub type Sink = std::sync::Arc<dyn Fn(Vec<Receipt>) -> Answering<'static, Result<(), Fault>> + Send + Sync>;

/// Asks the provider again what became of the messages that it told of, and keeps what it says then. For receipts that
/// are not signed.
pub async fn asked_again(provider: &dyn Provider, receipts: Vec<Receipt>) -> Vec<Receipt> {
    let mut known = Vec::new();
    for receipt in receipts {
        if let Polled::Status { status, code } = provider.poll(&receipt.provider_message_id).await {
            known.push(Receipt { status, code, ..receipt });
        }
    }
    known
}
