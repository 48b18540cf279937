//! Phone numbers.
//!
//! A number is parsed in two steps: [`dialled`] turns the input into digits, and [`plan`] determines which number the
//! digits reach. The metadata is libphonenumber's, from the `phonenumber` crate. The crate's parser is not used,
//! because it looks for a number *inside* a text: it reads letters as keypad digits, removes extensions, removes the
//! default region's international prefix from numbers that already begin with a plus (with Finland as the default,
//! `+994 50…` loses `994` and reaches another country), and ignores leading zeros when it determines a number's type.
//! Its result is a likely number; a code must be sent to the number that was typed or to none.

mod dialled;
mod fiction;
mod mask;
mod plan;

use std::fmt;

use dialled::Dialled;

use super::{Region, rejection::rejection};

rejection! {
    /// Why a text is not a phone number that a code can be sent to.
    PhoneRejection {
        Empty => "empty",
        /// Letters, several numbers, an extension, invisible characters: not a single number.
        NotANumber => "not_a_number",
        TooShort => "too_short",
        TooLong => "too_long",
        /// An ambiguous international prefix instead of a plus (`0082…` within Korea).
        NeedsPlus => "needs_plus",
        /// No such country code, or not assigned in its numbering plan.
        Invalid => "invalid_number",
        /// A landline, or a number of a company or a service.
        NotAMobileNumber => "not_a_mobile_number",
        /// Calls and messages to it are charged extra.
        PremiumRate => "premium_rate",
        SharedCost => "shared_cost",
        TollFree => "toll_free",
        /// Satellite phones and international networks: several dollars per message.
        Satellite => "satellite",
        /// Internet telephony: cheap to obtain in large numbers.
        Voip => "voip",
        Pager => "pager",
        /// Forwards to another, unknown number (070 in the UK, 050 in Korea).
        PersonalNumber => "personal_number",
    }
}

/// A phone number in E.164: `+`, then 7 to 15 digits (ITU-T E.164, 6).
///
/// A number from [`PhoneNumber::parse`] can receive a code: it is a mobile number, or its plan does not distinguish
/// mobile from fixed (North America).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber {
    e164: String,
    country_code: u16,
    region: Option<Region>,
}

/// The rules for parsing numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberRules {
    /// The region of numbers without a country code.
    pub region: Region,
    /// Whether to accept a number that is not assigned in any known plan, if it has the length of its country's mobile
    /// numbers.
    pub possible: bool,
}

impl From<Region> for NumberRules {
    /// Only assigned numbers.
    fn from(region: Region) -> Self {
        Self { region, possible: false }
    }
}

/// The number of national digits in the destination prefix. Regulators assign numbers to carriers in blocks of ten
/// thousand to a million, and SMS pumping for a share of the fee uses such blocks. Four national digits are a million
/// numbers in Korea (`010-12xx-xxxx`) and in North America, and a hundred thousand to a million elsewhere: small enough
/// to be throttled without blocking a country.
const PREFIX_DIGITS: usize = 4;

impl PhoneNumber {
    /// Parses a number as a user types it: in national form for the rules' region, or in international form for any
    /// region.
    ///
    /// # Errors
    /// See [`PhoneRejection`].
    pub fn parse(input: &str, rules: impl Into<NumberRules>) -> Result<Self, PhoneRejection> {
        let NumberRules { region, possible } = rules.into();
        let found = match dialled::read(input)? {
            Dialled::International(digits) => plan::international(&digits, possible)?,
            Dialled::National(digits) => plan::national(&digits, region, possible)?,
        };
        match found.kind.refusal() {
            Some(rejection) => Err(rejection),
            None => Ok(found.number),
        }
    }

    /// Parses `+` and digits by E.164's syntax only: an existing country code, 7 to 15 digits. For test contacts, whose
    /// numbers are in unassigned ranges, and to which nothing is ever sent.
    ///
    /// # Errors
    /// [`PhoneRejection::Empty`], [`NotANumber`](PhoneRejection::NotANumber), [`TooShort`](PhoneRejection::TooShort),
    /// [`TooLong`](PhoneRejection::TooLong), [`Invalid`](PhoneRejection::Invalid).
    pub fn parse_lenient(input: &str) -> Result<Self, PhoneRejection> {
        match dialled::read(input)? {
            Dialled::International(digits) => plan::unjudged(&digits),
            Dialled::National(_) => Err(PhoneRejection::NotANumber),
        }
    }

    /// From a stored row, without validation. None if it is not E.164.
    pub fn from_stored(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| plan::unjudged(digits).ok()).flatten()
    }

    /// E.164: `+821012345678`.
    pub fn as_str(&self) -> &str {
        &self.e164
    }

    /// The country code, such as 82.
    pub fn country_code(&self) -> u16 {
        self.country_code
    }

    /// The region whose plan assigns it; None if no plan does (test numbers, plans that changed since).
    pub fn region(&self) -> Option<Region> {
        self.region
    }

    /// The digits after the country code: `1012345678`.
    pub fn significant_digits(&self) -> &str {
        let code = self.country_code.checked_ilog10().unwrap_or(0) as usize + 1;
        self.e164.get(1 + code..).unwrap_or("")
    }

    /// As dialled within its region, only digits: `01012345678`. With the trunk prefix, if the plan has one.
    pub fn national_digits(&self) -> String {
        format!("{}{}", plan::trunk_prefix(self.country_code, self.region), self.significant_digits())
    }

    /// The destination prefix that quotas count by: country code and the first four national digits, `+821012`.
    pub fn prefix(&self) -> String {
        let code = self.e164.len() - self.significant_digits().len();
        self.e164.chars().take(code + PREFIX_DIGITS).collect()
    }

    /// Masked, for the client that requested a code: `+82 10-••••-5678`.
    pub fn masked(&self) -> String {
        mask::masked(self)
    }

    /// Whether it is in a range reserved for films and examples, so that it has no subscriber.
    pub fn is_fictional(&self) -> bool {
        fiction::is_fictional(self.country_code, self.significant_digits())
    }
}

impl fmt::Debug for PhoneNumber {
    /// For logs: the country code and the last two digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.significant_digits();
        let last = digits.get(digits.len().saturating_sub(2)..).unwrap_or("");
        write!(f, "+{}••••{last}", self.country_code)
    }
}

#[cfg(test)]
mod tests;
