//! How a message travels.

use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

/// How a message travels.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum, Serialize, Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    #[sea_orm(string_value = "SMS")]
    Sms,
    #[sea_orm(string_value = "VOICE")]
    Voice,
    #[sea_orm(string_value = "EMAIL")]
    Email,
}

impl Channel {
    /// Its name in the schema, the tables and the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Sms => "SMS",
            Channel::Voice => "VOICE",
            Channel::Email => "EMAIL",
        }
    }
}
