//! The status of a verification and of a message, as stored, published and shown.

use serde::{Deserialize, Serialize};

/// The status of a verification. Expiry is not a status: it is computed from the clock and never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "sea-orm", derive(sea_orm::EnumIter, sea_orm::DeriveActiveEnum))]
#[cfg_attr(feature = "sea-orm", sea_orm(rs_type = "String", db_type = "Text"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "PENDING"))]
    Pending,
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "VERIFIED"))]
    Verified,
    /// All attempts were used.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "LOCKED"))]
    Locked,
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "CANCELED"))]
    Canceled,
}

/// The status of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "sea-orm", derive(sea_orm::EnumIter, sea_orm::DeriveActiveEnum))]
#[cfg_attr(feature = "sea-orm", sea_orm(rs_type = "String", db_type = "Text"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryStatus {
    /// Waiting for a provider, or for the next attempt.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "QUEUED"))]
    Queued,
    /// A provider accepted it.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "SENT"))]
    Sent,
    /// The provider reported delivery to the device.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "DELIVERED"))]
    Delivered,
    /// A provider accepted it and could not deliver it.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "UNDELIVERED"))]
    Undelivered,
    /// No provider accepted it.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "FAILED"))]
    Failed,
    /// A provider was called and its response was lost: the message may or may not arrive, and is not resent
    /// automatically.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "UNKNOWN"))]
    Unknown,
}

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "sea-orm", derive(sea_orm::EnumIter, sea_orm::DeriveActiveEnum))]
#[cfg_attr(feature = "sea-orm", sea_orm(rs_type = "String", db_type = "Text"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryFailure {
    /// The contact does not exist or could not be reached.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "RECIPIENT"))]
    Recipient,
    /// The recipient, the carrier or a rule of the provider blocks messages to this contact or country.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "BLOCKED"))]
    Blocked,
    /// The text was rejected.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "CONTENT"))]
    Content,
    /// No provider could send it.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "PROVIDER"))]
    Provider,
    /// It expired before it was delivered.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "EXPIRED"))]
    Expired,
}

/// The characters of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "sea-orm", derive(sea_orm::EnumIter, sea_orm::DeriveActiveEnum))]
#[cfg_attr(feature = "sea-orm", sea_orm(rs_type = "String", db_type = "Text"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CodeFormat {
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "NUMERIC"))]
    Numeric,
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "ALPHANUMERIC"))]
    Alphanumeric,
}
