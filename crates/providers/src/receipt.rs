//! Receipts of providers: authentication and parsing, without side effects. They are processed in `reception.rs`.

use crate::provider::{BoxedFuture, PollResult, Provider, ReceiptStatus};
use crate::{solapi, twilio, vonage, webhook};
use domain::ids::DeliveryId;
use platform::{config::Env, fault::Fault};

/// A status that a provider reports for a message. Receipts may be late, repeated and out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The name in `SMS_PROVIDER`. A receipt of `twilio` is about a text message or a call.
    pub provider: &'static str,
    /// The id that was returned in [`crate::provider::Outcome::Accepted`].
    pub provider_message_id: String,
    /// The delivery, if the provider returns its id: then the receipt can be assigned before the id above is known.
    pub delivery: Option<DeliveryId>,
    pub status: ReceiptStatus,
    /// The provider's code for why it was not delivered.
    pub code: Option<String>,
}

/// Why a request is not a valid receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptError {
    /// No secret is configured to verify it.
    NotExpected,
    /// The signature is invalid or too old.
    Forged,
    /// The signature is valid, but the body is malformed.
    Malformed,
}

/// The receipt verifiers of each provider. Without a secret, no receipts of that provider are accepted.
#[derive(Clone, Debug)]
pub struct Verifiers {
    pub twilio: Option<twilio::Verifier>,
    pub solapi: Option<solapi::Verifier>,
    pub vonage: Option<vonage::Signature>,
    pub webhook: Option<webhook::Verifier>,
}

impl Verifiers {
    /// `public_url` is `PUBLIC_URL`: Twilio signs the callback URL. Providers that are no longer configured are
    /// included, because they still send receipts for earlier messages.
    pub fn from_env(env: &Env, public_url: Option<&str>) -> Self {
        Self {
            twilio: twilio::Verifier::read(env, public_url),
            solapi: solapi::Verifier::read(env),
            vonage: vonage::Signature::read(env),
            webhook: webhook::Verifier::read(env),
        }
    }

    /// Whether receipts of this provider can reach this service and can be verified.
    pub fn can_verify(&self, provider: &str) -> bool {
        match provider {
            "twilio" => self.twilio.as_ref().is_some_and(twilio::Verifier::is_public),
            "solapi" => self.solapi.is_some(),
            "vonage" => self.vonage.is_some(),
            "webhook" => self.webhook.is_some(),
            _ => false,
        }
    }
}

/// Processes receipts. After an error, the provider repeats them.
pub type ReceiptHandler = std::sync::Arc<dyn Fn(Vec<Receipt>) -> BoxedFuture<'static, Result<(), Fault>> + Send + Sync>;

/// Polls the provider for the messages of unauthenticated receipts, and returns the receipts with the polled statuses.
pub async fn confirm_by_polling(provider: &dyn Provider, receipts: Vec<Receipt>) -> Vec<Receipt> {
    let mut known = Vec::new();
    for receipt in receipts {
        if let PollResult::Status { status, code } = provider.poll(&receipt.provider_message_id).await {
            known.push(Receipt { status, code, ..receipt });
        }
    }
    known
}
