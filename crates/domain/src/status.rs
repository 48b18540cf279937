//! The status of a verification and of a message, as stored, published and shown.

use serde::{Deserialize, Serialize};

use crate::stored_text::stored_text;

/// The status of a verification. Expiry is not a status: it is computed from the clock and never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Pending,
    Verified,
    /// All attempts were used.
    Locked,
    Canceled,
}

stored_text!(Status {
    Pending => "PENDING",
    Verified => "VERIFIED",
    Locked => "LOCKED",
    Canceled => "CANCELED",
});

/// The status of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryStatus {
    /// Waiting for a provider, or for the next attempt.
    Queued,
    /// A provider accepted it.
    Sent,
    /// The provider reported delivery to the device.
    Delivered,
    /// A provider accepted it and could not deliver it.
    Undelivered,
    /// No provider accepted it.
    Failed,
    /// A provider was called and its response was lost: the message may or may not arrive, and is not resent
    /// automatically.
    Unknown,
}

stored_text!(DeliveryStatus {
    Queued => "QUEUED",
    Sent => "SENT",
    Delivered => "DELIVERED",
    Undelivered => "UNDELIVERED",
    Failed => "FAILED",
    Unknown => "UNKNOWN",
});

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryFailure {
    /// The contact does not exist or could not be reached.
    Recipient,
    /// The recipient, the carrier or a rule of the provider blocks messages to this contact or country.
    Blocked,
    /// The text was rejected.
    Content,
    /// No provider could send it.
    Provider,
    /// It expired before it was delivered.
    Expired,
}

stored_text!(DeliveryFailure {
    Recipient => "RECIPIENT",
    Blocked => "BLOCKED",
    Content => "CONTENT",
    Provider => "PROVIDER",
    Expired => "EXPIRED",
});

/// The characters of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CodeFormat {
    Numeric,
    Alphanumeric,
}

stored_text!(CodeFormat {
    Numeric => "NUMERIC",
    Alphanumeric => "ALPHANUMERIC",
});
