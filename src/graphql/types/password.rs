//! The password policy.

use async_graphql::SimpleObject;

use platform::password::Description;

/// Requirements for a new password, so that a form can show them in advance.
#[derive(SimpleObject)]
pub struct PasswordPolicy {
    /// Minimum length in characters.
    min_length: i32,
    /// Maximum length in characters.
    max_length: i32,
    /// Whether the password must contain a lower-case letter.
    requires_lowercase: bool,
    /// Whether the password must contain an upper-case letter.
    requires_uppercase: bool,
    /// Whether the password must contain a digit.
    requires_digit: bool,
    /// Whether the password must contain a symbol.
    requires_symbol: bool,
    /// Minimum zxcvbn score, from 0 to 4.
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
