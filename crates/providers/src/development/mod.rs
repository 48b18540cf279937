//! The development provider: messages are not sent. They are captured in a file and shown at `GET /dev/outbox`.
//!
//! `serve` rejects it if `ENVIRONMENT=production`: everyone with access to the file or the page can read all codes.

#[cfg(test)]
mod tests;

use std::{future::ready, sync::Arc};

use chrono::SecondsFormat;

pub use crate::outbox::{DevOutbox, Filter, Message};

use crate::{
    provider::{
        BoxedFuture, Capabilities, Channel, Outcome, Outgoing, PollResult, Provider, ReceiptStatus, Receipts,
        SendFuture,
    },
    registration::{ProviderFactory, Registration, SettingsReader},
};
use platform::{clock::Clock, config::Setting};

const CAPABILITIES: Capabilities = Capabilities {
    idempotent: true,
    ..Capabilities::of(&[Channel::Sms, Channel::Voice, Channel::Email]).with_receipts(Receipts::Polling)
};

const SETTINGS: &[Setting] = &[Setting::new(
    "DEVELOPMENT_RECEIPTS",
    "on",
    "on or off: whether a message in the development outbox becomes DELIVERED a few seconds after it was SENT, as with \
     a provider that reports deliveries.",
)];

/// The development provider: messages are captured, not sent.
pub const REGISTRATION: Registration =
    Registration { name: "development", capabilities: CAPABILITIES, settings: SETTINGS, receipts: None, read };

/// The outbox is passed in [`ProviderDeps`](crate::registration::ProviderDeps).
fn read(reader: &mut SettingsReader<'_>) -> ProviderFactory {
    let receipts = if reader.env().switch("DEVELOPMENT_RECEIPTS") { Receipts::Polling } else { Receipts::None };
    Box::new(move |deps| Arc::new(Development::new(deps.outbox.clone(), deps.clock.clone(), receipts)))
}

/// Captures messages in a [`DevOutbox`].
#[derive(Clone)]
pub struct Development {
    outbox: Option<DevOutbox>,
    clock: Clock,
    receipts: Receipts,
}

impl Development {
    /// `receipts`: whether messages are reported as delivered.
    pub fn new(outbox: Option<DevOutbox>, clock: Clock, receipts: Receipts) -> Self {
        Self { outbox, clock, receipts }
    }

    /// The captured form of a message, with its full text and code.
    fn message(&self, outgoing: &Outgoing) -> Message {
        Message {
            id: outgoing.id.as_str().to_owned(),
            created_at: self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true),
            channel: outgoing.channel.as_str().to_owned(),
            to: outgoing.to.as_str().to_owned(),
            subject: outgoing.subject.clone(),
            text: outgoing.text.expose().to_owned(),
            code: outgoing.code.as_ref().map(|code| code.expose().to_owned()),
        }
    }
}

impl Provider for Development {
    fn name(&self) -> &'static str {
        "development"
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES.with_receipts(self.receipts)
    }

    /// A captured message counts as delivered.
    fn poll<'a>(&'a self, _provider_message_id: &'a str) -> BoxedFuture<'a, PollResult> {
        Box::pin(ready(PollResult::Status { status: ReceiptStatus::Delivered, code: None }))
    }

    /// Appends the message, unless the outbox already contains one with its id.
    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a> {
        Box::pin(async move {
            let Some(outbox) = &self.outbox else {
                return Outcome::unavailable("outbox_not_open".to_owned());
            };
            match outbox.append(self.message(message)).await {
                Ok(()) => {
                    // The only provider that logs: in development, the log is the first place to look.
                    let channel = message.channel.as_str();
                    tracing::info!(id = ?message.id, channel, to = ?message.to, "message captured in the outbox: /dev/outbox");
                    Outcome::Accepted { provider_message_id: Some(message.id.as_str().to_owned()) }
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot write to the outbox");
                    Outcome::unavailable("outbox_not_writable".to_owned())
                }
            }
        })
    }
}
