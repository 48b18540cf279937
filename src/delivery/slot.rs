//! A provider that generates codes keeps one open verification per recipient. It is called only for the verification that
//! has the recipient's slot, after the previous verification was canceled at the provider.

use std::time::Duration;

use super::provider_client::SendResult;
use domain::{Timestamp, ids::VerificationId};
use platform::{clock::Clock, fault::Fault, telemetry};
use providers::{Outgoing, Provider};
use store::{Slot, StartStep, Store};

/// The delay before a retry while the provider's response for another verification is outstanding.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Acquires the slots of one message.
#[derive(Clone, Copy)]
pub(super) struct Slots<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    /// The verification of the message. None for a notice.
    pub verification: Option<&'a VerificationId>,
    pub expires_at: Timestamp,
}

/// Whether a provider may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotAcquisition {
    /// The provider generates no codes.
    NotNeeded,
    /// The provider may be called. `first`: it was not called for this verification before.
    Granted { first: bool },
    /// Another verification has the slot.
    Taken,
    /// The provider's response for another verification is outstanding.
    Pending { retry_at: Timestamp },
    /// The provider could not be reached to cancel the previous verification.
    CancelFailed,
}

impl SlotAcquisition {
    /// The reason why the provider is not called, and the time of the retry, if any. None: the provider may be called.
    pub fn refusal(&self) -> Option<(&'static str, Option<Timestamp>)> {
        match self {
            SlotAcquisition::NotNeeded | SlotAcquisition::Granted { .. } => None,
            SlotAcquisition::Taken => Some(("number_in_use", None)),
            SlotAcquisition::Pending { retry_at } => Some(("number_in_use", Some(*retry_at))),
            SlotAcquisition::CancelFailed => Some(("not_canceled", Some(Timestamp::UNIX_EPOCH))),
        }
    }
}

impl Slots<'_> {
    /// Acquires the recipient's slot at the provider, cancels the previous verification there, and records that the
    /// provider is called.
    pub async fn acquire(&self, provider: &dyn Provider, message: &Outgoing) -> Result<SlotAcquisition, Fault> {
        let Some((slot, id)) = self.slot(provider, message) else { return Ok(SlotAcquisition::NotNeeded) };
        let mut canceled = None;
        loop {
            let now = self.clock.now();
            let pending = SlotAcquisition::Pending { retry_at: now + RETRY_DELAY };
            match self.store.begin_start(&slot, id, self.expires_at, canceled.clone(), now).await? {
                StartStep::Start { first } => return Ok(SlotAcquisition::Granted { first }),
                StartStep::Taken => return Ok(SlotAcquisition::Taken),
                StartStep::Wait => return Ok(pending),
                // Another process has changed the row in the meantime.
                StartStep::Cancel { .. } if canceled.is_some() => return Ok(pending),
                StartStep::Cancel { reference } => {
                    let Some(checker) = provider.checker() else { return Ok(SlotAcquisition::Taken) };
                    if !checker.cancel(&reference).await {
                        return Ok(SlotAcquisition::CancelFailed);
                    }
                    canceled = Some(reference);
                }
            }
        }
    }

    /// Records that no verification is open at the provider, if the first call for this verification sent nothing. After
    /// an earlier call, the verification may still be open there.
    pub async fn release_unless_sent(
        &self,
        acquired: &SlotAcquisition,
        provider: &dyn Provider,
        message: &Outgoing,
        result: &SendResult,
    ) {
        let not_sent = match result {
            SendResult::Outcome(outcome) => outcome.failure().is_some(),
            SendResult::NotSent { .. } => true,
        };
        if let (SlotAcquisition::Granted { first: true }, true) = (acquired, not_sent)
            && let Some((slot, id)) = self.slot(provider, message)
            && let Err(fault) = self.store.release_slot(&slot, id).await
        {
            // The slot then becomes free when the provider's verification would have expired.
            telemetry::report(&fault);
        }
    }

    fn slot(&self, provider: &dyn Provider, message: &Outgoing) -> Option<(Slot, &VerificationId)> {
        let id = self.verification.filter(|_| provider.capabilities().generates_codes)?;
        Some((Slot { provider: provider.name().to_owned(), contact_key: message.to.key().to_owned() }, id))
    }
}
