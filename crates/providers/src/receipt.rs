//! Receipts of providers: authentication and parsing, without side effects.

use std::sync::Arc;

use http::{HeaderMap, Method};

use crate::provider::{BoxedFuture, ReceiptStatus};
use domain::{Timestamp, ids::DeliveryId};
use platform::{config::Env, fault::Fault};

/// A status that a provider reports for a message. Receipts may be late, repeated and out of order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The name in `SMS_PROVIDER`. A receipt of `twilio` is about a text message or a call.
    pub provider: &'static str,
    /// The id that was returned in [`Outcome::Accepted`](crate::Outcome::Accepted).
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

/// The webhook to which a provider sends receipts: `/receipts/` and the name of the provider.
pub struct ReceiptWebhook {
    /// The methods of the requests.
    pub methods: &'static [Method],
    pub read: ReadVerifier,
}

/// Reads the secrets of a verifier from the settings and `PUBLIC_URL`. None if no secret is configured.
pub type ReadVerifier = fn(&Env, Option<&str>) -> Option<Arc<dyn ReceiptVerifier>>;

/// A request to the webhook of a provider.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptRequest<'a> {
    /// The query of the request target, not decoded.
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
    pub received_at: Timestamp,
}

impl<'a> ReceiptRequest<'a> {
    /// A header. None if it is missing or not ASCII.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the content type of the body is `media_type`, regardless of parameters.
    pub fn has_content_type(&self, media_type: &str) -> bool {
        self.header("content-type").unwrap_or_default().starts_with(media_type)
    }
}

/// Verifies and parses the receipts of one provider.
pub trait ReceiptVerifier: Send + Sync {
    /// The receipts in an authentic request, without those whose status is not relevant.
    ///
    /// # Errors
    /// Why the request is not valid.
    fn verify(&self, request: &ReceiptRequest<'_>) -> Result<Vec<Receipt>, ReceiptError>;

    /// Whether the provider can reach the webhook, so that receipts are to be expected.
    fn is_reachable(&self) -> bool {
        true
    }
}

/// Processes receipts. After an error, the provider repeats them.
pub type ReceiptHandler = Arc<dyn Fn(Vec<Receipt>) -> BoxedFuture<'static, Result<(), Fault>> + Send + Sync>;
