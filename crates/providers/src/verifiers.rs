//! The receipt verifiers of all providers.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    ALL,
    receipt::{Receipt, ReceiptError, ReceiptRequest, ReceiptVerifier},
};
use platform::config::Env;

/// The receipt verifiers by provider. Without a secret, no receipts of that provider are accepted.
#[derive(Clone)]
pub struct Verifiers(BTreeMap<&'static str, Arc<dyn ReceiptVerifier>>);

impl Verifiers {
    /// `public_url` is `PUBLIC_URL`: some providers sign the URL that they call. Providers that are no longer configured
    /// are included, because they still send receipts for earlier messages.
    pub fn from_env(env: &Env, public_url: Option<&str>) -> Self {
        let with_webhook =
            ALL.iter().filter_map(|registration| Some((registration.name, registration.receipts.as_ref()?)));
        Self(with_webhook.filter_map(|(name, webhook)| Some((name, (webhook.read)(env, public_url)?))).collect())
    }

    /// Whether receipts of this provider can reach this service and can be verified.
    pub fn can_verify(&self, provider: &str) -> bool {
        self.0.get(provider).is_some_and(|verifier| verifier.is_reachable())
    }

    /// The receipts in a request to the webhook of `provider`.
    ///
    /// # Errors
    /// Why the request is not valid.
    pub fn verify(&self, provider: &str, request: &ReceiptRequest<'_>) -> Result<Vec<Receipt>, ReceiptError> {
        self.0.get(provider).ok_or(ReceiptError::NotExpected)?.verify(request)
    }
}
