//! The provider interface: a provider sends a message and returns the outcome. It does not depend on verifications.

use std::{
    future::{Future, ready},
    pin::Pin,
    time::Duration,
};

pub use domain::channel::Channel;
use domain::{
    contact::Contact,
    ids::DeliveryId,
    locale::Locale,
    status::{DeliveryFailure, DeliveryStatus},
};
use platform::config::Secret;

/// A message to send. It may contain a code: it is not logged, and `Debug` does not print its text.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Constant across retries; used as the idempotency key if the provider supports one.
    pub id: DeliveryId,
    pub channel: Channel,
    pub to: Contact,
    /// Plain text: the whole SMS, the text part of an e-mail, or the voice text (with separated digits, repeated).
    pub text: Secret,
    /// E-mail only.
    pub subject: Option<String>,
    /// E-mail only.
    pub html: Option<Secret>,
    /// The code in the text, for providers that need it separately (a template variable, a service that composes the
    /// message itself). None for a notice.
    pub code: Option<Secret>,
    pub locale: Locale,
    /// The remaining lifetime of the message.
    pub ttl: Duration,
}

/// The outcome of sending a message.
///
/// A `code` is the error code of the provider, for operators and for `DeliveryRefused.providerCode`: short, and without
/// the phone number, the e-mail address or the verification code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider accepted the message. Whether it is delivered is known later, if at all.
    Accepted { provider_message_id: Option<String> },
    /// The recipient is invalid, blocked or unroutable. Other providers would reject it, too.
    RejectedRecipient { code: Option<String> },
    /// The recipient opted out of messages from us, or fraud or spam protection blocks the recipient. No other provider
    /// is tried, because it would circumvent the block.
    Blocked { code: Option<String> },
    /// This provider does not deliver to this recipient or country for us; another provider may.
    RejectedDestination { code: Option<String> },
    /// Our sender is not registered or not allowed there.
    RejectedSender { code: Option<String> },
    /// The text was rejected.
    RejectedContent { code: Option<String> },
    /// A problem with our account: wrong key, client address not allowed, no balance. An operator must fix it.
    Misconfigured { code: Option<String> },
    /// This provider does not support this message, so it was not called; another provider may.
    Unsupported { code: &'static str },
    /// The rate limit of our account is reached, for all recipients.
    Throttled { retry_after: Option<Duration> },
    /// Temporarily rejected for a reason that concerns only this recipient (a limit per number, a full mailbox,
    /// greylisting). Nothing was sent.
    Deferred { code: Option<String>, retry_after: Option<Duration> },
    /// The provider is unreachable or temporarily unavailable. Nothing was sent.
    Unavailable { code: Option<String>, retry_after: Option<Duration> },
    /// The request was sent and there was no response: the message may have been sent. Never repeated blindly.
    Unknown,
    /// Like `Unknown`, at a step that depends on the recipient or the text: not counted as a failure of the provider.
    UnknownForMessage,
}

impl Outcome {
    /// [`Outcome::Unavailable`] without a known duration.
    pub fn unavailable(code: impl Into<Option<String>>) -> Self {
        Outcome::Unavailable { code: code.into(), retry_after: None }
    }

    /// [`Outcome::Deferred`] without a known duration.
    pub fn deferred(code: impl Into<Option<String>>) -> Self {
        Outcome::Deferred { code: code.into(), retry_after: None }
    }

    /// Whether it counts as a failure of the provider: unreachable, no response, or misconfigured.
    pub fn is_provider_failure(&self) -> bool {
        matches!(self, Outcome::Unavailable { .. } | Outcome::Misconfigured { .. } | Outcome::Unknown)
    }

    /// The delivery failure that this outcome means without a further attempt. None: the message may have been sent.
    pub fn failure(&self) -> Option<DeliveryFailure> {
        Some(match self {
            Outcome::Accepted { .. } | Outcome::Unknown | Outcome::UnknownForMessage => return None,
            Outcome::RejectedRecipient { .. } | Outcome::Deferred { .. } => DeliveryFailure::Recipient,
            Outcome::Blocked { .. } | Outcome::RejectedDestination { .. } => DeliveryFailure::Blocked,
            Outcome::RejectedContent { .. } => DeliveryFailure::Content,
            Outcome::RejectedSender { .. }
            | Outcome::Misconfigured { .. }
            | Outcome::Unsupported { .. }
            | Outcome::Throttled { .. }
            | Outcome::Unavailable { .. } => DeliveryFailure::Provider,
        })
    }

    /// The name in metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Accepted { .. } => "accepted",
            Outcome::RejectedRecipient { .. } => "rejected_recipient",
            Outcome::Blocked { .. } => "blocked",
            Outcome::RejectedDestination { .. } => "rejected_destination",
            Outcome::RejectedSender { .. } => "rejected_sender",
            Outcome::RejectedContent { .. } => "rejected_content",
            Outcome::Misconfigured { .. } => "misconfigured",
            Outcome::Unsupported { .. } => "unfit",
            Outcome::Throttled { .. } => "throttled",
            Outcome::Deferred { .. } => "deferred",
            Outcome::Unavailable { .. } => "unavailable",
            Outcome::Unknown | Outcome::UnknownForMessage => "unknown",
        }
    }
}

/// The status of an accepted message that its provider reports later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptStatus {
    /// On its way.
    Sent,
    Delivered,
    /// It could not be delivered, and will not be.
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

/// How a provider reports the status of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipts {
    /// Never.
    None,
    /// By webhook (`/receipts/…`).
    Webhook,
    /// On request, by [`Provider::poll`].
    Polling,
    /// By an unauthenticated webhook, whose status is confirmed by [`Provider::poll`].
    WebhookThenPolling,
}

impl Receipts {
    /// Whether [`Provider::poll`] is supported.
    pub fn are_polled(self) -> bool {
        matches!(self, Receipts::Polling | Receipts::WebhookThenPolling)
    }
}

/// The regions to which a provider delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regions {
    Everywhere,
    /// Only phone numbers with these calling codes.
    CallingCodes(&'static [u16]),
}

/// The capabilities of a provider, for routing and for `doctor`.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    pub channels: &'static [Channel],
    pub regions: Regions,
    pub receipts: Receipts,
    /// A message sent twice with the same id is delivered once, so an unknown outcome may be retried.
    pub idempotent: bool,
    /// The provider generates the code and the text, and only it can check the code ([`Provider::checker`]). It sends
    /// no notices, and once it accepted a message no other provider may send a code for the same verification.
    pub generates_codes: bool,
}

impl Capabilities {
    /// These channels in all regions, without receipts.
    pub const fn of(channels: &'static [Channel]) -> Self {
        Self {
            channels,
            regions: Regions::Everywhere,
            receipts: Receipts::None,
            idempotent: false,
            generates_codes: false,
        }
    }

    #[must_use]
    pub const fn with_receipts(self, receipts: Receipts) -> Self {
        Self { receipts, ..self }
    }

    /// Whether this provider delivers to the region of the contact.
    pub fn reaches(&self, to: &Contact) -> bool {
        match (to, self.regions) {
            (Contact::Phone(number), Regions::CallingCodes(codes)) => codes.contains(&number.country_code()),
            _ => true,
        }
    }

    /// Whether this provider supports `message`, so that it can be skipped without a call.
    pub fn supports(&self, message: &Outgoing) -> bool {
        self.reaches(&message.to)
            && self.channels.contains(&message.channel)
            && (message.code.is_some() || !self.generates_codes)
    }
}

/// The result of [`Provider::poll`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollResult {
    /// The current status.
    Status { status: ReceiptStatus, code: Option<String> },
    /// No status yet, or the provider is unreachable.
    Pending,
    /// Polled too often.
    Throttled { retry_after: Option<Duration> },
}

/// The result of checking a code at the provider that generated it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    Approved,
    Wrong,
    /// Expired, canceled or approved already.
    Ended,
    /// The attempt limit of the provider is reached; the limit of this service is normally reached first.
    TooManyAttempts,
    Throttled {
        retry_after: Option<Duration>,
    },
    /// Unreachable, or no response: the provider may have counted the attempt.
    Unavailable,
}

impl CheckOutcome {
    /// The name in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            CheckOutcome::Approved => "approved",
            CheckOutcome::Wrong => "wrong",
            CheckOutcome::Ended => "over",
            CheckOutcome::TooManyAttempts => "too_many_attempts",
            CheckOutcome::Throttled { .. } => "throttled",
            CheckOutcome::Unavailable => "unavailable",
        }
    }
}

/// A boxed future, so that the provider trait is object-safe.
pub type BoxedFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// The result of [`Provider::send`].
pub type SendFuture<'a> = BoxedFuture<'a, Outcome>;

/// Sends messages.
pub trait Provider: Send + Sync {
    /// The name in `SMS_PROVIDER`, in metrics and in logs.
    fn name(&self) -> &'static str;

    fn capabilities(&self) -> Capabilities;

    /// Sends one message. Does not retry and does not log: that is up to the caller.
    fn send<'a>(&'a self, message: &'a Outgoing) -> SendFuture<'a>;

    /// Polls for the status of a message, if [`Receipts::are_polled`].
    fn poll<'a>(&'a self, _provider_message_id: &'a str) -> BoxedFuture<'a, PollResult> {
        Box::pin(ready(PollResult::Pending))
    }

    /// The code checker, if the provider generates the codes.
    fn checker(&self) -> Option<&dyn CodeChecker> {
        None
    }
}

/// Checks codes that a provider generated.
pub trait CodeChecker: Send + Sync {
    /// Checks a code. The caller must count the attempt against its own limits first.
    fn check<'a>(&'a self, provider_message_id: &'a str, code: &'a Secret) -> BoxedFuture<'a, CheckOutcome>;

    /// Cancels the verification at the provider, so that its code becomes invalid. True if it was canceled or already
    /// over.
    fn cancel<'a>(&'a self, provider_message_id: &'a str) -> BoxedFuture<'a, bool>;
}
