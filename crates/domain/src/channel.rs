//! Delivery channels.

use serde::{Deserialize, Serialize};

use crate::stored_text::stored_text;

/// The channel by which a message is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Channel {
    Sms,
    Voice,
    Email,
}

stored_text!(Channel {
    Sms => "SMS",
    Voice => "VOICE",
    Email => "EMAIL",
});
