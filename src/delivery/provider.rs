//! What a provider is: it carries a message and says what happened. It knows nothing of verifications.

use std::{future::Future, pin::Pin, time::Duration};

pub use crate::channel::Channel;
use crate::{config::Secret, contact::Contact, ids::DeliveryId, texts::Locale};

/// A message to carry. It holds a code: it is not logged, and its text does not print.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Constant across retries; where a provider takes an idempotency key, this is it.
    pub id: DeliveryId,
    pub channel: Channel,
    pub to: Contact,
    /// Plain text: the whole SMS, the text part of an e-mail, what a voice says (digits already apart, twice).
    pub text: Secret,
    /// E-mail only.
    pub subject: Option<String>,
    /// E-mail only.
    pub html: Option<Secret>,
    /// The code in the text, for providers that take it apart from the text (a template's variable, a service that
    /// makes the message itself). None: a notice.
    pub code: Option<Secret>,
    pub locale: Locale,
    /// How long the message is worth delivering.
    pub ttl: Duration,
}

/// What a provider said of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took the message; delivery shows later, if ever.
    Accepted { provider_message_id: Option<String> },
    /// This recipient can't get it: bad, blocked or unroutable. Another provider would say the same.
    RejectedRecipient { code: Option<String> },
    /// Our sender is not registered or not allowed there.
    RejectedSender { code: Option<String> },
    /// The text is refused.
    RejectedContent { code: Option<String> },
    /// Our account there: wrong key, address not allowed, no balance. An operator must look.
    Misconfigured { code: Option<String> },
    /// Too fast.
    Throttled { retry_after: Option<Duration> },
    /// Not reached, or it said that it can't now. Nothing was sent.
    Unavailable { code: Option<String> },
    /// The request was written and no answer came: it may have been sent. Never repeated blindly.
    Unknown,
}

/// What a provider can do, for routing and for `doctor`.
#[derive(Clone, Debug)]
pub struct Abilities {
    pub channels: Vec<Channel>,
    /// Tells later what became of a message (by webhook or by polling).
    pub receipts: bool,
    /// A message sent twice under the same id arrives once, so an unknown outcome may be tried again.
    pub idempotent: bool,
}

/// A boxed future, so that providers of different kinds stand in one list.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// Who carries messages.
pub trait Provider: Send + Sync {
    /// Its name in `SMS_PROVIDER`, in metrics and in logs.
    fn name(&self) -> &'static str;

    fn abilities(&self) -> Abilities;

    /// Carries one message. Neither retries nor logs: whoever calls does.
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a>;
}
