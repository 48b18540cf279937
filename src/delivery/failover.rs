//! Which provider is asked, and who is asked next.

use std::time::Duration;

use super::{
    Routes,
    provider::{Outcome, Outgoing},
};

/// What became of a message after everybody who could was asked.
pub(super) enum Carried {
    Accepted {
        provider: &'static str,
        message_id: Option<String>,
    },
    /// This recipient or this text is refused; nobody else would fare better.
    Refused {
        provider: &'static str,
        code: Option<String>,
    },
    /// It may have been sent.
    Unknown {
        provider: &'static str,
    },
    /// It was certainly not sent; later it may be.
    NotNow {
        provider: Option<&'static str>,
        code: Option<String>,
        retry_after: Option<Duration>,
    },
}

/// Asks one provider after the other until one takes the message, refuses it for good, or leaves it unknown.
pub(super) async fn carry(routes: &Routes, message: &Outgoing) -> Carried {
    let mut last = Carried::NotNow { provider: None, code: Some("no_provider".to_owned()), retry_after: None };
    for provider in routes.of(message.channel).iter().filter(|provider| provider.abilities().carries(message)) {
        let name = provider.name();
        last = match provider.send(message).await {
            Outcome::Accepted { provider_message_id } => {
                return Carried::Accepted { provider: name, message_id: provider_message_id };
            }
            Outcome::RejectedRecipient { code } | Outcome::RejectedContent { code } => {
                return Carried::Refused { provider: name, code };
            }
            Outcome::Unknown if !provider.abilities().idempotent => return Carried::Unknown { provider: name },
            Outcome::Unknown => Carried::NotNow { provider: Some(name), code: None, retry_after: None },
            Outcome::Throttled { retry_after } => {
                Carried::NotNow { provider: Some(name), code: Some("throttled".to_owned()), retry_after }
            }
            Outcome::Unavailable { code, retry_after } => Carried::NotNow { provider: Some(name), code, retry_after },
            Outcome::RejectedSender { code } | Outcome::Misconfigured { code } => {
                Carried::NotNow { provider: Some(name), code, retry_after: None }
            }
        };
        tracing::warn!(provider = name, delivery = ?message.id, "a provider did not take a message");
    }
    last
}
