//! The development provider: messages go nowhere but into a file, from which `GET /dev/outbox` shows them.
//!
//! `serve` refuses it when `ENVIRONMENT=production`: whoever can read the file or the page can read every code.

mod file;
mod outbox;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::SecondsFormat;

pub use outbox::{DevOutbox, Filter, Message};

use crate::{
    clock::Clock,
    delivery::{
        Registration,
        provider::{Abilities, Channel, Outcome, Outgoing, Provider, Sending},
        registry::{Maker, Reader},
    },
};

const ABILITIES: Abilities =
    Abilities { idempotent: true, ..Abilities::of(&[Channel::Sms, Channel::Voice, Channel::Email]) };

pub const REGISTRATION: Registration = Registration { name: "development", abilities: ABILITIES, settings: &[], read };

/// It needs no settings: its outbox comes with the tools.
fn read(_reader: &mut Reader<'_>) -> Maker {
    Box::new(|tools| Arc::new(Development::new(tools.outbox.clone(), tools.clock.clone())))
}

/// Carries messages into a [`DevOutbox`].
#[derive(Clone)]
pub struct Development {
    outbox: Option<DevOutbox>,
    clock: Clock,
}

impl Development {
    pub fn new(outbox: Option<DevOutbox>, clock: Clock) -> Self {
        Self { outbox, clock }
    }

    /// What the outbox shows of a message: everything, which is what it is for.
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

    fn abilities(&self) -> Abilities {
        ABILITIES
    }

    /// Appends the message, unless one with its id stands there already.
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(async move {
            let Some(outbox) = &self.outbox else {
                return Outcome::unavailable("outbox_not_open".to_owned());
            };
            match outbox.append(self.message(message)).await {
                Ok(()) => {
                    // The one provider that says so itself: in development the log is where people look first.
                    let channel = message.channel.as_str();
                    tracing::info!(id = ?message.id, channel, to = ?message.to, "a message is in the outbox: /dev/outbox");
                    Outcome::Accepted { provider_message_id: Some(message.id.as_str().to_owned()) }
                }
                Err(error) => {
                    tracing::warn!(%error, "the outbox can't be written");
                    Outcome::unavailable("outbox_not_writable".to_owned())
                }
            }
        })
    }
}
