//! What a provider is: it carries a message and says what happened. It knows nothing of verifications.

use std::{
    future::{Future, ready},
    pin::Pin,
    time::Duration,
};

pub use crate::channel::Channel;
use crate::{
    config::Secret,
    contact::Contact,
    ids::DeliveryId,
    status::{DeliveryFailure, DeliveryStatus},
    texts::Locale,
};

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
///
/// A `code` is the provider's own word for it, for operators and for `DeliveryRefused.providerCode`: short, and without
/// the number, the address or the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took the message; delivery shows later, if ever.
    Accepted { provider_message_id: Option<String> },
    /// This recipient can't get it: bad, blocked or unroutable. Another provider would say the same.
    RejectedRecipient { code: Option<String> },
    /// The recipient stopped messages from us, or a guard against fraud or spam blocks the number. Another provider
    /// would be asked to get round that.
    Blocked { code: Option<String> },
    /// This provider does not carry to this recipient or country for us: another provider may.
    RejectedDestination { code: Option<String> },
    /// Our sender is not registered or not allowed there.
    RejectedSender { code: Option<String> },
    /// The text is refused.
    RejectedContent { code: Option<String> },
    /// Our account there: wrong key, address not allowed, no balance. An operator must look.
    Misconfigured { code: Option<String> },
    /// This provider can't carry this message, so it was not asked: another provider may be able to.
    Unfit { code: &'static str },
    /// Our account is too fast there, whatever the recipient.
    Throttled { retry_after: Option<Duration> },
    /// Not now, for a reason that concerns this recipient alone (a limit per number, a full mailbox, greylisting).
    /// Nothing was sent.
    Deferred { code: Option<String>, retry_after: Option<Duration> },
    /// Not reached, or it said that it can't now. Nothing was sent.
    Unavailable { code: Option<String>, retry_after: Option<Duration> },
    /// The request was written and no answer came: it may have been sent. Never repeated blindly.
    Unknown,
    /// The same, at a step that depends on the recipient or the text: it says nothing of the provider.
    Stalled,
}

impl Outcome {
    /// [`Outcome::Unavailable`], for nobody knows how long.
    pub fn unavailable(code: impl Into<Option<String>>) -> Self {
        Outcome::Unavailable { code: code.into(), retry_after: None }
    }

    /// [`Outcome::Deferred`], for nobody knows how long.
    pub fn deferred(code: impl Into<Option<String>>) -> Self {
        Outcome::Deferred { code: code.into(), retry_after: None }
    }

    /// Whether it counts against the provider: not reached, no answer, or out of order for us.
    pub fn blames_provider(&self) -> bool {
        matches!(self, Outcome::Unavailable { .. } | Outcome::Misconfigured { .. } | Outcome::Unknown)
    }

    /// Why the message does not arrive if nothing more is done. None: it may have been sent.
    pub fn failure(&self) -> Option<DeliveryFailure> {
        Some(match self {
            Outcome::Accepted { .. } | Outcome::Unknown | Outcome::Stalled => return None,
            Outcome::RejectedRecipient { .. } | Outcome::Deferred { .. } => DeliveryFailure::Recipient,
            Outcome::Blocked { .. } | Outcome::RejectedDestination { .. } => DeliveryFailure::Blocked,
            Outcome::RejectedContent { .. } => DeliveryFailure::Content,
            Outcome::RejectedSender { .. }
            | Outcome::Misconfigured { .. }
            | Outcome::Unfit { .. }
            | Outcome::Throttled { .. }
            | Outcome::Unavailable { .. } => DeliveryFailure::Provider,
        })
    }

    /// Its name in metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Accepted { .. } => "accepted",
            Outcome::RejectedRecipient { .. } => "rejected_recipient",
            Outcome::Blocked { .. } => "blocked",
            Outcome::RejectedDestination { .. } => "rejected_destination",
            Outcome::RejectedSender { .. } => "rejected_sender",
            Outcome::RejectedContent { .. } => "rejected_content",
            Outcome::Misconfigured { .. } => "misconfigured",
            Outcome::Unfit { .. } => "unfit",
            Outcome::Throttled { .. } => "throttled",
            Outcome::Deferred { .. } => "deferred",
            Outcome::Unavailable { .. } => "unavailable",
            Outcome::Unknown | Outcome::Stalled => "unknown",
        }
    }
}

/// What became of a message that was accepted, as its provider tells it later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptStatus {
    /// On its way.
    Sent,
    Delivered,
    /// It could not be handed over, and will not be.
    Undelivered(DeliveryFailure),
}

impl From<ReceiptStatus> for DeliveryStatus {
    fn from(status: ReceiptStatus) -> Self {
        match status {
            ReceiptStatus::Sent => DeliveryStatus::Sent,
            ReceiptStatus::Delivered => DeliveryStatus::Delivered,
            ReceiptStatus::Undelivered(_) => DeliveryStatus::Undelivered,
        }
    }
}

impl ReceiptStatus {
    /// Why the message was not delivered.
    pub fn failure(self) -> Option<DeliveryFailure> {
        match self {
            ReceiptStatus::Sent | ReceiptStatus::Delivered => None,
            ReceiptStatus::Undelivered(failure) => Some(failure),
        }
    }
}

/// How a provider tells what became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// Never.
    None,
    /// It calls us (`/receipts/…`).
    Webhook,
    /// When asked, by [`Provider::poll`].
    Polling,
    /// It calls us, in a way that proves little; [`Provider::poll`] gives the word that counts.
    WebhookThenPolling,
}

impl Receipts {
    /// Whether [`Provider::poll`] is worth calling.
    pub fn are_polled(self) -> bool {
        matches!(self, Receipts::Polling | Receipts::WebhookThenPolling)
    }
}

/// Where a provider reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regions {
    Everywhere,
    /// Phone numbers of these calling codes alone.
    CallingCodes(&'static [u16]),
}

/// What a provider can do, for routing and for `doctor`.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    pub channels: &'static [Channel],
    pub regions: Regions,
    pub receipts: Receipts,
    /// A message sent twice under the same id arrives once, so an unknown outcome may be tried again.
    pub idempotent: bool,
    /// It makes the code and the text itself and alone can check the code ([`Provider::checker`]): it carries no
    /// notices, and once it has accepted a message no other provider may carry a code for the same verification.
    pub makes_code: bool,
}

impl Abilities {
    /// Carries these channels everywhere, tells nothing afterwards.
    pub const fn of(channels: &'static [Channel]) -> Self {
        Self { channels, regions: Regions::Everywhere, receipts: Receipts::None, idempotent: false, makes_code: false }
    }

    #[must_use]
    pub const fn with_receipts(self, receipts: Receipts) -> Self {
        Self { receipts, ..self }
    }

    /// Whether this provider carries to where the contact is.
    pub fn reaches(&self, to: &Contact) -> bool {
        match (to, self.regions) {
            (Contact::Phone(number), Regions::CallingCodes(codes)) => codes.contains(&number.country_code()),
            _ => true,
        }
    }

    /// Whether this provider could carry `message` at all, so that a route may pass over it without asking.
    pub fn carries(&self, message: &Outgoing) -> bool {
        self.reaches(&message.to)
            && self.channels.contains(&message.channel)
            && (message.code.is_some() || !self.makes_code)
    }
}

/// What [`Provider::poll`] learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// So it stands.
    Status { status: ReceiptStatus, code: Option<String> },
    /// Nothing to tell yet, or not reached.
    NotYet,
    /// Asked too often.
    Throttled { retry_after: Option<Duration> },
}

/// What a provider that makes codes said of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    Approved,
    Wrong,
    /// Expired, canceled or approved already.
    Over,
    /// Its own bound on guesses is reached; ours should have been reached before.
    TooManyAttempts,
    Throttled {
        retry_after: Option<Duration>,
    },
    /// Not reached, or no answer: the guess may have counted there.
    Unavailable,
}

impl CheckOutcome {
    /// Its name in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            CheckOutcome::Approved => "approved",
            CheckOutcome::Wrong => "wrong",
            CheckOutcome::Over => "over",
            CheckOutcome::TooManyAttempts => "too_many_attempts",
            CheckOutcome::Throttled { .. } => "throttled",
            CheckOutcome::Unavailable => "unavailable",
        }
    }
}

/// A boxed future, so that providers of different kinds stand in one list.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
pub type Sending<'a> = Answering<'a, Outcome>;

/// Who carries messages.
pub trait Provider: Send + Sync {
    /// Its name in `SMS_PROVIDER`, in metrics and in logs.
    fn name(&self) -> &'static str;

    fn abilities(&self) -> Abilities;

    /// Carries one message. Neither retries nor logs: whoever calls does.
    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a>;

    /// Asks what became of a message, where [`Receipts::are_polled`].
    fn poll<'a>(&'a self, _provider_message_id: &'a str) -> Answering<'a, Polled> {
        Box::pin(ready(Polled::NotYet))
    }

    /// Who checks the codes, where the provider makes them.
    fn checker(&self) -> Option<&dyn CodeChecker> {
        None
    }
}

/// Checks codes that a provider made.
pub trait CodeChecker: Send + Sync {
    /// Judges a guess. The caller has counted it against its own bounds first.
    fn check<'a>(&'a self, provider_message_id: &'a str, code: &'a Secret) -> Answering<'a, CheckOutcome>;

    /// Ends the verification there, so that its code is worth nothing any more. True: it did, or it was over already.
    fn cancel<'a>(&'a self, provider_message_id: &'a str) -> Answering<'a, bool>;
}
