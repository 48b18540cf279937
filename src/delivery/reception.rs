//! Processing of received receipts: unauthenticated ones are confirmed by polling, and receipts that arrive before the
//! response of their provider wait for it.

use std::time::Duration;

use super::{
    provider_client::ProviderClient,
    provider_clients::ProviderClients,
    settle::{ReceiptResult, ResultRecorder},
};
use platform::{fault::Fault, telemetry::metrics};
use providers::{PollResult, Receipt, Receipts};

/// The number of lookups, and the delay between them, for which the receipts of one request together wait until their
/// messages are known.
const MAX_LOOKUPS: u32 = 20;
const LOOKUP_DELAY: Duration = Duration::from_millis(250);

/// Processes receipts. Cheap to clone.
#[derive(Clone)]
pub struct ReceiptProcessor {
    pub recorder: ResultRecorder,
    pub clients: ProviderClients,
}

impl ReceiptProcessor {
    /// Processes each receipt.
    ///
    /// A receipt may arrive before the response with the provider's message id was read. While the request waits,
    /// nothing can get lost: if this process crashes, the provider receives no response and repeats the receipt.
    ///
    /// # Errors
    /// A fault of the store: the provider should repeat the receipts.
    pub async fn process(&self, receipts: Vec<Receipt>) -> Result<(), Fault> {
        let mut lookups_left = MAX_LOOKUPS;
        for receipt in receipts {
            let provider = receipt.provider;
            let outcome = match self.confirmed(receipt).await {
                Some(receipt) => self.process_one(receipt, &mut lookups_left).await?,
                None => "unconfirmed",
            };
            metrics::receipt(provider, outcome);
        }
        Ok(())
    }

    /// Processes a status that was polled.
    pub(super) async fn process_polled(&self, receipt: Receipt) -> Result<(), Fault> {
        self.process_one(receipt, &mut 0).await.map(|_| ())
    }

    async fn process_one(&self, receipt: Receipt, lookups_left: &mut u32) -> Result<&'static str, Fault> {
        let provider = receipt.provider;
        loop {
            match self.recorder.take_receipt(receipt.clone()).await? {
                ReceiptResult::Known => return Ok("accepted"),
                ReceiptResult::Delivered { after } => {
                    metrics::delivered(provider, after);
                    return Ok("accepted");
                }
                ReceiptResult::UnknownMessage if receipt.delivery.is_some() || *lookups_left == 0 => {
                    return Ok("unknown_message");
                }
                ReceiptResult::UnknownMessage => {
                    *lookups_left -= 1;
                    tokio::time::sleep(LOOKUP_DELAY).await;
                }
            }
        }
    }

    /// Confirms an unauthenticated receipt by polling the provider. None if the provider does not confirm it.
    async fn confirmed(&self, receipt: Receipt) -> Option<Receipt> {
        let client = self.clients.named(receipt.provider);
        let is_unauthenticated = |client: &&std::sync::Arc<ProviderClient>| {
            client.provider().capabilities().receipts == Receipts::WebhookThenPolling
        };
        let Some(client) = client.filter(is_unauthenticated) else { return Some(receipt) };
        match client.poll(&receipt.provider_message_id).await {
            Some(PollResult::Status { status, code }) => Some(Receipt { status, code, ..receipt }),
            Some(PollResult::Pending | PollResult::Throttled { .. }) | None => None,
        }
    }
}
