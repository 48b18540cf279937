//! What became of a verification and of its newest message, as it is stored, published and shown.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// What became of a verification. That a pending one has expired is derived from the clock and written by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    #[sea_orm(string_value = "PENDING")]
    Pending,
    #[sea_orm(string_value = "VERIFIED")]
    Verified,
    /// Every attempt was used.
    #[sea_orm(string_value = "LOCKED")]
    Locked,
    #[sea_orm(string_value = "CANCELED")]
    Canceled,
}

/// What became of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryStatus {
    /// Waiting for a provider, or for the next try.
    #[sea_orm(string_value = "QUEUED")]
    Queued,
    /// A provider took it.
    #[sea_orm(string_value = "SENT")]
    Sent,
    /// It is on the device, says the provider.
    #[sea_orm(string_value = "DELIVERED")]
    Delivered,
    /// A provider took it and could not hand it over.
    #[sea_orm(string_value = "UNDELIVERED")]
    Undelivered,
    /// No provider took it.
    #[sea_orm(string_value = "FAILED")]
    Failed,
    /// A provider was asked and its answer was lost: it may arrive or not, and is not repeated by itself.
    #[sea_orm(string_value = "UNKNOWN")]
    Unknown,
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliveryFailure {
    /// The contact does not exist or could not be reached.
    #[sea_orm(string_value = "RECIPIENT")]
    Recipient,
    /// The recipient, the carrier or a rule of the provider blocks messages to this contact or country.
    #[sea_orm(string_value = "BLOCKED")]
    Blocked,
    /// The text was refused.
    #[sea_orm(string_value = "CONTENT")]
    Content,
    /// No provider could carry it.
    #[sea_orm(string_value = "PROVIDER")]
    Provider,
    /// Its time ran out first.
    #[sea_orm(string_value = "EXPIRED")]
    Expired,
}

/// What a code is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CodeFormat {
    #[sea_orm(string_value = "NUMERIC")]
    Numeric,
    #[sea_orm(string_value = "ALPHANUMERIC")]
    Alphanumeric,
}
