//! Receipts, from whoever was let in: they are made sure of where they prove little, and waited for where they came
//! before their provider's own answer.

use std::time::Duration;

use super::{
    line::Line,
    lines::Lines,
    provider::{Polled, Receipts},
    receipts::Receipt,
    settle::{Settler, Taken},
};
use platform::{fault::Fault, telemetry::metrics};

/// How long, together, the receipts of one request wait for their messages to be known.
const LOOKS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// Takes receipts on. Cheap to clone.
#[derive(Clone)]
pub struct Reception {
    pub settler: Settler,
    pub lines: Lines,
}

impl Reception {
    /// Takes receipts on, each for itself.
    ///
    /// A provider may tell of a message before we have read its answer, so before we know what it calls it. While the
    /// request waits nothing can get lost: if this process dies, the provider has no answer and tells again.
    ///
    /// # Errors
    /// A fault of the store: the provider should tell again.
    pub async fn take(&self, receipts: Vec<Receipt>) -> Result<(), Fault> {
        let mut looks = LOOKS;
        for receipt in receipts {
            let provider = receipt.provider;
            let outcome = match self.made_sure_of(receipt).await {
                Some(receipt) => self.take_one(receipt, &mut looks).await?,
                None => "unconfirmed",
            };
            metrics::receipt(provider, outcome);
        }
        Ok(())
    }

    /// Takes what a provider said when it was asked.
    pub(super) async fn take_known(&self, receipt: Receipt) -> Result<(), Fault> {
        self.take_one(receipt, &mut 0).await.map(|_| ())
    }

    async fn take_one(&self, receipt: Receipt, looks: &mut u32) -> Result<&'static str, Fault> {
        let provider = receipt.provider;
        loop {
            match self.settler.take_receipt(receipt.clone()).await? {
                Taken::Known => return Ok("accepted"),
                Taken::Arrived { after } => {
                    metrics::delivered(provider, after);
                    return Ok("accepted");
                }
                Taken::UnknownMessage if receipt.delivery.is_some() || *looks == 0 => return Ok("unknown_message"),
                Taken::UnknownMessage => {
                    *looks -= 1;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// A receipt that anybody could have written is a hint to ask its provider. None: it does not say the same.
    async fn made_sure_of(&self, receipt: Receipt) -> Option<Receipt> {
        let line = self.lines.named(receipt.provider);
        let proves_little =
            |line: &&std::sync::Arc<Line>| line.provider().abilities().receipts == Receipts::WebhookThenPolling;
        let Some(line) = line.filter(proves_little) else { return Some(receipt) };
        match line.poll(&receipt.provider_message_id).await {
            Some(Polled::Status { status, code }) => Some(Receipt { status, code, ..receipt }),
            Some(Polled::NotYet | Polled::Throttled { .. }) | None => None,
        }
    }
}
