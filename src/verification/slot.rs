//! A provider that generates codes (Twilio Verify) keeps one open verification per recipient, and a second start joins it.
//! At most one pending verification of a contact may use the provider, so that the codes of two verifications are not mixed
//! up. Decoys take the slot like other verifications, so that the two can't be distinguished.

use super::{Deps, start::Start};
use crate::delivery::OWN_CODE;
use domain::{Timestamp, channel::Channel, contact::Contact, verification::Verification};
use platform::{
    fault::Fault,
    telemetry::audit::{Act, Event},
};
use store::{Slot, SlotClaim, Tx};

/// The provider checks a verification at most five times; an unknown client may use this many of the checks.
const ATTEMPTS_OF_UNKNOWN_CLIENTS: i32 = 2;

/// A request for the recipient's slot at the provider that generates codes.
pub(super) struct SlotRequest {
    slot: Slot,
    /// The provider is the first of its channel.
    first: bool,
    /// Another provider can send a code of this service.
    has_alternative: bool,
    /// The client is known to the account that has the contact.
    known_client: bool,
}

/// Result of a request for a slot.
pub(super) enum SlotResult {
    /// The verification has the slot, or is sent through another provider. `displaced`: the pending verification that was
    /// canceled for it.
    Granted { displaced: Option<Box<Verification>> },
    /// Another verification has the slot, until then.
    Taken { until: Timestamp },
}

impl Deps {
    /// None if every provider of the channel sends codes of this service.
    pub(super) fn slot_request<R>(&self, start: &Start<R>) -> Option<SlotRequest> {
        let (provider, first) = self.code_generator(start.channel, &start.to)?;
        let slot = Slot { provider: provider.to_owned(), contact_key: start.to.key().to_owned() };
        let has_alternative = self.routes.sends_own_codes(start.channel, &start.to);
        Some(SlotRequest { slot, first, has_alternative, known_client: start.known_client })
    }

    pub(super) fn code_generator(&self, channel: Channel, to: &Contact) -> Option<(&'static str, bool)> {
        self.routes.code_generator(channel).filter(|_| self.test_contact(to).is_none())
    }
}

impl SlotRequest {
    /// Claims the slot for the verification that is about to be written, or selects another provider for it.
    pub(super) async fn take(
        &self,
        tx: &Tx,
        row: &mut Verification,
        entry: &Event,
        now: Timestamp,
    ) -> Result<SlotResult, Fault> {
        let mut displaced = None;
        let mut claim = tx.claim_slot(&self.slot, &row.id, row.expires_at, now).await?;
        if let SlotClaim::Taken { by, .. } = &claim
            && !self.has_alternative
            && self.known_client
        {
            displaced = tx.cancel_verification(by, now).await?;
            if let Some(canceled) = &displaced {
                let event = Event { act: Act::CancelVerification, ..entry.clone() };
                tx.insert_audit(&event.account_opt(canceled.account_id.clone())).await?;
            }
            claim = tx.claim_slot(&self.slot, &row.id, row.expires_at, now).await?;
        }
        match claim {
            SlotClaim::Granted => {
                if self.first && !self.known_client {
                    row.max_attempts = row.max_attempts.min(ATTEMPTS_OF_UNKNOWN_CLIENTS);
                }
                Ok(SlotResult::Granted { displaced: displaced.map(Box::new) })
            }
            SlotClaim::Taken { .. } if self.has_alternative => {
                row.code_by = Some(OWN_CODE.to_owned());
                Ok(SlotResult::Granted { displaced: None })
            }
            SlotClaim::Taken { until, .. } => Ok(SlotResult::Taken { until }),
        }
    }
}
