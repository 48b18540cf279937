//! What became of a verification and of its newest message, as it is stored, published and shown.

use serde::{Deserialize, Serialize};

/// What became of a verification. That a pending one has expired is derived from the clock and written by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "sea-orm", derive(sea_orm::EnumIter, sea_orm::DeriveActiveEnum))]
#[cfg_attr(feature = "sea-orm", sea_orm(rs_type = "String", db_type = "Text"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "PENDING"))]
    Pending,
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "VERIFIED"))]
    Verified,
    /// Every attempt was used.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "LOCKED"))]
    Locked,
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "CANCELED"))]
    Canceled,
}

/// What became of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "sea-orm", derive(sea_orm::EnumIter, sea_orm::DeriveActiveEnum))]
#[cfg_attr(feature = "sea-orm", sea_orm(rs_type = "String", db_type = "Text"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryStatus {
    /// Waiting for a provider, or for the next try.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "QUEUED"))]
    Queued,
    /// A provider took it.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "SENT"))]
    Sent,
    /// It is on the device, says the provider.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "DELIVERED"))]
    Delivered,
    /// A provider took it and could not hand it over.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "UNDELIVERED"))]
    Undelivered,
    /// No provider took it.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "FAILED"))]
    Failed,
    /// A provider was asked and its answer was lost: it may arrive or not, and is not repeated by itself.
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "UNKNOWN"))]
    Unknown,
}

/// What a code is made of.
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
