//! What a password has to be.

use async_graphql::SimpleObject;

use crate::password::Description;

/// What a new password has to be, so that a form can say so before it asks.
#[derive(SimpleObject)]
pub struct PasswordPolicy {
    /// Characters at least.
    min_length: i32,
    /// Characters at most.
    max_length: i32,
    /// Whether a lower-case letter must be in it.
    requires_lowercase: bool,
    /// Whether an upper-case letter must be in it.
    requires_uppercase: bool,
    /// Whether a digit must be in it.
    requires_digit: bool,
    /// Whether a symbol must be in it.
    requires_symbol: bool,
    /// Least zxcvbn score, 0 to 4.
    min_strength: i32,
}

impl From<Description> for PasswordPolicy {
    fn from(policy: Description) -> Self {
        Self {
            min_length: policy.min_length.try_into().unwrap_or(i32::MAX),
            max_length: policy.max_length.try_into().unwrap_or(i32::MAX),
            requires_lowercase: policy.requires_lowercase,
            requires_uppercase: policy.requires_uppercase,
            requires_digit: policy.requires_digit,
            requires_symbol: policy.requires_symbol,
            min_strength: policy.min_strength.into(),
        }
    }
}
