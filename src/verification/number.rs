//! A provider that makes codes (Twilio Verify) keeps one open verification of a number, and a second start there joins it.
//! So that the codes of two verifications do not mix, at most one pending verification of a number may use it. A decoy
//! takes its turn like any other: it must not be told apart.

use super::{Parts, start::Start};
use crate::{
    clock::Instant,
    contact::Contact,
    delivery::{Channel, OURS},
    fault::Fault,
    store::{Holding, Slot, Tx, entity::verification::Model},
    telemetry::audit::{Act, Event},
};

/// Of the five checks that the provider has for a verification, how many an unknown client may use.
const ATTEMPTS_OF_UNKNOWN_CLIENTS: i32 = 2;

/// How a send stands to the provider that would make its code.
pub(super) struct Making {
    slot: Slot,
    /// No other provider is asked before it.
    first: bool,
    /// Another provider carries our own code.
    elsewhere: bool,
    /// The client is known to the account that has the contact.
    known: bool,
}

/// What came of it.
pub(super) enum Turn {
    /// It has the number; what was pending before was canceled for it.
    Granted { displaced: Option<Box<Model>> },
    /// Another verification has it until then.
    Refused { until: Instant },
}

impl Parts {
    /// None: whatever carries the message carries our own code.
    pub(super) fn making<R>(&self, start: &Start<R>) -> Option<Making> {
        let (provider, first) = self.code_maker(start.channel, &start.to)?;
        let slot = Slot { provider: provider.to_owned(), contact_key: start.to.key().to_owned() };
        let elsewhere = self.routes.carry_our_codes(start.channel, &start.to);
        Some(Making { slot, first, elsewhere, known: start.known_client })
    }

    pub(super) fn code_maker(&self, channel: Channel, to: &Contact) -> Option<(&'static str, bool)> {
        self.routes.code_maker(channel).filter(|_| self.test_contact(to).is_none())
    }
}

impl Making {
    /// Takes the number for the verification that is about to be written, or sends it by another provider.
    pub(super) async fn take(&self, tx: &Tx, row: &mut Model, entry: &Event, now: Instant) -> Result<Turn, Fault> {
        let mut displaced = None;
        let mut holding = tx.hold_slot(&self.slot, &row.id, row.expires_at, now).await?;
        if let Holding::Taken { by, .. } = &holding
            && !self.elsewhere
            && self.known
        {
            displaced = tx.cancel_verification(by, now).await?;
            if let Some(canceled) = &displaced {
                let event = Event { act: Act::CancelVerification, ..entry.clone() };
                tx.insert_audit(&event.maybe_account(canceled.account_id.clone())).await?;
            }
            holding = tx.hold_slot(&self.slot, &row.id, row.expires_at, now).await?;
        }
        match holding {
            Holding::Granted(_) => {
                if self.first && !self.known {
                    row.max_attempts = row.max_attempts.min(ATTEMPTS_OF_UNKNOWN_CLIENTS);
                }
                Ok(Turn::Granted { displaced: displaced.map(Box::new) })
            }
            Holding::Taken { .. } if self.elsewhere => {
                row.code_by = Some(OURS.to_owned());
                Ok(Turn::Granted { displaced: None })
            }
            Holding::Taken { until, .. } => Ok(Turn::Refused { until }),
        }
    }
}
