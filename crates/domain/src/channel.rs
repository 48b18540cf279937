//! Delivery channels.

use serde::{Deserialize, Serialize};

/// The channel by which a message is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "sea-orm", derive(sea_orm::EnumIter, sea_orm::DeriveActiveEnum))]
#[cfg_attr(feature = "sea-orm", sea_orm(rs_type = "String", db_type = "Text"))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "SMS"))]
    Sms,
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "VOICE"))]
    Voice,
    #[cfg_attr(feature = "sea-orm", sea_orm(string_value = "EMAIL"))]
    Email,
}

impl Channel {
    /// The name in the schema, the tables and the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Sms => "SMS",
            Channel::Voice => "VOICE",
            Channel::Email => "EMAIL",
        }
    }
}
