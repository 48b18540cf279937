//! A provider that makes codes keeps one open verification of a number. It is asked only for the verification that has
//! the number's slot, after the one before was canceled there.

use std::time::Duration;

use super::{
    line::Said,
    provider::{Outgoing, Provider},
};
use crate::{
    clock::{Clock, Instant},
    fault::Fault,
    ids::VerificationId,
    store::{Begun, Slot, Store},
    telemetry,
};

/// How long to wait for the answer to another verification's question.
const PAUSE: Duration = Duration::from_secs(1);

/// The slots that one message may use.
#[derive(Clone, Copy)]
pub(super) struct Slots<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    /// The verification that the message is for.
    pub verification: Option<&'a VerificationId>,
    pub expires_at: Instant,
}

/// Whether a provider may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opened {
    /// It makes no codes.
    NotNeeded,
    /// It is asked. `anew`: not for this verification before.
    Open { anew: bool },
    /// Another verification uses the number there.
    Taken,
    /// The answer to another verification's question is still to come.
    Waits { until: Instant },
    /// It could not be reached to cancel the one before.
    NotCanceled,
}

impl Opened {
    /// Why the provider is not asked, and when it may be; none: it is asked.
    pub fn stands_against(&self) -> Option<(&'static str, Option<Instant>)> {
        match self {
            Opened::NotNeeded | Opened::Open { .. } => None,
            Opened::Taken => Some(("number_in_use", None)),
            Opened::Waits { until } => Some(("number_in_use", Some(*until))),
            Opened::NotCanceled => Some(("not_canceled", Some(Instant::UNIX_EPOCH))),
        }
    }
}

impl Slots<'_> {
    /// Takes the number's slot at the provider, cancels what is open there for another verification, and notes that the
    /// provider is asked.
    pub async fn open(&self, provider: &dyn Provider, message: &Outgoing) -> Result<Opened, Fault> {
        let Some((slot, id)) = self.slot(provider, message) else { return Ok(Opened::NotNeeded) };
        let mut canceled = None;
        loop {
            let now = self.clock.now();
            match self.store.begin_asking(&slot, id, self.expires_at, canceled.clone(), now).await? {
                Begun::Ask { anew } => return Ok(Opened::Open { anew }),
                Begun::Taken => return Ok(Opened::Taken),
                Begun::Wait => return Ok(Opened::Waits { until: now + PAUSE }),
                // Another process changed the row since.
                Begun::Cancel { .. } if canceled.is_some() => return Ok(Opened::Waits { until: now + PAUSE }),
                Begun::Cancel { reference } => {
                    let Some(checker) = provider.checker() else { return Ok(Opened::Taken) };
                    if !checker.cancel(&reference).await {
                        return Ok(Opened::NotCanceled);
                    }
                    canceled = Some(reference);
                }
            }
        }
    }

    /// Notes that nothing is open at the provider where it took nothing. What was open for the same verification before
    /// stays noted.
    pub async fn close_unless_taken(&self, opened: &Opened, provider: &dyn Provider, message: &Outgoing, said: &Said) {
        let nothing = match said {
            Said::Outcome(outcome) => outcome.failure().is_some(),
            Said::Rests { .. } => true,
        };
        if let (Opened::Open { anew: true }, true) = (opened, nothing)
            && let Some((slot, id)) = self.slot(provider, message)
            && let Err(fault) = self.store.nothing_open(&slot, id).await
        {
            // The number is free there again after ten minutes.
            telemetry::report(&fault);
        }
    }

    fn slot(&self, provider: &dyn Provider, message: &Outgoing) -> Option<(Slot, &VerificationId)> {
        let id = self.verification.filter(|_| provider.abilities().makes_code)?;
        Some((Slot { provider: provider.name().to_owned(), contact_key: message.to.key().to_owned() }, id))
    }
}
